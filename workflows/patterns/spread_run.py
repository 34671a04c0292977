"""A spread under way: chunk after chunk, slots given out and taken back, until all is done.

A chunk that needs a slot no more gives it back at once, and it goes to the next chunk, which is
started beforehand without slots and has read its items by then: no barrier between chunks.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol

from workflows.data.chunk import ChunkLeave, ChunkOrder, ChunkTally, SpreadOrder, SpreadSoFar
from workflows.data.spread import SpreadProgress, SpreadResult
from workflows.errors import SpreadFailed, reason
from workflows.patterns.clock import Bell, now, shielded, wait_all
from workflows.patterns.spread_count import Running, added, progress_of, result_of
from workflows.scope import log, told

CLEAN_UP = timedelta(seconds=60)
"""How long chunks may take to keep what they have when a spread is cancelled."""
MOST_SLOTS = 500
"""Items in flight within one chunk; the server holds 2,000 activities pending for a workflow."""


class Chunks(Protocol):
    """How chunks are run: as child workflows, or as tasks of a plain loop."""

    async def run(self, order: ChunkOrder) -> ChunkTally:
        """Run a chunk to its end; its tallies come by `SpreadRun.hear`."""

    async def allow(self, number: int, leave: ChunkLeave) -> None:
        """Tell a running chunk what it may do from now on."""


@dataclass
class SpreadRun:
    """One run of a spread. `chunks` runs them; `run` is its whole life."""

    order: SpreadOrder
    chunks: Chunks
    run_id: str
    too_many: bool = False
    _running: dict[int, Running] = field(default_factory=dict)
    _bell: Bell = field(default_factory=Bell)
    _error: BaseException | None = None
    _page_awaited: bool = False

    def __post_init__(self) -> None:
        so_far = self.order.so_far
        self._base = so_far.model_copy(
            update={"run": so_far.run or self.run_id, "started": so_far.started or now()}
        )
        self._last = self._base.chunks + self.order.chunks_per_run
        self.closing = False

    async def run(self) -> SpreadResult | SpreadOrder:
        """Run to the end, or to where the spread must continue as new: with the order given.

        Raises SpreadFailed when a chunk cannot go on; the others are stopped first. What was done
        is kept even then, and when the spread is cancelled.
        """
        try:
            while self._goes_on():
                await self._bell.wait()
        except (Exception, asyncio.CancelledError):  # not when an evicted workflow is closed
            await self._leave()
            raise
        if self._error is not None:
            why = f"spread {self.order.ref.spread!r} cannot go on: {reason(self._error)}"
            raise SpreadFailed(f"{why}; what finished is kept, redrive the rest") from self._error
        if self._base.cursor is not None and not self.too_many:
            return self.order.model_copy(update={"so_far": self._base})
        return self._result()

    def pause(self, *, paused: bool = True) -> None:
        """Start no more items, those in flight go on; or (not `paused`) go on as before."""
        self._base = self._base.model_copy(update={"paused": paused})
        self._bell.ring()

    def close(self) -> None:
        """Start no more chunks in this run: its history is long enough."""
        self.closing = True

    def hear(self, tally: ChunkTally) -> None:
        """Take a chunk's tally; that of a chunk that ended, or of an earlier run, is void."""
        chunk = self._running.get(tally.number)
        if chunk is None:
            return
        if tally.page_read and not chunk.tally.page_read:
            self._turn_page(tally)
        chunk.tally = tally
        self._bell.ring()

    def progress(self) -> SpreadProgress:
        """Say how far it has come."""
        return progress_of(self._seen(), self._total(), list(self._running.values()))

    # ---- the loop ------------------------------------------------------------------------------

    def _goes_on(self) -> bool:
        """Look at what happened, do what follows, and say whether there is anything to wait for."""
        if not self.too_many and self.order.tolerance.exceeded(self._seen().failed, self._total()):
            self.too_many = True
            log.warning("too many items failed", extra=told(spread=self.order.ref.spread))
        ending = self.too_many or self._error is not None
        if not (ending or self._base.paused):
            self._hand_out()
        for chunk in self._running.values():
            self._let(chunk)
        rests = self._base.paused and not ending and self._base.cursor is not None
        return bool(self._running) or (rests and not self.closing)

    def _hand_out(self) -> None:
        """Give every free slot away: to chunks that lack some, to a new one, to any that can."""
        free = self.order.window - sum(c.held for c in self._running.values())
        while True:
            lacking = next((c for c in self._running.values() if self._lacks(c)), None)
            if lacking is not None and free > 0:
                free -= self._give(lacking, min(free, self._share() - lacking.slots))
            elif lacking is None and self._may_start():
                free -= self._start(min(free, self._share()))
            else:
                break
        if self.closing or self._base.cursor is None:
            for chunk in self._running.values():
                if not chunk.drains:
                    free -= self._give(chunk, min(free, MOST_SLOTS - chunk.slots))

    def _share(self) -> int:
        """Give the slots a chunk gets while others follow: few, so that it is not all tail."""
        return min(self.order.window, max(1, self.order.chunk // 8), MOST_SLOTS)

    def _lacks(self, chunk: Running) -> bool:
        return not chunk.drains and chunk.slots < self._share()

    def _may_start(self) -> bool:
        if self._base.chunks >= self._last:
            self.closing = True
        return not (self.closing or self._page_awaited or self._base.cursor is None)

    def _start(self, slots: int) -> int:
        order, number = self.order, self._base.chunks + 1
        assert self._base.cursor is not None  # noqa: S101 - asked by _may_start
        work = self.chunks.run(
            ChunkOrder(
                ref=order.ref,
                run=self._base.run,
                number=number,
                branch=order.branch,
                work=order.work,
                source=order.source,
                cases=order.cases,
                cursor=self._base.cursor,
                limit=order.chunk,
                slots=slots,
                tell_every=max(1, order.chunk // 10),
                tell_failures=self._tell_failures(),
            )
        )
        task = asyncio.ensure_future(work)
        self._running[number] = Running(
            number, slots, ChunkTally(number=number), ChunkLeave(slots=slots), task
        )
        task.add_done_callback(partial(self._ended, number))
        self._base = self._base.model_copy(update={"chunks": number})
        self._page_awaited = True
        return slots

    def _tell_failures(self) -> int:
        """Say how many failures a chunk may keep to itself: some per cent of what is tolerated."""
        bound = self.order.tolerance
        share = (bound.share or 0.0) * (self._total() or self.order.chunk)
        return max(1, int(bound.count if bound.count is not None else share) // 50)

    def _give(self, chunk: Running, slots: int) -> int:
        if slots > 0:
            chunk.slots += slots
            self._let(chunk)
        return max(0, slots)

    def _let(self, chunk: Running) -> None:
        """Let a chunk hear what it may do, one message at a time."""
        if chunk.letting is None and self._leave_of(chunk) != chunk.heard:
            chunk.letting = asyncio.ensure_future(self._let_hear(chunk))

    def _leave_of(self, chunk: Running) -> ChunkLeave:
        stop = self.too_many or self._error is not None
        return ChunkLeave(slots=chunk.slots, stop=stop, paused=self._base.paused)

    async def _let_hear(self, chunk: Running) -> None:
        while (leave := self._leave_of(chunk)) != chunk.heard and chunk.number in self._running:
            chunk.heard = leave
            await self.chunks.allow(chunk.number, leave)
        chunk.letting = None

    def _turn_page(self, tally: ChunkTally) -> None:
        """Learn from a chunk's page where the next one begins."""
        self._page_awaited = False
        self._base = self._base.model_copy(
            update={
                "cursor": tally.next,
                "total": self._base.total if tally.total is None else tally.total,
                "seen": self._base.seen + tally.size,
            }
        )

    def _ended(self, number: int, task: asyncio.Task[ChunkTally]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            self.hear(task.result())
        self._error = self._error or error
        self._base = added(self._base, self._running.pop(number).tally)
        self._bell.ring()

    async def _leave(self) -> None:
        """Cancel the chunks, and give them time to keep what they have."""
        tasks = [c.task for c in self._running.values()]
        for task in tasks:
            task.cancel()
        await shielded(wait_all(tasks, CLEAN_UP))

    # ---- counts --------------------------------------------------------------------------------

    def _seen(self) -> SpreadSoFar:
        """Add up what ended and what the running chunks told last."""
        seen = self._base
        for chunk in self._running.values():
            seen = added(seen, chunk.tally)
        return seen

    def _total(self) -> int | None:
        """Give the number of items, once it is known."""
        return self._base.seen if self._base.cursor is None else self._base.total

    def _result(self) -> SpreadResult:
        return result_of(self.order.ref, self._base, self._total(), too_many=self.too_many)
