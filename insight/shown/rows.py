"""Which rows a report is shown in: branches, names of what has no branch, and folds of many."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from insight.graph.clocks import Stretch, clipped, merged, total
from insight.history.spans import BROKEN, WORK, Span
from insight.report import BranchLine, Report
from workflows.data.common import BranchState

NO_BRANCH = "(case)"
MOST = 30
"""Rows shown before those that differ in a number only are folded, and the shortest left out."""


@dataclass(frozen=True)
class Row:
    """Spans shown together. `line` is their branch, None for those of none and for folds.

    `busy` is the time in which at least one of its spans was at work, `folded` how many branches
    or names are in it, if more than one.
    """

    label: str
    spans: tuple[Span, ...]
    busy: timedelta
    line: BranchLine | None = None
    folded: int = 1

    @property
    def state(self) -> BranchState | None:
        """What became of the branch, None for what is no branch."""
        return self.line.state if self.line else None


def rows(report: Report, most: int | None = MOST) -> tuple[Row, ...]:
    """Give a report's rows in the order they began; at most `most`, if that is given."""
    found = _all(report)
    if most is None or len(found) <= most:
        return tuple(found)
    alike: dict[str, list[Row]] = {}
    for row in found:
        alike.setdefault(re.sub(r"[0-9]+|\b[0-9a-f]{8,}\b", "*", row.label), []).append(row)
    found = [_fold(label, group, report) for label, group in alike.items()]
    if len(found) <= most:
        return tuple(found)
    heavy = {id(row) for row in sorted(found, key=_weight(report), reverse=True)[: most - 1]}
    kept = tuple(row for row in found if id(row) in heavy)
    return (*kept, _fold("(others)", [row for row in found if id(row) not in heavy], report))


def row_of(found: Iterable[Row]) -> dict[int, Row]:
    """Map the id of every span to its row."""
    return {span.id: row for row in found for span in row.spans}


def _all(report: Report) -> list[Row]:
    """Give what has no branch a row per name if it is work, and one row to all the rest."""
    lines = {line.name: line for line in report.branches}
    named: dict[tuple[str, str], list[Span]] = {}
    for span in report.spans:
        loose = span.name if span.kind in WORK else NO_BRANCH
        named.setdefault((span.branch, "" if span.branch else loose), []).append(span)
    order = {name: place for place, name in enumerate(lines)}
    found = sorted(named.items(), key=lambda item: order.get(item[0][0], 0))
    return [
        _row(branch or name, group, report, lines.get(branch) if branch else None)
        for (branch, name), group in found
    ]


def _row(label: str, spans: Sequence[Span], report: Report, line: BranchLine | None) -> Row:
    return Row(label, tuple(spans), total(merged(working(spans, report))), line)


def _fold(label: str, group: Sequence[Row], report: Report) -> Row:
    if len(group) == 1:
        return group[0]
    spans = sorted((s for row in group for s in row.spans), key=lambda span: span.id)
    whole = _row(f"{label} x{len(group)}", spans, report, None)
    return Row(whole.label, whole.spans, whole.busy, None, sum(row.folded for row in group))


def _weight(report: Report) -> Callable[[Row], tuple[bool, bool, timedelta]]:
    on_path = {segment.span for segment in report.flow.path}

    def weight(row: Row) -> tuple[bool, bool, timedelta]:
        failed = any(s.state in BROKEN for s in row.spans)
        return any(span.id in on_path for span in row.spans), failed, row.busy

    return weight


def working(spans: Iterable[Span], report: Report) -> list[Stretch]:
    """Give the time each span of work was open, cut to the run."""
    within = (report.started, report.until)
    work = ((s.scheduled, s.ended or report.until) for s in spans if s.kind in WORK)
    return clipped(work, within)
