"""The live view of a case: its graph and Gantt as they grow, or a line for all that happens."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text
from temporalio.client import WorkflowHandle

from cli.tail import Tail
from insight.history.book import MODEL_CALL
from insight.history.pending import NOTHING, Now
from insight.history.spans import Span, SpanKind, SpanState, Status
from insight.report import Report
from insight.shown.branches import graph
from insight.shown.log import LogLine, log, retries
from insight.shown.timeline import gantt
from insight.shown.words import clear

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
    handle: WorkflowHandle[Any, Any],
    console: Console,
    *,
    quiet: bool = False,
    lines: "Lines | None" = None,
) -> AsyncIterator[Tail]:
    """Follow a case while the block runs: drawn in a terminal, a line per event elsewhere.

    `lines` are told instead of either.
    """
    tail = Tail(handle)
    if lines is None and not quiet and not console.is_terminal:
        lines = Lines(partial(_print, console))
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
            lines.tell(tail)


async def watch(handle: WorkflowHandle[Any, Any], console: Console) -> None:
    """Show a case until it closes."""
    async with watching(handle, console) as tail:
        await tail.until(closed)


async def _nothing() -> None:
    """Show nothing."""


async def _show(tail: Tail, console: Console, lines: "Lines | None") -> None:
    if lines is not None:
        await lines.follow(tail)
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


def _print(console: Console, line: LogLine) -> None:
    console.print(clear(line.written()), highlight=False, markup=False, soft_wrap=True)


class Lines:
    """Passes on the lines of a log as they come, each once, and says when calls are retried.

    `branch` tells of one branch and those in it only.
    """

    def __init__(self, write: Callable[[LogLine], None], branch: str = "") -> None:
        self.write, self.branch = write, branch
        self.told: set[tuple[object, ...]] = set()

    async def follow(self, tail: Tail) -> None:
        """Tell what happens, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK):
                    await tail.grown.wait()
            tail.grown.clear()
            known = self.tell(tail)
            if known and any(span.state is SpanState.OPEN for span in under_way(known)):
                for line in retries(known, await tail.now(known), self.branch):
                    self._say((tail.runs, line.span, line.attempt), line)

    def tell(self, tail: Tail) -> Report | None:
        """Tell what is known by now and was not told before."""
        known = tail.report()
        for line in log(known, self.branch) if known else ():
            self._say((tail.runs, line.span, line.event, line.what), line)
        return known

    def _say(self, mark: tuple[object, ...], line: LogLine) -> None:
        if mark not in self.told:
            self.told.add(mark)
            self.write(line)
