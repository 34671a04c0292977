"""Which step goes first where several want one place: foreseen by the time each usually takes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from workflows.patterns.plan.step import Planned, ranks

TRIES, WORK = 60, 6_000
"""Other orders that are looked at, and steps in all of them: a workflow's turn must stay short."""
WIDTH = 0.8
"""How far a try moves a step's rank, as a share of it."""
_GOLDEN = 0.6180339887498949


def priorities(steps: Sequence[Planned], limits: Mapping[str, int]) -> dict[str, float]:
    """Give, of steps in order, how much each matters; the highest takes a free place first.

    That is what follows on a step in seconds, or another order of those tried that ends earlier.
    """
    best = ranks(steps)
    if not any(name in limits for step in steps for name in step.uses):
        return best
    given, shortest = best, makespan(steps, limits, best)
    least = max([*best.values(), *_loads(steps, limits)])
    for number in range(min(TRIES, WORK // len(steps))):
        if shortest <= least + 1e-9:
            break
        tried = {
            name: rank * (1 + WIDTH * (((number + 1) * (place + 1) * _GOLDEN) % 1 - 0.5))
            for place, (name, rank) in enumerate(given.items())
        }
        if (took := makespan(steps, limits, tried)) < shortest:
            best, shortest = tried, took
    return best


def makespan(
    steps: Sequence[Planned], limits: Mapping[str, int], priority: Mapping[str, float]
) -> float:
    """Foresee how many seconds the steps take together, begun in this order of priority."""
    open_needs = {step.name: len(set(step.needs)) for step in steps}
    followers: dict[str, list[Planned]] = {step.name: [] for step in steps}
    for step in steps:
        for need in set(step.needs):
            followers[need].append(step)
    ready = [step for step in steps if not step.needs]
    running: list[tuple[float, int, Planned]] = []
    busy, now, begun = Counter[str](), 0.0, 0
    while ready or running:
        for step in sorted(ready, key=lambda s: -priority[s.name]):
            names = _limited(step, limits)
            if all(busy[name] < limits[name] for name in names):
                busy.update(names)
                ready.remove(step)
                begun += 1
                heappush(running, (now + step.seconds, begun, step))
        now, _, ended = heappop(running)
        busy.subtract(_limited(ended, limits))
        for follower in followers[ended.name]:
            open_needs[follower.name] -= 1
            if not open_needs[follower.name]:
                ready.append(follower)
    return now


def _limited(step: Planned, limits: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in step.uses if name in limits))


def _loads(steps: Sequence[Planned], limits: Mapping[str, int]) -> list[float]:
    """Give the seconds each limit needs for its steps, whatever their order."""
    return [sum(s.seconds for s in steps if name in s.uses) / most for name, most in limits.items()]
