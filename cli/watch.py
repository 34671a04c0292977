"""The live view of a case: its history by long poll, drawn as it grows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from rich.console import Console
from rich.live import Live
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from insight.book import MODEL_CALL
from insight.reader import ordered
from insight.report import Report, report
from insight.spans import Span, SpanKind, Status
from insight.timeline import gantt

REDRAW = 0.25
"""Seconds between drawings in a terminal."""
RECONNECT = 0.3
"""Seconds before a broken long poll is taken up again."""
QUIET = 0.2
"""Seconds without an event after which a history counts as settled."""


class Tail:
    """Follows a case's history. `events` grows; `grown` is set whenever it did."""

    def __init__(self, handle: WorkflowHandle[object, object]) -> None:
        self.handle = handle
        self.events: list[HistoryEvent] = []
        self.grown = asyncio.Event()

    def report(self) -> Report | None:
        """Explain what is known by now, None before the first event."""
        if not self.events:
            return None
        return report(ordered(self.events), case=self.handle.id, now=datetime.now(UTC))

    async def follow(self) -> None:
        """Follow until the case closes. A lost server is waited for."""
        while True:
            try:
                seen = {e.event_id for e in self.events}
                async for event in self.handle.fetch_history_events(wait_new_event=True):
                    if event.event_id not in seen:
                        self.events.append(event)
                        self.grown.set()
                return
            except RPCError:
                await asyncio.sleep(RECONNECT)

    async def until(self, ready: Callable[[Report], bool]) -> Report:
        """Wait until the report satisfies `ready`."""
        while True:
            self.grown.clear()
            known = self.report()
            if known is not None and ready(known):
                return known
            # Not wait_for: in Python 3.11 it loses a cancellation that comes with an event.
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.grown.wait()

    async def settled(self) -> Report:
        """Wait until nothing happens for a moment, and explain what the server knows then."""
        with suppress(TimeoutError):
            while True:
                self.grown.clear()
                async with asyncio.timeout(QUIET):
                    await self.grown.wait()
        history = await self.handle.fetch_history()
        return report(history, case=self.handle.id, now=datetime.now(UTC))


def closed(known: Report) -> bool:
    """Whether the case has closed."""
    return known.status is not Status.RUNNING


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
    handle: WorkflowHandle[object, object], console: Console, *, quiet: bool = False
) -> AsyncIterator[Tail]:
    """Follow a case while the block runs: drawn in a terminal, a line per event elsewhere."""
    tail = Tail(handle)
    following = asyncio.create_task(tail.follow())
    showing = asyncio.create_task(_nothing() if quiet else _show(tail, console))
    try:
        yield tail
        if following.done():
            await following
    finally:
        for task in (following, showing):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def watch(handle: WorkflowHandle[object, object], console: Console) -> None:
    """Show a case until it closes."""
    async with watching(handle, console) as tail:
        await tail.until(closed)


async def _nothing() -> None:
    """Show nothing."""


async def _show(tail: Tail, console: Console) -> None:
    if not console.is_terminal:
        await _lines(tail, console)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            known = tail.report()
            if known is not None:
                live.update(gantt(known, console.width), refresh=True)
            await asyncio.sleep(REDRAW)


async def _lines(tail: Tail, console: Console) -> None:
    """Print a line when a call begins or ends, for logs and pipes."""
    told: set[tuple[str, bool]] = set()
    while True:
        await tail.grown.wait()
        tail.grown.clear()
        known = tail.report()
        if known is None:
            continue
        for span in known.spans:
            mark = (f"{span.kind}{span.id}", span.ended is not None)
            if mark not in told:
                told.add(mark)
                console.print(_line(span, known.started), highlight=False, markup=False)


def _line(span: Span, start: datetime) -> str:
    moment = span.ended or span.scheduled
    what = span.state if span.ended else "begins"
    tried = f" (attempt {span.attempt})" if (span.attempt or 1) > 1 else ""
    seconds = (moment - start).total_seconds()
    return f"{seconds:8.3f} s  {span.branch or '(case)':<24} {span.name:<22} {what}{tried}"
