"""Where the time of a run went, in a few lines: path, causes, bound, retries, slack."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from textwrap import wrap

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from insight.graph.flow import Segment, Wait
from insight.graph.portions import retry_cost
from insight.history.spans import MESSAGES, WORK, Span, SpanKind
from insight.report import Report
from insight.shown.inks import WAITS
from insight.shown.words import clear, fitted, length, percent, title

MOST_STAGES = 8
MOST_OTHERS = 3
"""How many retries, and how many steps with slack, are named."""

_FIGURES = 28
"""Cells for the figures of a line: a length, a share, a length."""
_NOTHING = timedelta()


@dataclass(frozen=True)
class Stage:
    """A step of the critical path: what it was, since when, and what its time was spent on.

    `times` counts spans of one title that followed each other.
    """

    title: str
    start: datetime
    waits: tuple[tuple[Wait, timedelta], ...]
    times: int = 1

    @property
    def time(self) -> timedelta:
        """Its whole time."""
        return sum((time for _, time in self.waits), _NOTHING)


def stages(report: Report) -> tuple[Stage, ...]:
    """Give the steps of the critical path in order, without the workflow tasks between them."""
    spans = {span.id: span for span in report.spans}
    news = _news(report)
    found: list[Stage] = []
    last = 0
    for part in report.flow.path:
        if part.wait is Wait.TASK or part.end == part.start:
            continue
        named = _named(part, spans.get(part.span), news.get(part.end))
        spent = ((part.wait, part.end - part.start),)
        if found and found[-1].title == named:
            before = found.pop()
            times = before.times + (part.span != last or not part.span)
            found.append(Stage(named, before.start, before.waits + spent, times))
        else:
            found.append(Stage(named, part.start, spent))
        last = part.span
    return tuple(found)


def _news(report: Report) -> dict[datetime, Span]:
    """Say by when each message was there: an update, when the task that took it was asked for."""
    found = {s.scheduled: s for s in report.spans if s.kind in MESSAGES}
    asked = sorted((task.completed, task.scheduled) for task in report.tasks if task.completed)
    for span in report.spans:
        place = bisect_left(asked, (span.id,)) if span.kind is SpanKind.UPDATE else 0
        if place:
            found.setdefault(asked[place - 1][1], span)
    return found


def _named(part: Segment, span: Span | None, news: Span | None) -> str:
    if span is not None:
        return title(span)
    if part.wait is Wait.TIMER:
        return "delay before the run began"
    return f"waiting for {title(news)}" if news else f"waiting {WAITS[part.wait].word}"


def account(report: Report, width: int) -> RenderableType:
    """Say where the time went, over at most `width` cells; nothing if no path is known."""
    return _Account(report, width)


@dataclass(frozen=True)
class _Account:
    report: Report
    width: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        if self.report.flow.path:
            width = max(1, min(self.width, options.max_width))
            yield Group(*_Lines(self.report, width, options.ascii_only).all())


class _Lines:
    """The lines of one account, of fixed width."""

    def __init__(self, report: Report, width: int, plain: bool) -> None:
        self.report, self.flow, self.width, self.plain = report, report.flow, width, plain
        self.whole = report.until - report.started
        self.label = max(12, min(44, width - _FIGURES))

    def all(self) -> Iterator[Text]:
        yield from self._path()
        yield from self._causes()
        yield from self._said("at best", self._bound())
        yield from self._said("at once", self._together())
        yield from self._some("retries", list(self._retries()))
        yield from self._some("slack", list(self._slack()))
        if out := self.flow.left_out:
            yield from self._said("causes", f"{out:,} that are only possible are left out")

    def _path(self) -> Iterator[Text]:
        yield self._heads("critical path", "took", "of run", "since")
        found = stages(self.report)
        longest = sorted(found, key=lambda stage: stage.time, reverse=True)
        kept = {id(s) for s in longest[:MOST_STAGES] if s.time >= self.whole / 100}
        for stage in (stage for stage in found if id(stage) in kept):
            since = length(stage.start - self.report.started)
            name, after = f"  {stage.title}", _after(stage)
            short = cell_len(name + after) <= self.label
            yield self._figures(name + after if short else name, stage.time, since)
            if not short and after:
                yield self._line(Text(f"    {after.lstrip(' ,')}", style="dim"))
        if left := [stage.time for stage in found if id(stage) not in kept]:
            rest = sum(left, _NOTHING)
            yield self._figures(f"  ({len(left)} shorter, between them)", rest, "", style="dim")

    def _causes(self) -> Iterator[Text]:
        yield self._heads("spent on", "on path", "of run", "in all")
        sums = (self.flow.on_path, self.flow.waits)
        found = [wait for wait in Wait if any(of.get(wait) for of in sums)]
        for wait in sorted(found, key=lambda w: self.flow.on_path.get(w, _NOTHING), reverse=True):
            on_path, in_all = (of.get(wait, _NOTHING) for of in sums)
            ink = WAITS[wait]
            yield self._figures(f"  {ink.word}", on_path, length(in_all) if in_all else "")

    def _bound(self) -> str:
        saved = self.whole - self.flow.lower_bound
        share = percent(saved / self.whole) if self.whole else "0%"
        return (
            f"{length(self.flow.lower_bound)}: the same work for the same causes, without queue,"
            f" limit, failed attempts and workflow tasks ({share} less)"
        )

    def _together(self) -> str:
        if not self.flow.peak:
            return "nothing was at work"
        if self.flow.peak == 1:
            return "never more than one at work"
        return f"at most {self.flow.peak} at work, {percent(self.flow.utilisation)} of that used"

    def _retries(self) -> Iterator[tuple[timedelta, str]]:
        on_path: dict[int, timedelta] = {}
        for part in self.flow.path:
            if part.wait is Wait.RETRY:
                on_path[part.span] = on_path.get(part.span, _NOTHING) + part.end - part.start
        for span in self.report.spans:
            if span.attempt > 1 and span.started is not None:
                lost = retry_cost(span)
                said = [f"{title(span)}: {span.attempt} attempts"]
                said += [f"{length(lost)} lost"] if lost else []
                said += [f"{length(span.backoff)} of it pauses"] if span.backoff else []
                said += [f"{length(on_path[span.id])} on the path"] if span.id in on_path else []
                why = span.retried_for or span.error
                yield -lost, ", ".join(said) + (f" ({why})" if why else "")

    def _slack(self) -> Iterator[tuple[timedelta, str]]:
        spans = {span.id: span for span in self.report.spans if span.kind in WORK}
        least: dict[str, timedelta] = {}
        for step in self.flow.steps:
            if step.span in spans and step.slack:
                name = title(spans[step.span])
                least[name] = min(step.slack, least.get(name, step.slack))
        yield from ((slack, f"{name}: {length(slack)} later") for name, slack in least.items())

    def _some(self, what: str, found: Sequence[tuple[timedelta, str]]) -> Iterator[Text]:
        """Say the first few of what there is, and how many more there are."""
        for place, (_, said) in enumerate(sorted(found)[:MOST_OTHERS]):
            yield from self._said("" if place else what, said)
        if len(found) > MOST_OTHERS:
            yield from self._said("", f"and {len(found) - MOST_OTHERS} more")

    def _heads(self, name: str, *heads: str) -> Text:
        text = set_cell_size(name, self.label) + f"{heads[0]:>9}{heads[1]:>8}{heads[2]:>11}"
        return self._line(Text(text, style="bold"))

    def _figures(self, name: str, time: timedelta, more: str, style: str = "") -> Text:
        share = percent(time / self.whole) if time else ""
        took = length(time) if time else ""
        label = fitted(clear(name, plain=self.plain), self.label, self.plain)
        return self._line(Text(f"{label}{took:>9}{share:>8}{more:>11}", style=style))

    def _said(self, what: str, said: str) -> Iterator[Text]:
        """Say something in at most two lines."""
        lines = wrap(clear(said, plain=self.plain), max(10, self.width - 9), max_lines=2)
        for place, text in enumerate(lines):
            line = Text("" if place else what, style="bold")
            line.pad_right(9 - len(line))
            yield self._line(line.append(text, style="not bold"))

    def _line(self, line: Text) -> Text:
        line.truncate(self.width)
        line.rstrip()
        line.no_wrap = True
        return line


def _after(stage: Stage) -> str:
    """Say how often, and what of its time was no work, unless that is little or all of it."""
    sums: dict[Wait, timedelta] = {}
    for wait, time in stage.waits:
        sums[wait] = sums.get(wait, _NOTHING) + time
    parts = [f" x{stage.times}"] if stage.times > 1 else []
    parts += [
        f", {WAITS[wait].word} {length(time)}"
        for wait, time in sums.items()
        if wait is not Wait.RUN and time >= stage.time / 20 and len(sums) > 1
    ]
    return "".join(parts)
