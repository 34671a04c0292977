"""What no plan can beat, told without a solver: how far off a greedy plan may be.

Ways may be mixed here (40 % of one, 60 % of another), which is never worse than choosing one.
"""

from collections.abc import Sequence
from itertools import pairwise

from insight.plan.optimise.problem import Problem
from workflows.data.blueprints.choices import Objective, Way, Wish


def bound(problem: Problem, wish: Wish) -> int:
    """Give a value the objective cannot go below: milliseconds, millionths of cost, or of loss."""
    if wish.objective is Objective.FASTEST:
        return max(problem.board(problem.quickest()).ends())
    fitting = _fitting(problem, wish)
    if wish.objective is Objective.BEST:
        return sum(min(way.loss for way in ways) for ways in fitting)
    total, left = 0, set(range(len(problem.steps)))
    while left and wish.deadline_ms is not None:
        path = _longest(problem, fitting, left)
        if not (mine := [step for step in path if step in left]):
            break  # what is left takes no time in its cheapest way: it may be left out
        others = sum(min(w.planned for w in fitting[s]) for s in path if s not in left)
        total += _mixed([fitting[step] for step in mine], wish.deadline_ms - others)
        left -= set(mine)
    return total + sum(min(way.micro_usd for way in fitting[step]) for step in left)


def _fitting(problem: Problem, wish: Wish) -> list[list[Way]]:
    """Leave out ways too slow even if all else is as quick as can be."""
    board = problem.board(problem.quickest())
    ends = board.ends()
    latest = board.latest(max(wish.deadline_ms or 10**15, max(ends)))
    fitting = []
    for step, ways in enumerate(problem.ways):
        room = latest[step] - ends[step] + min(way.planned for way in ways)
        fitting.append([way for way in ways if way.planned <= room])
    return fitting


def _longest(problem: Problem, ways: Sequence[Sequence[Way]], left: set[int]) -> list[int]:
    """Find the path that would take longest, were each step left done in its cheapest way."""
    ends: list[int] = []
    before: list[int | None] = []
    for step, needs in enumerate(problem.needs):
        last = max(needs, key=lambda need: ends[need], default=None)
        cheap = min(ways[step], key=lambda way: (way.micro_usd, way.planned)).planned
        took = cheap if step in left else 0
        ends.append((0 if last is None else ends[last]) + took)
        before.append(last)
    current: int | None = max(range(len(ends)), key=lambda step: ends[step])
    path = []
    while current is not None:
        path.append(current)
        current = before[current]
    return path


def _mixed(steps: Sequence[Sequence[Way]], deadline: int) -> int:
    """Give the least cost of steps one after the other by a deadline, ways mixed at will."""
    cost, time = 0, 0
    trades: list[tuple[float, int]] = []
    for ways in steps:
        hull = _hull(ways)
        cost, time = cost + hull[0][1], time + hull[0][0]
        for (slow, cheap), (quick, dear) in pairwise(hull):
            trades.append(((dear - cheap) / (slow - quick), slow - quick))
    extra = 0.0
    for rate, gain in sorted(trades):
        taken = min(gain, time - deadline)
        if taken <= 0:
            break
        extra += rate * taken
        time -= taken
    return int(cost + extra)


def _hull(ways: Sequence[Way]) -> list[tuple[int, int]]:
    """Give (time, cost) from cheapest to quickest, so that each gain costs more than the last."""
    hull: list[tuple[int, int]] = []
    for point in sorted({(way.planned, way.micro_usd) for way in ways}, key=lambda p: (p[1], p[0])):
        if hull and point[0] >= hull[-1][0]:
            continue
        while len(hull) > 1 and _bends(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _bends(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> bool:
    """Say whether b lies above the line from a to c."""
    return (b[1] - a[1]) * (a[0] - c[0]) >= (c[1] - a[1]) * (a[0] - b[0])
