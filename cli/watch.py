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

from insight.reader import ordered
from insight.report import Report, report
from insight.spans import Span, SpanKind, Status
from insight.timeline import gantt

REDRAW = 0.25
"""Seconds between drawings in a terminal."""
RECONNECT = 0.3
"""Seconds before a broken long poll is taken up again."""


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
            with suppress(TimeoutError):
                await asyncio.wait_for(self.grown.wait(), 1)


def closed(known: Report) -> bool:
    """Whether the case has closed."""
    return known.status is not Status.RUNNING


def mid_flight(done: int, under_way: int) -> Callable[[Report], bool]:
    """Whether so many calls are done while so many are under way (or the case closed)."""

    def ready(known: Report) -> bool:
        calls = [s for s in known.spans if s.kind is SpanKind.ACTIVITY]
        ended = sum(s.ended is not None for s in calls)
        return closed(known) or (ended >= done and len(calls) - ended >= under_way)

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
