"""The graph of a run in the terminal: every branch, what it does or waits for, and after whom."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from textwrap import wrap

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from insight.graph.flow import END, START, Certainty, Edge, Wait
from insight.graph.portions import awaited
from insight.history.pending import NOTHING, Now, Pending
from insight.history.spans import WORK, Span, SpanKind, SpanState, Status
from insight.report import Report
from insight.shown.rows import MOST, NO_BRANCH, Row, row_of, rows
from insight.shown.words import clear, fitted, length, title

MOST_LINES = 4
"""Lines for the causes of one branch."""
LEAST = 12
"""Cells a column needs to be worth showing."""

_MARKS = {
    "failed": ("✗", "x", "bold red"),
    "retrying": ("↻", "r", "red"),
    "running": ("▸", ">", "cyan"),
    "held": ("▒", "l", "magenta"),
    "queued": ("░", ".", "yellow"),
    "waiting": ("…", "~", "yellow"),
    "done": ("✓", "+", "green"),
    "left": ("-", "-", "dim"),
}
"""By the worst or liveliest thing in a row, in this order."""

_BAD = {SpanState.FAILED: "failed", SpanState.TIMED_OUT: "failed"}
_GONE = {SpanState.CANCELLED: "left", SpanState.ABANDONED: "left"}


@dataclass(frozen=True)
class Node:
    """A row of the graph: how it stands, in a word and in full, and what it came after."""

    row: Row
    stands: str
    doing: str
    after: tuple[str, ...]


def nodes(report: Report, now: Now = NOTHING, most: int | None = None) -> tuple[Node, ...]:
    """Give the rows of a run in the order of their causes, at most `most` where given."""
    found = rows(report, most)
    causes = _causes(report.flow.edges, row_of(found), {s.id: s for s in report.spans})
    return tuple(
        Node(row, *_standing(row, report, now), tuple(causes.get(row.label, ()))) for row in found
    )


def _causes(
    edges: Iterable[Edge], place: Mapping[int, Row], spans: Mapping[int, Span]
) -> dict[str, dict[str, None]]:
    """Name, for every row, the rows it came after; what only may have caused it gets a `?`.

    The likely ones stand first.
    """
    found: dict[str, dict[str, bool]] = {}
    for edge in sorted(edges, key=lambda edge: (not edge.likely, edge.certainty)):
        row = place.get(edge.effect)
        if edge.effect == END or edge.cause == START or row is None or edge.cause not in place:
            continue
        if (cause := place[edge.cause]) is not row:
            name = title(spans[edge.cause]) if cause.label == NO_BRANCH else cause.label
            sure = edge.certainty is Certainty.CERTAIN
            named = found.setdefault(row.label, {})
            named[name] = named.get(name, False) or sure
    return {
        row: {name if sure else f"{name}?": None for name, sure in named.items()}
        for row, named in found.items()
    }


def _standing(row: Row, report: Report, now: Now) -> tuple[str, str]:
    """Say how a row stands: a word of `_MARKS`, and in full."""
    still = [span for span in row.spans if span.state is SpanState.OPEN]
    if not still:
        return _ended(row)
    said = [_open(span, row, report, now) for span in still]
    words = Counter(word for word, _ in said)
    worst = next(word for word in _MARKS if word in words)
    if len(said) == 1:
        return said[0]
    full = next(full for word, full in said if word == worst)
    counted = ", ".join(f"{count} {word}" for word, count in words.items())
    return worst, f"{counted}: {full}" if worst == "retrying" else counted


def _ended(row: Row) -> tuple[str, str]:
    work = [span for span in row.spans if span.kind in WORK] or list(row.spans)
    last = max(work, key=lambda span: (span.ended or span.scheduled, span.id))
    times = f" ({len(work)} calls)" if len(work) > 1 and last.kind in WORK else ""
    took = f" in {length(row.busy)}" if row.busy else ""
    if row.line is None and (bad := [s for s in work if s.state in _BAD]):
        return "failed", f"{len(bad)} of {len(work)} failed: {bad[-1].error}"
    if last.state in _BAD:
        return "failed", f"failed{took}: {last.error}" if last.error else f"failed{took}"
    if last.state in _GONE and last.kind in WORK:
        return "left", f"{last.state.value}{times}"
    return "done", f"done{took}{times}"


def _open(span: Span, row: Row, report: Report, now: Now) -> tuple[str, str]:
    """Say what one open span does or waits for."""
    if span.kind is SpanKind.TIMER:
        until = f" since {length(report.until - span.scheduled)}"
        gate = next((gate for gate in now.gates if gate == row.label), None)
        if gate or awaited(span.branch) is Wait.PERSON:  # the timer only reminds
            return "waiting", f"for a person{f' at gate {gate}' if gate else ''}{until}"
        return "waiting", f"timer{until}"
    if span.kind not in WORK:
        return "waiting", f"{title(span)} under way"
    told = now.pending.get(span.id)
    if told is None:
        word = "running" if span.started or span.kind is not SpanKind.ACTIVITY else "queued"
        since = span.started or span.scheduled
        return word, f"{span.name} {'' if word == 'running' else 'sent '}{_for(report, since)}"
    return _pending(span, told, report)


def _pending(span: Span, told: Pending, report: Report) -> tuple[str, str]:
    why = f", attempt {told.attempt} after {told.failure}" if told.attempt > 1 else ""
    if told.held:
        since = _for(report, told.since or span.scheduled)
        return "held", f"{span.name} held by a limit of {told.held} {since}{why}"
    if told.running:
        beat = f" [{told.beat}]" if told.beat else ""
        return "running", f"{span.name} {_for(report, told.since or span.scheduled)}{beat}{why}"
    if told.attempt > 1:
        wait = told.due - report.until if told.due else timedelta()
        soon = f" in {length(wait)}" if wait > timedelta() else " now"
        return "retrying", f"{span.name} again{soon}{why}"
    queue = f" on {span.queue}" if span.queue else ""
    return "queued", f"{span.name} queued{queue} {_for(report, span.scheduled)}"


def _for(report: Report, since: datetime) -> str:
    return f"for {length(max(report.until - since, timedelta()))}"


def graph(report: Report, width: int, now: Now | None = None, most: int = MOST) -> RenderableType:
    """Draw the graph over at most `width` cells: a line per branch, at most `most`, by causes.

    A run that is followed live gets what is known of it `now`; for one that is explained, long
    lists of causes go over more lines.
    """
    return _Graph(report, width, now, most)


@dataclass(frozen=True)
class _Graph:
    report: Report
    width: int
    now: Now | None
    most: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        width = max(1, min(self.width, options.max_width))
        yield Group(*self._lines(width, options.ascii_only))

    def _lines(self, width: int, plain: bool) -> Iterator[Text]:
        now = self.now or NOTHING
        found = nodes(self.report, now, self.most)
        label = min(max((cell_len(n.row.label) for n in found), default=0), max(6, width // 4))
        room = max(LEAST, width - label - 3)
        after = max((cell_len(_after(n.after)) for n in found), default=0)
        longest = max((cell_len(n.doing) for n in found), default=0)
        most = room * 3 // 5 if self.now is None else room - LEAST  # live, what it does comes first
        doing = room if room < 2 * LEAST else min(longest, max(room - after - 1, most))
        for node in found:
            mark, plain_mark, style = _MARKS[node.stands]
            line = Text(plain_mark if plain else mark, style=style)
            name = fitted(clear(node.row.label, plain=plain), label, plain)
            line.append(f" {name} ", style="not bold")
            if self.now is not None and cell_len(node.doing) > doing:  # its causes are known by now
                yield _cut(line.append(fitted(clear(node.doing, plain=plain), room, plain)), width)
                continue
            line.append(fitted(clear(node.doing, plain=plain), doing, plain))
            for text in self._afters(_after(node.after), room - doing - 1, plain):
                yield _cut(line.append(f" {text}", style="dim"), width)
                line = Text(" " * (label + 3 + doing))
        if (said := now.task or _idle(found)) and self.report.status is Status.RUNNING:
            yield _cut(Text(clear(said, plain=plain), style="yellow"), width)

    def _afters(self, text: str, room: int, plain: bool) -> Sequence[str]:
        """Break the causes into lines; one line of what is followed live, or without room."""
        text = clear(text, plain=plain)
        if room <= LEAST or not text:
            return ("",)
        if self.now is not None:
            return (fitted(text, room, plain),)
        return wrap(text, room, max_lines=MOST_LINES, placeholder=" ...")


def _after(names: Sequence[str]) -> str:
    return f"after {', '.join(names)}" if names else ""


def _idle(found: Iterable[Node]) -> str:
    """Say what a run waits for of which nothing is open."""
    if any(span.state is SpanState.OPEN for node in found for span in node.row.spans):
        return ""
    return "waits for a message from outside, or for its next workflow task"


def _cut(line: Text, width: int) -> Text:
    line.truncate(width)
    line.rstrip()
    line.no_wrap = True
    return line
