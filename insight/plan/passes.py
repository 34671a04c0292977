"""Forward and backward through a plan, many runs at once and no limits: when each step ends, and
until when it may end.

A column holds one figure a run. What is soft binds for as long as it is waited for.
"""

from collections.abc import Sequence
from math import inf

from insight.plan.graph import Graph

Column = Sequence[float]


def forward(graph: Graph, lengths: Sequence[Column]) -> list[Column]:
    """Say when each step ends, if it begins as soon as it may."""
    ends: list[Column] = []
    for step, length in enumerate(lengths):
        start = ready(graph, step, ends, len(length))
        if graph.soft[step]:
            wait, there = graph.steps[step].soft_wait, _there(graph, step, ends, len(length))
            both = zip(start, there, strict=True)
            start = [max(early, min(early + wait, late)) for early, late in both]
        ends.append([a + b for a, b in zip(start, length, strict=True)])
    return ends


def ready(graph: Graph, step: int, ends: Sequence[Column], runs: int) -> Column:
    """Say when all that a step needs has ended."""
    return _latest_of([ends[need] for need in graph.needs[step]], runs)


def _there(graph: Graph, step: int, ends: Sequence[Column], runs: int) -> Column:
    """Say when all a step waits a moment for is there; never, where it waits for that step too."""
    never = [inf] * runs
    return _latest_of([ends[s] if s < len(ends) else never for s in graph.soft[step]], runs)


def _latest_of(columns: Sequence[Column], runs: int) -> Column:
    return list(map(max, zip([0.0] * runs, *columns, strict=True)))


def backward(
    graph: Graph, lengths: Sequence[Column], ends: Sequence[Column], took: Column
) -> list[Column]:
    """Say until when each step may end so that all end no later than they did; where soft needs
    are waited for it may be even later.
    """
    latest: list[Column] = [took] * len(ends)
    for step in reversed(range(len(ends))):
        begin: Column = [a - b for a, b in zip(latest[step], lengths[step], strict=True)]
        needs, soft = begin, graph.soft[step]
        if soft:
            needs, bound = _window(graph, step, begin, ends)
            for other in soft:
                latest[other] = list(map(min, zip(latest[other], bound, strict=True)))
        for need in graph.needs[step]:
            latest[need] = list(map(min, zip(latest[need], needs, strict=True)))
    return latest


def _window(
    graph: Graph, step: int, begin: Column, ends: Sequence[Column]
) -> tuple[Column, Column]:
    """Say until when what a step needs, and what it waits a moment for, may end, if it must begin
    by `begin`. What comes too late anyway binds nothing, but the moment counts.
    """
    wait, runs = graph.steps[step].soft_wait, len(begin)
    early, there = ready(graph, step, ends, runs), _there(graph, step, ends, runs)
    missed = [late > e + wait for e, late in zip(early, there, strict=True)]
    needs = [b - wait if lost else b for b, lost in zip(begin, missed, strict=True)]
    return needs, [inf if lost else b for b, lost in zip(begin, missed, strict=True)]
