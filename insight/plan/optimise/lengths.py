"""How long a mode takes: the distribution of all its tries together, and of all its items."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import exp, log
from random import Random
from statistics import NormalDist, fmean

from workflows.data.blueprints.choices import Way
from workflows.data.blueprints.plan import Limit, Mode, PlanStep

POINTS = 4_096
"""Points of a distribution, equally likely."""
ROUND = 20
"""Pauses are counted in this part of a median try, so that many modes share their points."""
MILLION = 1_000_000
FREE = Limit()
PATIENCE = (0.85, 0.97)
"""When a second try may begin, and what is allowed for it to end."""


@lru_cache(maxsize=512)
def _shape(
    spread: float, stragglers: float, times: float, fails: float, pauses: tuple[float, ...]
) -> tuple[float, ...]:
    """Draw a log-normal mode's points; `pauses` come before each try but the first.

    A try that fails takes as long as one that works.
    """
    random, normal = Random(POINTS), NormalDist()  # noqa: S311
    logs = [spread * normal.inv_cdf((i + 0.5) / POINTS) for i in range(POINTS)]

    def tries() -> list[float]:
        random.shuffle(logs)
        late = set(random.sample(range(POINTS), round(stragglers * POINTS)))
        return [exp(x) * (times if i in late else 1.0) for i, x in enumerate(logs)]

    total, failed = tries(), [True] * POINTS
    for pause in pauses:
        failed = [was and random.random() < fails for was in failed]
        total = [
            x + (pause + y if was else 0.0)
            for x, y, was in zip(total, tries(), failed, strict=True)
        ]
    return tuple(sorted(total))


def shape(mode: Mode) -> tuple[float, ...]:
    """Give a mode's durations as multiples of its median try, sorted: equally likely points."""
    if mode.shape:
        return mode.shape
    times, fails, unit = mode.straggler_times, mode.fails, (mode.p50 or 1.0) / ROUND
    waits = [round(mode.paused(failed) / unit) for failed in range(mode.attempts if fails else 1)]
    pauses = tuple((after - before) / ROUND for before, after in pairwise(waits))
    return _shape(mode.spread, mode.stragglers, times, fails, pauses)


@lru_cache(maxsize=512)
def _mean(points: tuple[float, ...]) -> float:
    return fmean(points)


def at_once(step: PlanStep, limit: Limit = FREE) -> int:
    """Give how many items of a step run at once under a limit."""
    return min(step.times, step.at_once or step.times, limit.at_once or step.times)


def length(mode: Mode, step: PlanStep, share: float, limit: Limit = FREE) -> float:
    """Give the seconds within which the share `share` of runs of a step ends.

    Of many items the last of those at once counts; what does not fit at once takes its mean time,
    and no more begin in a minute than may.
    """
    points = shape(mode)
    lanes = at_once(step, limit)
    place = share if lanes == 1 else share ** (1 / lanes)
    last = mode.p50 * points[min(len(points) - 1, int(place * len(points)))]
    if step.times > lanes:
        last += (step.times / lanes - 1) * mode.p50 * _mean(points)
    if limit.per_minute is not None:
        last = max(last, (step.times / limit.per_minute - 1) * 60)
    return last


def price(mode: Mode, step: PlanStep) -> int:
    """Give what a step costs if it happens, in millionths of a dollar, tries that fail included."""
    return round(paid(mode) * step.times * MILLION)


def paid(mode: Mode) -> float:
    """Give the dollars that one call costs on the average, tries that fail included."""
    return mode.usd * (1 - mode.fails**mode.attempts) / (1 - mode.fails)


def way(mode: Mode, step: PlanStep, quantile: float, limit: Limit = FREE) -> Way:
    """Give a mode in whole numbers, planned on a quantile of its time."""
    milliseconds = [
        round(length(mode, step, share, limit) * 1_000) for share in (quantile, 0.5, *PATIENCE)
    ]
    planned, usual, patient, late = milliseconds
    return Way(
        name=mode.name,
        micro_usd=round(price(mode, step) * step.chance),
        loss=round(-log(mode.quality) * MILLION),
        planned=planned,
        usual=usual,
        patient=patient,
        late=late,
        limit=mode.limit,
    )


def kept(ways: Sequence[Way]) -> tuple[Way, ...]:
    """Leave out each way that another beats in nothing less than time, cost and quality.

    Ways that take different limits do not beat each other: one may be free when the other is not.
    """
    return tuple(
        way
        for i, way in enumerate(ways)
        if not any(
            other.limit in (way.limit, "") and _beats(other, way, first=j < i)
            for j, other in enumerate(ways)
            if j != i
        )
    )


def _beats(one: Way, other: Way, *, first: bool) -> bool:
    mine = (one.planned, one.micro_usd, one.loss)
    theirs = (other.planned, other.micro_usd, other.loss)
    return all(a <= b for a, b in zip(mine, theirs, strict=True)) and (first or mine != theirs)
