"""Follow the history of a case by long poll, over all runs of its chain."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from cli.now import now
from insight.history.pending import NOTHING, Now
from insight.history.reader import ordered
from insight.report import Report, report

RECONNECT = 0.3
"""Seconds before a broken long poll is taken up again."""
QUIET = 0.2
"""Seconds without an event after which a history counts as settled."""
MANY, LONG, REST = 1_000, 0.1, 4
"""Of so many events on, a report that took longer than so many seconds serves for so many times
the rest. Before that only the first is slow, because a program warms up."""


class Tail:
    """Follows a case's history. `events` grows; `grown` is set whenever it did.

    Where a run is followed by another (continued as new, retried, by schedule), `events` begins
    anew with that; `runs` counts them. `gates` are the open gates, where somebody asks for them.
    """

    def __init__(self, handle: WorkflowHandle[Any, Any]) -> None:
        self.handle = handle
        self.events: list[HistoryEvent] = []
        self.runs = 1
        self.gates: tuple[str, ...] = ()
        self.grown = asyncio.Event()
        self._known: Report | None = None
        self._stale = 0.0

    def report(self) -> Report | None:
        """Explain what is known by now, None before the first event.

        What took long to make is given again for a while: a long history must not stop the poll.
        """
        if not self.events:
            return None
        began = time.monotonic()
        if self._known is None or began >= self._stale:
            made = report(ordered(self.events), case=self.handle.id, now=datetime.now(UTC))
            self._known, done = made, time.monotonic()
            slow = done - began - LONG if len(self.events) >= MANY else 0.0
            self._stale = done + REST * max(0.0, slow)
        return self._known

    async def now(self, known: Report) -> Now:
        """Ask the server what the history does not tell yet; nothing if it cannot say."""
        try:
            told = await self.handle.describe()
        except (RPCError, ValueError):  # ValueError: a status this SDK does not know (paused)
            return NOTHING
        failure = next((task.error for task in reversed(known.tasks) if task.error), "")
        return now(told.raw_description, self.events, gates=self.gates, failure=failure)

    async def follow(self) -> None:
        """Follow until the case closes. A lost server is waited for."""
        while True:
            try:
                if not await self._run():
                    return
                self.runs += 1
                self.events, self._known = [], None
            except RPCError:
                await asyncio.sleep(RECONNECT)

    async def _run(self) -> bool:
        """Follow one run to its end; say whether another one follows."""
        seen = {e.event_id for e in self.events}
        async for event in self.handle.fetch_history_events(wait_new_event=True):
            if successor(event):
                return True
            if event.event_id not in seen:
                self.events.append(event)
                self.grown.set()
        return False

    async def until(self, ready: Callable[[Report], bool]) -> Report:
        """Wait until the report satisfies `ready`."""
        while True:
            self.grown.clear()
            known = self.report()
            if known is not None and ready(known):
                return known
            # Not wait_for: in Python 3.11 it loses a cancellation that comes with an event.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience()):
                    await self.grown.wait()

    def _patience(self) -> float:
        """Give the seconds until a report is worth asking for again, without an event."""
        if self._known is None or self._known.events == len(self.events):
            return 1.0
        return min(1.0, max(0.0, self._stale - time.monotonic()))

    async def settled(self) -> Report:
        """Wait until nothing happens for a moment, and explain what the server knows then."""
        with suppress(TimeoutError):
            while True:
                self.grown.clear()
                async with asyncio.timeout(QUIET):
                    await self.grown.wait()
        history = await self.handle.fetch_history()
        return report(history, case=self.handle.id, now=datetime.now(UTC))


def successor(event: HistoryEvent) -> str:
    """Give the id of the run that follows the one this event ends; empty if none does."""
    group = event.WhichOneof("attributes")
    return getattr(getattr(event, group), "new_execution_run_id", "") if group else ""
