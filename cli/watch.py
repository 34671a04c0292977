"""The live view of a case: its graph and Gantt as they grow, or a line for all that happens."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text
from temporalio.client import WorkflowHandle

from cli.tail import Tail
from insight.book import MODEL_CALL
from insight.branches import NOTHING, Now, graph
from insight.log import log
from insight.report import Report
from insight.spans import Span, SpanKind, SpanState, Status
from insight.timeline import gantt
from insight.words import clear, clock, title

REDRAW = 0.25
"""Seconds between drawings in a terminal."""
ASK = 1.0
"""Seconds between two questions to the server about what is under way."""
REST = 4
"""Times as long as a drawing took to make, at least, until the next is made."""


def closed(known: Report) -> bool:
    """Whether the case has closed."""
    return known.status not in (Status.RUNNING, Status.CONTINUED)


def under_way(known: Report) -> list[Span]:
    """Give the calls that have begun and not ended."""
    return [s for s in known.spans if s.kind is SpanKind.ACTIVITY and s.ended is None]


def done(known: Report) -> int:
    """Count the calls that have ended, however they did."""
    return sum(s.kind is SpanKind.ACTIVITY and s.ended is not None for s in known.spans)


def asking(after: int = 0) -> Callable[[Report], bool]:
    """Whether models are asked, and nothing else is under way, with more than `after` calls done.

    A mail cut off is never sent again: a case killed then would wait for its answer for days.
    """

    def ready(known: Report) -> bool:
        names = {s.name for s in under_way(known)}
        return names == {MODEL_CALL} and done(known) > after

    return ready


@asynccontextmanager
async def watching(
    handle: WorkflowHandle[Any, Any], console: Console, *, quiet: bool = False
) -> AsyncIterator[Tail]:
    """Follow a case while the block runs: drawn in a terminal, a line per event elsewhere."""
    tail = Tail(handle)
    lines = None if quiet or console.is_terminal else _Lines(tail, console)
    following = asyncio.create_task(tail.follow())
    showing = asyncio.create_task(_nothing() if quiet else _show(tail, console, lines))
    try:
        yield tail
        if following.done():
            await following
    finally:
        for task in (following, showing):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if lines is not None:
            lines.tell()


async def watch(handle: WorkflowHandle[Any, Any], console: Console) -> None:
    """Show a case until it closes."""
    async with watching(handle, console) as tail:
        await tail.until(closed)


async def _nothing() -> None:
    """Show nothing."""


async def _show(tail: Tail, console: Console, lines: "_Lines | None") -> None:
    if lines is not None:
        await lines.follow()
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        told, asked = NOTHING, 0.0
        while True:
            began = time.monotonic()
            if (known := tail.report()) is not None:
                if began - asked >= ASK and not closed(known):
                    told, asked = await tail.now(known), began
                live.update(_picture(known, told, console), refresh=True)
            await asyncio.sleep(max(REDRAW, REST * (time.monotonic() - began)))


def _picture(known: Report, told: Now, console: Console) -> Group:
    """Draw graph and Gantt; the graph alone where both would not fit the terminal."""
    drawn = graph(known, console.width, told, max(3, console.height - 4))
    bars = gantt(known, console.width)
    height = sum(len(console.render_lines(part, pad=False)) for part in (drawn, bars))
    if height + 1 < console.height:
        return Group(bars, Text(), drawn)
    return Group(Text(clear(f"{known.process}  {known.case}"), style="bold", no_wrap=True), drawn)


class _Lines:
    """A line when something happens, and when a call is tried again, for logs and pipes."""

    def __init__(self, tail: Tail, console: Console) -> None:
        self.tail, self.console = tail, console
        self.told: set[tuple[object, ...]] = set()

    async def follow(self) -> None:
        """Tell what happens, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK):
                    await self.tail.grown.wait()
            self.tail.grown.clear()
            known = self.tell()
            if known and any(span.state is SpanState.OPEN for span in under_way(known)):
                self._attempts(known, await self.tail.now(known))

    def tell(self) -> Report | None:
        """Tell what is known by now and was not told before."""
        known = self.tail.report()
        for line in log(known) if known else ():
            self._say((line.span, line.event, line.what), line.written())
        return known

    def _attempts(self, known: Report, now: Now) -> None:
        """Tell of attempts that failed already, which the history tells only at the end."""
        for span in known.spans:
            if (pending := now.pending.get(span.id)) and pending.attempt > 1:
                again = f"attempt {pending.attempt} after {pending.failure}"
                moment = f"{known.until:%Y-%m-%d} {clock(known.until)}"
                self._say((span.id, pending.attempt), f"{moment}  {title(span)}: {again}")

    def _say(self, mark: tuple[object, ...], line: str) -> None:
        if (mark := (self.tail.runs, *mark)) not in self.told:
            self.told.add(mark)
            self.console.print(clear(line), highlight=False, markup=False, soft_wrap=True)
