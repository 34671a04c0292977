"""Priors: what is expected of a step before it is known, from the steps it is thought to be like.

Every step's logs of service time are cut off at its median +- 2.5 sigma0, so that neither a
straggler nor an absurd value moves them. Within a pool (one model, or one name) their means and
variances give a normal-inverse-chi2 prior; a pool of few steps leans on all steps together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, log, sqrt
from statistics import fmean

from insight.learned.learning import CLIP, Learned
from insight.learned.sketch import quantile

FREEDOM = 6.0
"""Prior strength of a variance, in calls (nu0)."""
STRAGGLERS, STRENGTH = 0.025, 50.0
"""Share of stragglers expected before anything is known, and how many calls that is worth."""
WORKS, WORKS_STRENGTH = 0.97, 10.0
"""Share of attempts expected to work before anything is known, and how many that is worth."""
TIMES = 6.0
"""How many times as long a straggler takes, before one was seen."""

Pool = tuple[str, str, str, bool]
Point = tuple[float, float]
"""A log of seconds, and its weight."""


@dataclass(frozen=True)
class Prior:
    """What is expected of a step: its mean log is about `centre`, known as well as from `weight`
    calls; its variance about `variance`, known as well as from `FREEDOM` calls. `stragglers` is
    the share of calls beyond 2.5 standard deviations, `times` how many times the median they take.
    `works` is the share of attempts that work.
    """

    centre: float
    weight: float
    variance: float
    stragglers: float
    times: float
    works: float


UNKNOWN = Prior(log(2.0), 0.1, 0.25, STRAGGLERS, TIMES, WORKS)
"""Two seconds, give or take a factor of five, of which one step's calls make 1.6."""


@dataclass(frozen=True)
class Body:
    """The logs of one step, cut off: their weight, mean, and sum of squared deviations; the
    weight of those beyond the upper bound, and the sum of their logs above the median.
    """

    n: float
    mean: float
    squares: float
    beyond: float
    excess: float


def body(points: Sequence[Point], centre: float, sigma: float) -> Body:
    """Sum the logs of a step around its median `centre`."""
    reach = CLIP * sigma
    cut = [(max(centre - reach, min(centre + reach, x)), w) for x, w in points]
    n = sum(w for _, w in cut)
    mean = sum(x * w for x, w in cut) / n
    late = [(x - centre, w) for x, w in points if x > centre + reach]
    return Body(
        n=n,
        mean=mean,
        squares=sum(w * (x - mean) ** 2 for x, w in cut),
        beyond=sum(w for _, w in late),
        excess=sum(x * w for x, w in late),
    )


@dataclass(frozen=True)
class Priors:
    """The priors of all pools, and those of all simulated and of all real steps."""

    pools: Mapping[Pool, Prior]
    wider: Mapping[bool, Prior]

    def of(self, pool: Pool) -> Prior:
        """Give the prior of a pool."""
        return self.pools.get(pool) or self.wider.get(pool[-1], UNKNOWN)


def priors(known: Iterable[Learned]) -> Priors:
    """Fit the priors on all steps. Simulated and real times never meet but in `UNKNOWN`."""
    worlds: dict[bool, list[Learned]] = {}
    pools: dict[Pool, list[Learned]] = {}
    for step in known:
        worlds.setdefault(step.key.simulated, []).append(step)
        pools.setdefault(step.key.pool, []).append(step)
    wider = {simulated: _fitted(some, UNKNOWN) for simulated, some in worlds.items()}
    found = {pool: _fitted(some, wider[pool[-1]]) for pool, some in pools.items()}
    return Priors(found, wider)


def _fitted(steps: Sequence[Learned], wider: Prior) -> Prior:
    """Fit one pool's prior; the wider one counts as two steps, and as `FREEDOM` calls."""
    seen = [(s.done.logs(), m) for s in steps if (m := quantile(s.done, 0.5)) is not None]
    sigma = _scale(seen, sqrt(wider.variance))
    bodies = [body(points, m, sigma) for points, m in seen]
    spare = sum(max(b.n - 1, 0.0) for b in bodies)
    variance = sum(b.squares for b in bodies if b.n > 1)
    variance = (FREEDOM * wider.variance + variance) / (FREEDOM + spare)
    centre = (wider.centre + sum(b.mean for b in bodies)) / (1 + len(bodies))
    between = sum((b.mean - centre) ** 2 for b in bodies) + 2 * wider.variance / wider.weight
    # The means of few calls differ more than the steps do.
    noise = fmean([variance / b.n for b in bodies]) if bodies else 0.0
    between = max(between / (2 + len(bodies)) - noise, 0.05 * variance)
    n, late = sum(b.n for b in bodies), sum(b.beyond for b in bodies)
    excess = sum(b.excess for b in bodies) + log(wider.times)
    good, bad = sum(s.good for s in steps), sum(s.bad for s in steps)
    return Prior(
        centre=centre,
        weight=variance / between,
        variance=variance,
        stragglers=(STRENGTH * wider.stragglers + late) / (STRENGTH + n),
        times=exp(excess / (1 + late)),
        works=(WORKS_STRENGTH * wider.works + good) / (WORKS_STRENGTH + good + bad),
    )


def _scale(seen: Sequence[tuple[Sequence[Point], float]], usual: float) -> float:
    """Give sigma0: 1.4826 times the median distance from the median, over steps of some calls;
    the usual one counts as `FREEDOM` calls.
    """
    far = sorted(
        (abs(x - m), w) for points, m in seen if sum(w for _, w in points) >= 5 for x, w in points
    )
    n = sum(w for _, w in far)
    passed = accumulate(w for _, w in far)
    found = next((x for (x, _), sofar in zip(far, passed, strict=True) if sofar >= n / 2), 0.0)
    variance = (FREEDOM * usual**2 + n * (1.4826 * found) ** 2) / (FREEDOM + n)
    return max(sqrt(variance), 0.05)
