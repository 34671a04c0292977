"""Estimates: how long a step takes, how surely it works, and how sure we are, from what was
learned.

The quantiles blend two answers, in logs: that of a Student-t predictive (normal-inverse-chi2
prior, so a step seen once or twice leans on the steps like it), and the empirical quantile with
weight n / (n + 30). Calls that were cut count as longer than their time in both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, sqrt

from insight.learned.attempts import StepKey
from insight.learned.distributions import NORMAL, beta_quantile, beyond, student_quantile
from insight.learned.learning import CLIP, Learned
from insight.learned.priors import (
    FREEDOM,
    STRENGTH,
    WORKS_STRENGTH,
    Body,
    Point,
    Prior,
    Priors,
    body,
    priors,
)
from insight.learned.sketch import quantile
from workflows.data.common import Record

BLEND = 30.0
"""Calls at which the empirical quantile weighs as much as the predictive one."""
SURE = 0.9
"""The chance that a posterior interval holds the truth."""
MISFIT = 0.6
"""Standard deviations by which stragglers make the predictive p95 wrong, whatever is learned; with
it the intervals of `bench/estimates.py` hold as often as they say.
"""
_ROUNDS = 8


class Interval(Record):
    """A figure, and bounds that hold the truth with a chance of 90 %."""

    value: float
    low: float
    high: float


class Estimate(Record):
    """What to expect of a step. Times are seconds; None where nothing is known.

    `n` is the weight of what is known, in calls: recent ones count most. `queue_p50` and
    `queue_p95` are the time until a worker takes it up. `success` is the chance that one attempt
    works. `stragglers` is the share of calls that take about `straggler_times` the median.
    `first_token` and `per_token` are the seconds of a usual call's first token, and of each;
    `input_tokens` and `output_tokens` the mean of what a call read and wrote.
    """

    key: StepKey
    calls: int
    n: float
    p50: float
    p95: Interval
    p99: float
    queue_p50: float | None
    queue_p95: float | None
    success: Interval
    stragglers: float
    straggler_times: float
    changes: int
    first_token: float | None = None
    per_token: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None

    def factor(self, output_tokens: float) -> float:
        """Say by how much to multiply the times for an answer of so many tokens; 1 if unknown."""
        if self.first_token is None or self.per_token is None:
            return 1.0
        return (self.first_token + self.per_token * output_tokens) / self.p50


def estimates(known: Iterable[Learned]) -> list[Estimate]:
    """Estimate every step; the priors are fitted on all of them."""
    steps = list(known)
    usual = priors(steps)
    return [estimate(step, usual) for step in steps]


def estimate(step: Learned, usual: Priors) -> Estimate:
    """Estimate one step."""
    prior = usual.of(step.key.pool)
    found = _posterior(step, prior)
    queues = [quantile(step.queue, p) for p in (0.5, 0.95)]
    n, late, tokens = found.body.n, found.body.beyond, step.tokens
    p50 = exp(found.quantile(step, 0.5))
    pace = step.pace.line(p50)
    return Estimate(
        key=step.key,
        calls=step.calls,
        n=n,
        p50=p50,
        p95=found.interval(step, 0.95),
        p99=exp(found.quantile(step, 0.99)),
        queue_p50=None if queues[0] is None else exp(queues[0]),
        queue_p95=None if queues[1] is None else exp(queues[1]),
        success=_chance(
            prior.works * WORKS_STRENGTH + step.good,
            (1 - prior.works) * WORKS_STRENGTH + step.bad,
        ),
        stragglers=(prior.stragglers * STRENGTH + late) / (STRENGTH + n),
        straggler_times=prior.times,
        changes=step.changes,
        first_token=pace and pace[0],
        per_token=pace and pace[1],
        input_tokens=tokens.read / tokens.n if tokens.n else None,
        output_tokens=tokens.wrote / tokens.n if tokens.n else None,
    )


@dataclass(frozen=True)
class _Posterior:
    """What is thought of the logs of one step's service times, after `body` was seen."""

    mean: float
    weight: float
    variance: float
    freedom: float
    body: Body

    def quantile(self, step: Learned, p: float) -> float:
        """Blend the log of the predictive quantile with that of the empirical one."""
        scale = sqrt(self.variance * (1 + 1 / self.weight))
        predicted = self.mean + scale * student_quantile(p, self.freedom)
        if not step.done.buckets:
            return predicted
        seen = quantile(step.done, p, step.cut)
        if seen is None:  # so many were cut that nobody knows: no less than the longest of them
            seen = max([predicted, *(log for log, _ in step.cut.logs())])
        return self._share * seen + (1 - self._share) * predicted

    def interval(self, step: Learned, p: float) -> Interval:
        """Bound a quantile by the posterior's normal approximation, and what the model may miss."""
        value, z = self.quantile(step, p), NORMAL.inv_cdf(p)
        unsure = 1 / self.weight + z * z / (2 * self.freedom) + (1 - self._share) * MISFIT**2
        reach = NORMAL.inv_cdf((1 + SURE) / 2) * sqrt(self.variance * unsure)
        return Interval(value=exp(value), low=exp(value - reach), high=exp(value + reach))

    @property
    def _share(self) -> float:
        return self.body.n / (self.body.n + BLEND)


def _posterior(step: Learned, prior: Prior) -> _Posterior:
    """Update the prior by a step's calls. What a cut call would have taken is expected from the
    answer without it, then from the better one, and so on (EM).
    """
    done, cut = step.done.logs(), step.cut.logs()
    seen = Body(0, 0, 0, 0, 0)
    if done:
        middle = quantile(step.done, 0.5, step.cut)
        centre = done[-1][0] if middle is None else middle
        seen = body(done, centre, sqrt(prior.variance))
    found = _updated(prior, seen, [])
    for _ in range(_ROUNDS if cut else 0):
        found = _updated(prior, seen, [_expected(point, found) for point in cut])
    return found


def _updated(
    prior: Prior, seen: Body, expected: Sequence[tuple[float, float, float]]
) -> _Posterior:
    """Update the normal-inverse-chi2 prior by what was seen, and by (weight, mean, variance) of
    each log expected. A cut call tells where, not how wide: it adds no freedom.
    """
    n = seen.n + sum(w for w, _, _ in expected)
    total = seen.n * seen.mean + sum(w * m for w, m, _ in expected)
    mean = total / n if n else prior.centre
    squares = seen.squares + seen.n * (seen.mean - mean) ** 2
    squares += sum(w * (v + (m - mean) ** 2) for w, m, v in expected)
    weight = prior.weight + n
    squares += prior.weight * n / weight * (mean - prior.centre) ** 2
    return _Posterior(
        mean=(prior.weight * prior.centre + total) / weight,
        weight=weight,
        variance=(FREEDOM * prior.variance + squares) / (FREEDOM + n),
        freedom=FREEDOM + seen.n,
        body=seen,
    )


def _expected(point: Point, found: _Posterior) -> tuple[float, float, float]:
    """Give the weight of a cut call, and mean and variance of the log it would have had."""
    x, weight = point
    sigma = sqrt(found.variance)
    above, spread = beyond((x - found.mean) / sigma)
    return weight, found.mean + sigma * min(above, CLIP), found.variance * spread


def _chance(good: float, bad: float) -> Interval:
    low, high = (beta_quantile(q, good, bad) for q in ((1 - SURE) / 2, (1 + SURE) / 2))
    return Interval(value=good / (good + bad), low=low, high=high)
