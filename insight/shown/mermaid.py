"""A report as mermaid text: the graph of causes, or a Gantt with a section per branch."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from insight.graph.flow import END, START, Certainty
from insight.history.spans import BROKEN, Span, SpanKind
from insight.report import Report
from insight.shown.picture import Picture, picture
from insight.shown.words import length

MOST_NODES, MOST_EDGES = 120, 400
"""Mermaid itself draws no more than 500 edges and 50,000 characters unless told otherwise."""
_LONGEST = 60
_KEPT = frozenset(" .,_-/'+*=")


class Form(StrEnum):
    """Which of mermaid's diagrams."""

    GRAPH = "graph"
    GANTT = "gantt"


def mermaid(report: Report, form: Form = Form.GRAPH) -> str:
    """Write a report as mermaid text that any mermaid draws, whatever its names hold."""
    shown = picture(report, MOST_NODES, MOST_EDGES)
    lines = _graph(report, shown) if form is Form.GRAPH else _gantt(report, shown)
    return "\n".join(lines) + "\n"


def _graph(report: Report, shown: Picture) -> Iterator[str]:
    yield "flowchart LR"
    yield from _left_out(report, shown)
    yield f'  start(["{_plain(report.process or "start")}"])'
    for number, (branch, spans) in enumerate(_branches(shown).items()):
        if branch:
            yield f'  subgraph b{number}["{_plain(branch)}"]'
        yield from (f"  {_node(span, report.until)}" for span in spans)
        if branch:
            yield "  end"
    yield f'  finish(["{_plain(report.status.value)}"])'
    yield from _arrows(shown)
    yield "  classDef critical stroke-width:3px"
    yield "  classDef failed stroke:#c62828,stroke-dasharray:4 3"
    on_path = {key for pair in shown.critical for key in pair}
    yield from _classed("critical", [_key(key) for key in sorted(on_path)])
    yield from _classed("failed", [_key(span.id) for span in shown.spans if span.state in BROKEN])


def _branches(shown: Picture) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = {}
    for span in shown.spans:
        found.setdefault(span.branch, []).append(span)
    return found


def _arrows(shown: Picture) -> Iterator[str]:
    """A thick arrow on the critical path, a thin one elsewhere, a dotted one where it may be."""
    for edge in shown.edges:
        pair = (edge.cause, edge.effect)
        sure = "-->" if edge.certainty is Certainty.CERTAIN else "-.->"
        yield f"  {_key(pair[0])} {'==>' if pair in shown.critical else sure} {_key(pair[1])}"
    for cause, effect in shown.leaps:
        yield f"  {_key(cause)} ==>|...| {_key(effect)}"


def _classed(name: str, keys: list[str]) -> Iterator[str]:
    if keys:
        yield f"  class {','.join(keys)} {name}"


def _key(span: int) -> str:
    return {START: "start", END: "finish"}.get(span, f"n{span}")


def _node(span: Span, until: datetime) -> str:
    took = _took(span, until)
    words = _plain(_named(span)) + (f"<br>{length(took)}" if took else "")
    left, right = {
        SpanKind.TIMER: ("([", "])"),
        SpanKind.SIGNAL: (">", "]"),
        SpanKind.UPDATE: (">", "]"),
        SpanKind.CHILD: ("[[", "]]"),
    }.get(span.kind, ("[", "]"))
    return f'{_key(span.id)}{left}"{words}"{right}'


def _named(span: Span) -> str:
    """Name a timer one: its own name is a number or an id."""
    return f"timer {span.name}" if span.kind is SpanKind.TIMER else span.name


def _took(span: Span, until: datetime) -> timedelta:
    return max((span.ended or until) - span.scheduled, timedelta())


def _gantt(report: Report, shown: Picture) -> Iterator[str]:
    yield "gantt"
    yield from _left_out(report, shown)
    yield f"  title {_plain(report.process)} {_plain(report.case)}".rstrip()
    yield "  dateFormat x"
    yield f"  axisFormat {_axis(report.until - report.started)}"
    critical = {key for pair in shown.critical for key in pair}
    for branch, spans in _branches(shown).items():
        yield f"  section {_plain(branch or '(case)')}"
        yield from (_task(span, report.until, span.id in critical) for span in spans)


def _task(span: Span, until: datetime, critical: bool) -> str:
    start = _epoch(span.scheduled)
    tags = ["crit"] if critical else []
    tags += ["active"] if span.ended is None else ["done"]
    tags += ["milestone"] if span.kind is SpanKind.SIGNAL else []
    end = max(start + 1, _epoch(span.ended or until))
    name = _plain(_named(span))
    if name[0] != "#":  # a line that begins with a word such as "click" would be an order
        name = f"#{ord(name[0])};{name[1:]}"
    return f"  {name} :{', '.join([*tags, _key(span.id), str(start), str(end)])}"


def _left_out(report: Report, shown: Picture) -> Iterator[str]:
    if shown.left_out:
        kept, whole = len(shown.spans), len(report.spans)
        yield f"  %% The critical path and what touches it, {kept} of {whole} steps"


def _axis(whole: timedelta) -> str:
    if whole > timedelta(days=2):
        return "%Y-%m-%d"
    return "%H:%M:%S" if whole > timedelta(seconds=10) else "%S.%L"


def _epoch(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _plain(text: str) -> str:
    """Write a name so that mermaid shows it and reads nothing into it."""
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    kept = "".join(c if c.isalnum() or c in _KEPT else f"#{ord(c)};" for c in short)
    return kept.strip() or "#8203;"
