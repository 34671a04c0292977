"""What of a run's graph is drawn, and where: nodes in columns by cause, in rows by branch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from insight.flow import END, START, Edge
from insight.report import Report
from insight.spans import Span


@dataclass(frozen=True)
class Picture:
    """The part of a graph that is drawn.

    `leaps` join two steps of the critical path between which others were left out. `left_out`
    counts the spans and `unseen` the edges that are not drawn.
    """

    spans: tuple[Span, ...]
    edges: tuple[Edge, ...]
    leaps: tuple[tuple[int, int], ...]
    critical: frozenset[tuple[int, int]]
    """The pairs (cause, effect) the critical path goes through."""
    left_out: int
    unseen: int


def picture(report: Report, spans: int, edges: int) -> Picture:
    """Choose at most so many spans and edges: all, or the critical path and what touches it."""
    path = _path(report)
    kept = _kept(report, path, spans)
    shown = tuple(span for span in report.spans if span.id in kept)
    ends = kept | {START, END}
    found = [e for e in report.flow.edges if e.cause in ends and e.effect in ends]
    drawn = sorted(found, key=lambda edge: not edge.likely)[:edges]
    steps = [START, *(key for key in path if key in kept), END] if path else []
    pairs = {(edge.cause, edge.effect) for edge in drawn}
    critical = frozenset(pairwise(steps))
    return Picture(
        spans=shown,
        edges=tuple(drawn),
        leaps=tuple(sorted(critical - pairs)),
        critical=critical,
        left_out=len(report.spans) - len(shown),
        unseen=len(found) - len(drawn),
    )


def places(shown: Picture) -> dict[int, tuple[int, int]]:
    """Give each node its column and row, `START` and `END` too.

    A column is one more than that of the last cause; branches lie below one another, and a node
    takes the row of its likely cause where that is free.
    """
    columns = _columns(shown)
    likely = {edge.effect: edge.cause for edge in shown.edges if edge.likely}
    lanes: dict[str, list[Span]] = {}
    for span in shown.spans:
        lanes.setdefault(span.branch, []).append(span)
    found: dict[int, tuple[int, int]] = {}
    top = 0
    for lane in lanes.values():
        taken: set[tuple[int, int]] = set()
        for span in sorted(lane, key=lambda one: (columns[one.id], one.scheduled, one.id)):
            column = columns[span.id]
            wish = max(top, found.get(likely.get(span.id, START), (0, top))[1])
            rows = (wish, *range(top, top + len(lane)))
            row = next(row for row in rows if (column, row) not in taken and row < top + len(lane))
            taken.add((column, row))
            found[span.id] = (column, row)
        top = max(row for _, row in taken) + 1
    first = dict(shown.critical).get(START, END)
    last = {effect: cause for cause, effect in shown.critical}.get(END, START)
    middle = (0, max(top - 1, 0) // 2)
    begin, close = found.get(first, middle)[1], found.get(last, middle)[1]
    return {START: (0, begin), **found, END: (columns[END], close)}


def _path(report: Report) -> list[int]:
    """Give the spans of the critical path in order, each once."""
    return list(dict.fromkeys(part.span for part in report.flow.path if part.span))


def _kept(report: Report, path: Sequence[int], most: int) -> set[int]:
    """Choose spans: the longest steps of the path, what touches it, then the first to begin."""
    everything = [span.id for span in report.spans]
    if len(everything) <= most:
        return set(everything)
    spent = {step.span: step.critical for step in report.flow.steps}
    longest = sorted(path, key=lambda key: spent.get(key, timedelta()), reverse=True)
    on_path, edges = set(path), report.flow.edges
    near = {e.cause for e in edges if e.effect in on_path}
    near |= {e.effect for e in edges if e.cause in on_path}
    known = set(everything)
    ranked = dict.fromkeys([*longest, *sorted(near), *everything])
    return set([key for key in ranked if key in known][:most])


def _columns(shown: Picture) -> dict[int, int]:
    """Give the longest way from the start to each node; an edge back in time counts for nothing."""
    order = [START, *(s.id for s in sorted(shown.spans, key=lambda s: (s.scheduled, s.id))), END]
    rank = {key: place for place, key in enumerate(order)}
    before: dict[int, list[int]] = {}
    pairs = [(edge.cause, edge.effect) for edge in shown.edges]
    for cause, effect in [*pairs, *shown.leaps]:
        if rank[cause] < rank[effect]:
            before.setdefault(effect, []).append(cause)
    columns = {START: 0}
    for key in order[1:-1]:
        columns[key] = 1 + max((columns[cause] for cause in before.get(key, ())), default=0)
    columns[END] = 1 + max(columns.values())
    return columns
