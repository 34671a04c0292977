"""How long the calls of each step take in many seeded runs: log-normal, stragglers, retries.

Each step draws from streams of its own, named by seed and step: plans that share a step see the
same luck there (common random numbers), so their difference is not noise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import exp, log
from random import Random
from statistics import NormalDist

from insight.plan.graph import mode
from workflows.data.blueprints.plan import Mode, PlanStep

_NORMAL = NormalDist()
_LEAST = 2.0**-60
"""Stands for a draw of 0, of which there is no quantile."""


@dataclass(frozen=True)
class Drawn:
    """One step in each run: the seconds of its calls (none where it does not happen).

    `works` tells in which runs none of its calls failed for good.
    """

    items: Sequence[Sequence[float]]
    works: Sequence[bool]


def drawn(step: PlanStep, runs: int, seed: int) -> Drawn:
    """Draw a step in so many runs."""
    way = mode(step)
    calls = runs * step.times
    took = _bodies(way, calls, _stream(seed, step, "body"))
    works = [True] * runs
    if way.fails and way.p50:
        broken = _retry(way, took, _stream(seed, step, "tries"))
        for call in broken:
            works[call // step.times] = False
    items: list[Sequence[float]]
    items = [took[first : first + step.times] for first in range(0, calls, step.times)]
    if step.chance < 1:
        draw = _stream(seed, step, "chance")
        for number in range(runs):
            if draw() >= step.chance:
                items[number], works[number] = (), True
    return Drawn(items, works)


def length(items: Sequence[float], at_once: int | None) -> float:
    """Give how long a step lasts whose items have places enough, but so many at once at most."""
    if len(items) <= 1:
        return items[0] if items else 0.0
    if at_once is None or at_once >= len(items):
        return max(items)
    ends: list[float] = []
    for item in items:
        start = heappop(ends) if len(ends) == at_once else 0.0
        heappush(ends, start + item)
    return max(ends)


def _stream(seed: int, step: PlanStep, what: str) -> Callable[[], float]:
    return Random(f"{seed}/{step.id}/{what}").random  # noqa: S311 - a simulation


def _bodies(way: Mode, calls: int, draw: Callable[[], float]) -> list[float]:
    """Draw how long tries take: two draws each, whatever the way, so that luck is comparable."""
    if shape := way.shape:
        draws = [(draw(), draw()) for _ in range(calls)]
        return [way.p50 * shape[int(first * len(shape))] for first, _ in draws]
    if not way.spread and not way.stragglers:
        return [way.p50] * calls
    quantile, p50, spread = _NORMAL.inv_cdf, way.p50, way.spread
    late, times = way.stragglers, way.straggler_times
    return [
        p50 * exp(spread * quantile(draw() or _LEAST)) * (times if draw() < late else 1.0)
        for _ in range(calls)
    ]


def _retry(way: Mode, took: list[float], draw: Callable[[], float]) -> list[int]:
    """Add tries made again and pauses, in place; give the calls that failed every time."""
    broken, step = [], log(way.fails)
    for call in range(len(took)):
        failed = int(log(draw() or _LEAST) / step)  # geometric
        if failed >= way.attempts:
            failed = way.attempts - 1
            broken.append(call)
        if failed:
            took[call] += sum(_bodies(way, failed, draw)) + way.paused(failed)
    return broken
