"""What of a run's graph is drawn, and where: nodes in columns by cause, in rows by branch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, pairwise

from insight.graph.flow import END, START, Edge
from insight.history.spans import MESSAGES, Span
from insight.report import Report


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
    """Give each node its column and row, `START` and `END` too; no two share a place.

    A column is one more than that of the last cause. A branch keeps together, as near as there
    is room to the row of what caused it; so does each step of no branch.
    """
    columns = _columns(shown)
    likely = {edge.effect: edge.cause for edge in shown.edges if edge.likely}
    blocks: dict[object, list[int]] = {}
    for span in shown.spans:
        blocks.setdefault(span.branch or span.id, []).append(span.id)
    found: dict[int, tuple[int, int]] = {}
    taken: dict[int, list[tuple[int, int]]] = {}
    for block in sorted(blocks.values(), key=lambda keys: min(columns[key] for key in keys)):
        inner = _inner(block, columns, likely)
        height, reach = max(inner.values()) + 1, [columns[key] for key in block]
        first = min(block, key=lambda key: columns[key])
        wish = found.get(likely.get(first, START), (0, 0))[1]
        top = _room(taken, wish, height, (min(reach), max(reach)))
        for row in range(top, top + height):
            taken.setdefault(row, []).append((min(reach), max(reach)))
        found |= {key: (columns[key], top + row) for key, row in inner.items()}
    begin = found.get(dict(shown.critical).get(START, END), (0, 0))[1]
    last = {effect: cause for cause, effect in shown.critical}.get(END, START)
    return {START: (0, begin), **found, END: (columns[END], found.get(last, (0, 0))[1])}


def _inner(
    block: Sequence[int], columns: Mapping[int, int], likely: Mapping[int, int]
) -> dict[int, int]:
    """Give the steps of a branch rows of its own: that of the cause if free, else the next."""
    rows: dict[int, int] = {}
    taken: set[tuple[int, int]] = set()
    for key in sorted(block, key=lambda one: columns[one]):
        row = rows.get(likely.get(key, START), 0)
        while (columns[key], row) in taken:
            row += 1
        taken.add((columns[key], row))
        rows[key] = row
    return rows


def _room(
    taken: Mapping[int, Sequence[tuple[int, int]]], wish: int, height: int, reach: tuple[int, int]
) -> int:
    """Give the top row nearest to `wish` from which on a block finds its columns free."""
    steps = (wish + sign * step for step in count() for sign in (1, -1))
    return next(
        top
        for top in steps
        if top >= 0
        and not any(
            low <= reach[1] and reach[0] <= high
            for row in range(top, top + height)
            for low, high in taken.get(row, ())
        )
    )


def _path(report: Report) -> list[int]:
    """Give the spans of the critical path in order, each once.

    A wait for a message is nobody's time, but the message it ended with is a step of the path.
    """
    likely = {edge.effect: edge.cause for edge in report.flow.edges if edge.likely}
    messages = {span.id for span in report.spans if span.kind in MESSAGES}
    found: dict[int, None] = {}
    for key in [*(part.span for part in report.flow.path if part.span), END]:
        if report.flow.path and likely.get(key) in messages:
            found[likely[key]] = None
        found[key] = None
    return [key for key in found if key != END]


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
    """Give the longest way from the start to each node; an edge back in time counts for nothing.

    What nothing caused, a message, stands right before what it caused.
    """
    begun = sorted(shown.spans, key=lambda span: (span.scheduled, span.id))
    order = list(dict.fromkeys([START, *(span.id for span in begun), END]))
    rank = {key: place for place, key in enumerate(order)}
    before: dict[int, list[int]] = {}
    after: dict[int, list[int]] = {}
    for cause, effect in [*((e.cause, e.effect) for e in shown.edges), *shown.leaps]:
        if rank[cause] < rank[effect]:
            before.setdefault(effect, []).append(cause)
            after.setdefault(cause, []).append(effect)
    columns = {START: 0}
    for key in order[1:-1]:
        columns[key] = 1 + max((columns[cause] for cause in before.get(key, ())), default=0)
    columns[END] = 1 + max(columns.values())
    for key in order[1:-1]:
        if key not in before and key in after:
            columns[key] = max(1, min(columns[effect] for effect in after[key]) - 1)
    return columns
