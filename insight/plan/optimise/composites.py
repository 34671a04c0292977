"""Modes made of modes: cascades, both at once, hedges, votes, and leaving a step out.

Each keeps the times of runs in virtual time: those of a cascade have two peaks, like no log-normal.
"""

from collections.abc import Callable, Iterable
from random import Random
from statistics import fmean

from insight.plan.optimise.lengths import paid, shape
from workflows.data.blueprints.choices import LEFT_OUT
from workflows.data.blueprints.plan import Mode, PlanStep

_RUNS = 2_000


def _made(
    name: str, quality: float, limit: str, one: Callable[[Random], tuple[float, float]]
) -> Mode:
    """Draw (seconds, cost) many times, and give the mode that is like them."""
    random = Random(_RUNS)  # noqa: S311
    drawn = [one(random) for _ in range(_RUNS)]
    times = sorted(time for time, _ in drawn)
    usual = times[_RUNS // 2]
    return Mode(
        name=name,
        p50=usual,
        shape=tuple(time / usual for time in times) if usual else (),
        usd=fmean(cost for _, cost in drawn),
        quality=quality,
        limit=limit,
    )


def _took(mode: Mode, random: Random) -> float:
    return mode.p50 * random.choice(shape(mode))


def cascade(cheap: Mode, check: Mode, strong: Mode, accepted: float, right: float) -> Mode:
    """A cheap answer, checked; a strong one only if it is not accepted.

    `accepted` is how often it is, `right` how often an accepted answer is right: both as lower
    bounds of what labelled answers showed.
    """

    def one(random: Random) -> tuple[float, float]:
        time, cost = _took(cheap, random) + _took(check, random), paid(cheap) + paid(check)
        if random.random() < accepted:
            return time, cost
        return time + _took(strong, random), cost + paid(strong)

    quality = accepted * right + (1 - accepted) * strong.quality
    return _made(f"{cheap.name}, then {strong.name}", quality, strong.limit, one)


def both(cheap: Mode, check: Mode, strong: Mode, accepted: float, right: float) -> Mode:
    """Cheap and strong at once; the cheap answer is taken if it is accepted. Both are paid."""

    def one(random: Random) -> tuple[float, float]:
        first = _took(cheap, random) + _took(check, random)
        second = _took(strong, random)
        taken = first if random.random() < accepted else max(first, second)
        return taken, paid(cheap) + paid(check) + paid(strong)

    quality = accepted * right + (1 - accepted) * strong.quality
    return _made(f"{cheap.name} beside {strong.name}", quality, strong.limit, one)


def hedged(mode: Mode, other: Mode, share: float = 0.95) -> Mode:
    """A second try on `other` once the share `share` of first tries would have ended."""
    points = shape(mode)
    patience = mode.p50 * points[min(len(points) - 1, int(share * len(points)))]

    def one(random: Random) -> tuple[float, float]:
        first, second = _took(mode, random), _took(other, random)
        if first <= patience:
            return first, paid(mode)
        return min(first, patience + second), paid(mode) + paid(other)

    quality = min(mode.quality, other.quality)
    return _made(f"{mode.name}, late {other.name}", quality, mode.limit, one)


def vote(mode: Mode, voters: int, quorum: int, alike: float) -> Mode:
    """So many answers at once; as soon as `quorum` have come, the majority counts.

    `alike` is how much answers err together, from 0 (never) to below 1: with independent errors
    a vote would be thought far better than it is.
    """

    def one(random: Random) -> tuple[float, float]:
        times = sorted(_took(mode, random) for _ in range(voters))
        return times[quorum - 1], voters * paid(mode)

    quality = _majority(mode.quality, quorum, alike)
    return _made(f"{quorum} of {voters} {mode.name}", quality, mode.limit, one)


def _majority(right: float, voters: int, alike: float) -> float:
    """Give the chance that most of `voters` are right; a tie counts as wrong. Beta-binomial."""
    if alike <= 0 or right >= 1:
        alike = 1e-9
    a, b = right * (1 / alike - 1), (1 - right) * (1 / alike - 1)
    chances = [1.0]
    for n in range(voters):
        wider = [0.0] * (n + 2)
        for hits, chance in enumerate(chances):
            share = (a + hits) / (a + b + n)
            wider[hits + 1] += chance * share
            wider[hits] += chance * (1 - share)
        chances = wider
    return max(1e-9, min(1.0, sum(chances[voters // 2 + 1 :])))


def skip(quality: float) -> Mode:
    """Leave the step out: no time, no cost, and a chance of `quality` that nobody misses it."""
    return Mode(name=LEFT_OUT, p50=0.0, quality=quality)


def widened(step: PlanStep, more: Iterable[Mode]) -> PlanStep:
    """Offer more ways of doing a step; a name it has already is left as it is."""
    known = {mode.name for mode in step.modes}
    fresh = tuple(mode for mode in more if mode.name not in known)
    return step.model_copy(update={"modes": (*step.modes, *fresh)})
