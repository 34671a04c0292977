"""Draw a report in the terminal: a row per branch, its spans as bars, and the critical path."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from insight.graph.clocks import merged
from insight.graph.flow import Wait
from insight.history.spans import Span
from insight.report import Report
from insight.shown.inks import BESIDE, CUT, FAILED, ORDER, WAITS, Ink, Stroke, strokes
from insight.shown.rows import Row, rows, working
from insight.shown.scale import scale
from insight.shown.words import clear, clock, dollars, fitted, length
from workflows.data.common import BranchState

PATH = "critical path"
_LEAST_BAR = 10
_TIME_CELLS = 9

_STATES = {
    BranchState.WAITING: ("…", "~", "yellow"),
    BranchState.RUNNING: ("▸", ">", "cyan"),
    BranchState.SUCCEEDED: ("✓", "+", "green"),
    BranchState.FAILED: ("✗", "x", "bold red"),
    BranchState.DEFAULTED: ("=", "=", "yellow"),
    BranchState.CANCELLED: ("-", "-", "dim"),
}


def gantt(report: Report, width: int, *, times: bool = False) -> RenderableType:
    """Draw a run over at most `width` cells: rows, critical path, axis, legend and clocks.

    Work of no branch gets a row per name; many rows are folded. With `times` nothing is, and every
    span is listed below its row with start and end to the millisecond, UTC. Works without colour
    and in ASCII terminals: what is on the critical path is drawn thicker.
    """
    return _Gantt(report, width, times)


@dataclass(frozen=True)
class _Gantt:
    report: Report
    width: int
    times: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        width = max(1, min(self.width, options.max_width))
        yield _Drawing(self.report, width, options.ascii_only, self.times).whole()


class _Drawing:
    """One drawing of fixed width."""

    def __init__(self, report: Report, width: int, plain: bool, times: bool) -> None:
        self.report, self.width, self.plain, self.times = report, width, plain, times
        self.rows = rows(report, None) if times else rows(report)
        self.path = _path(report)
        labels = [row.label for row in self.rows] + ([PATH] if self.path else [])
        self.label = min(max(map(cell_len, labels), default=0), max(6, width // 4))
        with_times = width - self.label - _TIME_CELLS - 4
        self.notes = with_times >= _LEAST_BAR
        cells = with_times if self.notes else width - self.label - 3
        busy = merged(working(report.spans, report))
        self.scale = scale(busy, (report.started, report.until), max(1, cells))
        self.used: set[Ink] = set()

    def whole(self) -> Group:
        lines = [self._head()]
        for row in self.rows:
            lines.append(self._row(row))
            lines += [self._times(span) for span in row.spans] if self.times else ()
        if self.path:
            lane = [stroke for strokes_ in self.path.values() for stroke in strokes_]
            lines.append(self._bar(PATH, (" ", " ", ""), lane, ""))
        lines.append(self._axis())
        return Group(*lines, *self._legend(), *self._clocks())

    def _head(self) -> Text:
        report = self.report
        words = [report.process, report.status.value.replace("_", " "), report.case]
        return self._line(Text(self._clear("  ".join(w for w in words if w)), style="bold"))

    def _row(self, row: Row) -> Text:
        state = _STATES[row.state] if row.state else (" ", " ", "")
        work = BESIDE if self.path else WAITS[Wait.RUN]
        found = [s for span in row.spans for s in strokes(span, self.report.until, work)]
        found += [s for span in row.spans for s in self.path.get(span.id, ())]
        return self._bar(row.label, state, found, length(row.busy) if row.busy else "")

    def _bar(
        self, label: str, state: tuple[str, str, str], found: Iterable[Stroke], note: str
    ) -> Text:
        line = Text(fitted(self._clear(label), self.label, self.plain) + " ")
        mark, plain_mark, style = state
        line.append(plain_mark if self.plain else mark, style=style)
        line.append(" ")
        for ink in self._cells(found):
            line.append(" " if ink is None else self._glyph(ink), style=ink.style if ink else "")
        if self.notes:
            line.append(note.rjust(_TIME_CELLS + 1))
        return self._line(line)

    def _cells(self, found: Iterable[Stroke]) -> list[Ink | None]:
        cells: list[Ink | None] = [None] * self.scale.cells
        for ink, start, end in sorted(found, key=lambda stroke: ORDER.index(stroke[0])):
            last = round(self.scale.at(end))
            begin = max(0, last - 1) if ink is FAILED else self.scale.cell(start)
            for place in range(begin, max(begin + 1, last)):
                cells[place] = ink
        self.used.update(ink for ink in cells if ink is not None)
        return cells

    def _axis(self) -> Text:
        dots: list[str] = ["." if self.plain else "·"] * self.scale.cells
        for start, end in self.scale.cuts:
            self.used.add(CUT)
            for place in range(round(self.scale.at(start)), round(self.scale.at(end))):
                dots[min(place, self.scale.cells - 1)] = self._glyph(CUT)
        line = " " * (self.label + 3) + "".join(dots)
        if self.notes:
            line += length(self.report.until - self.report.started).rjust(_TIME_CELLS + 1)
        return self._line(Text(line, style="dim"))

    def _legend(self) -> Iterator[Text]:
        waits = ", ".join(length(end - start) for start, end in self.scale.cuts)
        parts = []
        for ink in (ink for ink in ORDER if ink in self.used):
            part = Text.assemble((self._glyph(ink), ink.style), f" {ink.word}")
            part.append(f" ({waits})" if ink is CUT else "")
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
            parts.append(f"cost ${dollars(report.usd)}")
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
        end = clock(span.ended) if span.ended else "open"
        words = [f"{clock(span.scheduled)} - {end}", span.name, span.state.value.replace("_", " ")]
        words += [f"attempt {span.attempt}"] if span.attempt > 1 else []
        words += [span.error or span.retried_for]
        return self._line(Text("  " + self._clear("  ".join(word for word in words if word))))

    def _clear(self, text: str) -> str:
        return clear(text, plain=self.plain)

    def _glyph(self, ink: Ink) -> str:
        return ink.plain if self.plain else ink.glyph

    def _line(self, line: Text) -> Text:
        line.truncate(self.width)
        line.rstrip()
        line.no_wrap = True
        return line


def _path(report: Report) -> dict[int, list[Stroke]]:
    """Give the strokes of the critical path by the span whose time it is."""
    found: dict[int, list[Stroke]] = {}
    for segment in report.flow.path:
        start, end = _within(segment.start, report), _within(segment.end, report)
        found.setdefault(segment.span, []).append((WAITS[segment.wait], start, end))
    return found


def _within(moment: datetime, report: Report) -> datetime:
    return min(max(moment, report.started), report.until)
