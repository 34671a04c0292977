"""One chunk of a spread: its page is read, its items are claimed, done and kept in the store."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio.exceptions import is_cancelled_exception

from workflows import calls
from workflows.calls import ask
from workflows.data.chunk import ChunkLeave, ChunkOrder, ChunkTally
from workflows.data.spread import MOST_BYTES, Item, ItemResult, ResultBatch
from workflows.errors import reason
from workflows.patterns.clock import shielded
from workflows.patterns.spread_page import claimed, read_page
from workflows.patterns.spread_work import Do
from workflows.scope import OwnCase, Scope, enter_case, enter_scope
from workflows.window import Window

KEPT_AT_ONCE = 50
"""Results written in one go, at most."""

Tell = Callable[[ChunkTally], Awaitable[None]]


class ChunkRun:
    """A chunk under way.

    `do` does one item; `tell` carries the chunk's tallies to its spread, whose answers come by
    `allow`.
    """

    def __init__(self, order: ChunkOrder, do: Do, tell: Tell) -> None:
        self._order = order
        self._tell = tell
        self._tally = self._told = ChunkTally(number=order.number)
        self._scope = Scope(order.place)
        self._do = do
        self._pending: list[ItemResult] = []
        self._telling: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._window: Window[Item] = Window(self._one, order.slots, self._changed)

    def allow(self, leave: ChunkLeave) -> None:
        """Take more slots, or the word to pause, go on, or stop."""
        self._window.allow(leave.slots, paused=leave.paused)
        if leave.stop and not self._window.stopped:
            self._window.stop()

    async def run(self) -> ChunkTally:
        """Do the chunk. What was done is kept even when it is stopped, cancelled or fails."""
        enter_scope(self._scope)
        try:
            self._window.load(await self._claimed(await self._page()))
            await self._window.ended()
        except (Exception, asyncio.CancelledError):  # not when an evicted workflow is closed
            self._window.stop()
            await shielded(self._close())
            raise
        await self._close()
        return self._tally

    async def _page(self) -> tuple[Item, ...]:
        found = await read_page(self._order)
        self._count(
            page_read=True, size=len(found.items), next=found.next or None, total=found.total
        )
        self._changed()
        return found.items

    async def _claimed(self, items: tuple[Item, ...]) -> tuple[Item, ...]:
        mine = await claimed(self._order, items)
        self._count(already=len(items) - len(mine))
        return mine

    async def _one(self, item: Item) -> None:
        self._enter(item)
        try:
            value = await self._do(item.request)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if not (self._window.stopped and is_cancelled_exception(error)):
                self._settle(self._order.work.result(item, error=reason(error)))
            return
        self._settle(self._order.work.result(item, value=value))

    def _enter(self, item: Item) -> None:
        """Run the rest of this task for an item: within this case, or as a case of its own."""
        cases = self._order.cases
        if cases is None:
            enter_scope(self._scope.inside(item.key))
            return
        enter_scope(Scope())
        case, origins = cases.id_of(item.key), cases.origins_of(item.key)
        enter_case(OwnCase(case, origins, cases.payer, cases.sequential))

    def _settle(self, result: ItemResult) -> None:
        self._pending.append(result)
        self._tally = self._tally.plus((result,))

    def _count(self, **changes: Any) -> None:
        self._tally = self._tally.model_copy(update=changes)

    # ---- telling and keeping: one message and one write at a time, so that they gather up ----

    def _changed(self) -> None:
        if self._window.released != self._tally.released:
            self._count(released=self._window.released)
        if self._window.paused:
            self._count(in_flight=self._window.in_flight)
        if self._telling is None and self._is_news():
            self._telling = asyncio.ensure_future(self._tell_news())
        if self._keeping is None and self._is_full():
            self._keeping = asyncio.ensure_future(self._keep(self._is_full))
            self._keeping.add_done_callback(self._kept)

    def _is_news(self) -> bool:
        # Once it is over, the result is about to tell everything.
        return not self._window.is_over and self._order.is_news(self._tally, self._told)

    async def _tell_news(self) -> None:
        while self._is_news():
            self._told = self._tally
            await self._tell(self._told)
        self._telling = None

    def _is_full(self) -> bool:
        """Say whether results should be written: nobody waits for more than a window of others."""
        return len(self._pending) >= max(1, min(KEPT_AT_ONCE, self._window.in_flight))

    def _kept(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._window.stop()  # no store, no work: `_close` raises the error
        else:
            self._keeping = None
            self._changed()

    async def _keep(self, going: Callable[[], bool]) -> None:
        enter_scope(self._scope)
        enter_case(None)
        while self._pending and going():
            batch = _batch(self._pending)
            await ask(calls.KEEP_RESULTS, ResultBatch(ref=self._order.ref, results=batch))
            del self._pending[: len(batch)]

    async def _close(self) -> None:
        """Write what is left, and let a message under way arrive."""
        if self._keeping is not None:
            await self._keeping
        await self._keep(lambda: True)
        if self._telling is not None:
            await self._telling


def _batch(pending: list[ItemResult]) -> tuple[ItemResult, ...]:
    """Take as many results as one message may hold, at least one."""
    size, count = 0, 0
    for result in pending[:KEPT_AT_ONCE]:
        size += len(result.model_dump_json())
        if count and size > MOST_BYTES:
            break
        count += 1
    return tuple(pending[:count])
