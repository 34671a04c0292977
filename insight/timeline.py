"""Draw a report in the terminal: a row per branch, its calls as bars, and the two clocks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from insight.clocks import merged
from insight.report import Report, stretches
from insight.scale import scale
from insight.spans import Span, SpanKind, SpanState
from workflows.data.common import BranchState

NO_BRANCH = "(case)"
_LEAST_BAR = 10
_TIME_CELLS = 9


@dataclass(frozen=True)
class _Ink:
    """How one thing is drawn; `plain` is used where the terminal cannot show `glyph`."""

    glyph: str
    plain: str
    style: str
    word: str


_TIMER = _Ink("─", "-", "blue", "timer")
_CHILD = _Ink("▒", "=", "magenta", "child")
_QUEUED = _Ink("░", ".", "yellow", "queued or retried")
_OPEN = _Ink("▓", "%", "cyan", "open call")
_CALL = _Ink("█", "#", "cyan", "call")
_SIGNAL = _Ink("◆", "*", "green", "signal")
_UPDATE = _Ink("◇", "o", "green", "update")
_FAILED = _Ink("✗", "x", "bold red", "failed")
_CUT = _Ink("≈", "~", "dim", "wait cut short")

_ORDER = (_TIMER, _CHILD, _QUEUED, _OPEN, _CALL, _UPDATE, _SIGNAL, _FAILED, _CUT)
"""What is drawn later covers what was drawn before."""

_STATES = {
    BranchState.WAITING: ("…", "~", "yellow"),
    BranchState.RUNNING: ("▸", ">", "cyan"),
    BranchState.SUCCEEDED: ("✓", "+", "green"),
    BranchState.FAILED: ("✗", "x", "bold red"),
    BranchState.DEFAULTED: ("=", "=", "yellow"),
    BranchState.CANCELLED: ("-", "-", "dim"),
}


@dataclass(frozen=True)
class _Row:
    label: str
    spans: tuple[Span, ...]
    note: str
    state: BranchState | None = None


def gantt(report: Report, width: int, *, times: bool = False) -> RenderableType:
    """Draw a run over at most `width` cells: a row per branch, axis, legend and clocks.

    Activities of no branch get a row per name. With `times` every span is listed below its row
    with start and end to the millisecond, UTC. Works without colour and in ASCII terminals.
    """
    return _Gantt(report, width, times)


def length(time: timedelta) -> str:
    """Write a length of time in at most nine cells, two units at most."""
    seconds = time.total_seconds()
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02}m" if hours < 48 else f"{hours // 24}d {hours % 24:02}h"


@dataclass(frozen=True)
class _Gantt:
    report: Report
    width: int
    times: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        width = max(1, min(self.width, options.max_width))
        yield _Drawing(self.report, width, options.ascii_only).whole(self.times)


class _Drawing:
    """One drawing of fixed width."""

    def __init__(self, report: Report, width: int, plain: bool) -> None:
        self.report, self.width, self.plain = report, width, plain
        self.rows = tuple(_rows(report))
        widest = max((cell_len(row.label) for row in self.rows), default=0)
        self.label = min(widest, max(6, width // 4))
        with_times = width - self.label - _TIME_CELLS - 4
        self.notes = with_times >= _LEAST_BAR
        cells = with_times if self.notes else width - self.label - 3
        within = (report.started, report.until)
        busy = merged(stretches(report.spans, within))
        self.scale = scale(busy, within, max(1, cells))
        self.used: set[_Ink] = set()

    def whole(self, times: bool) -> Group:
        lines = [self._head()]
        for row in self.rows:
            lines.append(self._row(row))
            lines += [self._times(span) for span in row.spans] if times else ()
        lines.append(self._axis())
        return Group(*lines, *self._legend(), *self._clocks())

    def _head(self) -> Text:
        report = self.report
        words = [report.process, report.status.value.replace("_", " "), report.case]
        return self._line(Text(self._clear("  ".join(w for w in words if w)), style="bold"))

    def _row(self, row: _Row) -> Text:
        line = Text(set_cell_size(self._short(row.label), self.label) + " ")
        mark, plain_mark, style = _STATES[row.state] if row.state else (" ", " ", "")
        line.append(plain_mark if self.plain else mark, style=style)
        line.append(" ")
        for ink in self._cells(row.spans):
            line.append(" " if ink is None else self._glyph(ink), style=ink.style if ink else "")
        if self.notes:
            line.append(row.note.rjust(_TIME_CELLS + 1))
        return self._line(line)

    def _cells(self, spans: Iterable[Span]) -> list[_Ink | None]:
        cells: list[_Ink | None] = [None] * self.scale.cells
        strokes = (stroke for span in spans for stroke in _strokes(span, self.report.until))
        for ink, start, end in sorted(strokes, key=lambda stroke: _ORDER.index(stroke[0])):
            last = round(self.scale.at(end))
            begin = max(0, last - 1) if ink is _FAILED else self.scale.cell(start)
            for place in range(begin, max(begin + 1, last)):
                cells[place] = ink
        self.used.update(ink for ink in cells if ink is not None)
        return cells

    def _axis(self) -> Text:
        dots: list[str] = ["." if self.plain else "·"] * self.scale.cells
        for start, end in self.scale.cuts:
            self.used.add(_CUT)
            for place in range(round(self.scale.at(start)), round(self.scale.at(end))):
                dots[min(place, self.scale.cells - 1)] = self._glyph(_CUT)
        line = " " * (self.label + 3) + "".join(dots)
        if self.notes:
            line += length(self.report.until - self.report.started).rjust(_TIME_CELLS + 1)
        return self._line(Text(line, style="dim"))

    def _legend(self) -> Iterator[Text]:
        waits = ", ".join(length(end - start) for start, end in self.scale.cuts)
        parts = []
        for ink in (ink for ink in _ORDER if ink in self.used):
            part = Text.assemble((self._glyph(ink), ink.style), f" {ink.word}")
            part.append(f" ({waits})" if ink is _CUT else "")
            parts.append(part)
        return self._filled(parts)

    def _clocks(self) -> Iterator[Text]:
        report = self.report
        parts = [
            f"whole {length(report.until - report.started)}",
            f"machine {length(report.machine)}",
            f"waiting {length(report.waiting)}",
            f"sequential {length(report.sequential)}",
            f"speed-up {report.speedup:.1f}",
        ]
        if any(span.usd is not None for span in report.spans):
            parts.append(f"cost ${report.usd:.4f}")
        return self._filled([Text(part) for part in parts])

    def _filled(self, parts: Iterable[Text]) -> Iterator[Text]:
        """Set parts side by side, breaking lines between them only."""
        line = Text()
        for part in parts:
            if line and line.cell_len + 2 + part.cell_len > self.width:
                yield self._line(line)
                line = Text()
            line.append("  " if line else "").append_text(part)
        yield self._line(line)

    def _times(self, span: Span) -> Text:
        start = f"{span.scheduled:%H:%M:%S.%f}"[:-3]
        end = f"{span.ended:%H:%M:%S.%f}"[:-3] if span.ended else "open"
        words = [f"{start} - {end}", span.name, span.state.value.replace("_", " ")]
        words += [f"attempt {span.attempt}"] if span.attempt > 1 else []
        words += [span.error or span.retried_for]
        return self._line(Text("  " + self._clear("  ".join(word for word in words if word))))

    def _short(self, label: str) -> str:
        label = self._clear(label)
        if cell_len(label) <= self.label:
            return label
        return set_cell_size(label, self.label - 1) + ("~" if self.plain else "…")

    def _clear(self, text: str) -> str:
        """Keep a foreign name from steering or breaking the terminal."""
        safe = (c.isprintable() and (c.isascii() or not self.plain) for c in text)
        return "".join(c if ok else "?" for c, ok in zip(text, safe, strict=True))

    def _glyph(self, ink: _Ink) -> str:
        return ink.plain if self.plain else ink.glyph

    def _line(self, line: Text) -> Text:
        line.truncate(self.width)
        line.rstrip()
        line.no_wrap = True
        return line


def _rows(report: Report) -> Iterator[_Row]:
    for branch in report.branches:
        spans = tuple(span for span in report.spans if span.branch == branch.name)
        if branch.name:
            yield _Row(branch.name, spans, length(branch.machine), branch.state)
        else:
            yield from _loose(spans, report)


def _loose(spans: Sequence[Span], report: Report) -> Iterator[_Row]:
    """Give activities and children of no branch a row per name, and one row to all the rest."""
    named: dict[str, list[Span]] = {}
    for span in spans:
        own = span.kind in (SpanKind.ACTIVITY, SpanKind.CHILD)
        named.setdefault(span.name if own else NO_BRANCH, []).append(span)
    within = (report.started, report.until)
    for name, group in named.items():
        busy = sum((b - a for a, b in merged(stretches(group, within))), timedelta())
        yield _Row(name, tuple(group), length(busy) if busy else "")


def _strokes(span: Span, until: datetime) -> Iterator[tuple[_Ink, datetime, datetime]]:
    """Say what to draw for one span: ink, from, to."""
    end = span.ended or until
    if span.kind is SpanKind.ACTIVITY and span.started is None:
        yield _OPEN if span.ended is None else _QUEUED, span.scheduled, end
    elif span.kind is SpanKind.ACTIVITY and span.started is not None:
        yield _QUEUED, span.scheduled, span.started
        yield _CALL, span.started, end
    else:
        yield _PLAIN[span.kind], span.scheduled, end
    if span.state in (SpanState.FAILED, SpanState.TIMED_OUT):
        yield _FAILED, end, end


_PLAIN = {
    SpanKind.TIMER: _TIMER,
    SpanKind.CHILD: _CHILD,
    SpanKind.SIGNAL: _SIGNAL,
    SpanKind.UPDATE: _UPDATE,
}
