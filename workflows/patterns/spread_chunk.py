"""One chunk of a spread: its page is read, its items are claimed, done and kept in the store."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio.exceptions import is_cancelled_exception

from workflows import calls
from workflows.calls import ask
from workflows.data.chunk import (
    ChunkLeave,
    ChunkOrder,
    ChunkTally,
)
from workflows.data.common import JSON
from workflows.data.spread import (
    LISTED,
    MOST_BYTES,
    ClaimedItem,
    Item,
    ItemClaim,
    ItemPage,
    ItemResult,
    ItemState,
    PageQuery,
    ResultBatch,
)
from workflows.errors import Misuse, reason
from workflows.patterns.clock import shielded
from workflows.patterns.spread_window import Window
from workflows.patterns.spread_work import Do, call_of, twofold
from workflows.scope import OwnCase, Scope, enter_case, enter_scope

KEPT_AT_ONCE = 50
"""Results written in one go, at most."""
LONGEST_REASON = 500

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
        self._scope = Scope("/".join(part for part in (order.branch, order.ref.spread) if part))
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
        order = self._order
        found: ItemPage = await ask(
            call_of(order.source.page, PageQuery, ItemPage),
            PageQuery(about=order.source.about, cursor=order.cursor, limit=order.limit),
        )
        _check(order, found)
        self._count(
            page_read=True, size=len(found.items), next=found.next or None, total=found.total
        )
        self._changed()
        return found.items

    async def _claimed(self, items: tuple[Item, ...]) -> list[Item]:
        """Claim the items and give those still to be done."""
        order = self._order
        if not items:
            return []
        claimed = await ask(
            calls.CLAIM_ITEMS,
            ItemClaim(
                ref=order.ref,
                run=order.run,
                chunk=order.number,
                items=tuple(
                    ClaimedItem(key=i.key, digest=order.work.digest(i.request)) for i in items
                ),
            ),
        )
        done = frozenset(claimed.done)
        self._count(already=len(done))
        return [item for item in items if item.key not in done]

    async def _one(self, item: Item) -> None:
        self._enter(item)
        try:
            value = await self._do(item.request)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if not (self._window.stopped and is_cancelled_exception(error)):
                self._settle(item, error=reason(error)[:LONGEST_REASON])
            return
        if (size := len(json.dumps(value))) > MOST_BYTES:
            self._settle(item, error=f"the result has {size} bytes; give a reference instead")
        else:
            self._settle(item, value=value)

    def _enter(self, item: Item) -> None:
        """Run the rest of this task for an item: within this case, or as a case of its own."""
        cases = self._order.cases
        if cases is None:
            enter_scope(self._scope.inside(item.key))
            return
        enter_scope(Scope())
        origins = tuple(origin + item.key for origin in cases.origins)
        enter_case(OwnCase(cases.prefix + item.key, origins, cases.payer, cases.sequential))

    def _settle(self, item: Item, *, value: JSON = None, error: str = "") -> None:
        digest = self._order.work.digest(item.request)
        state = ItemState.FAILED if error else ItemState.SUCCEEDED
        result = ItemResult(key=item.key, digest=digest, state=state, value=value, error=error)
        self._pending.append(result)
        if error:
            names = (*self._tally.failed_keys, item.key)[:LISTED]
            self._count(failed=self._tally.failed + 1, failed_keys=names)
        else:
            self._count(succeeded=self._tally.succeeded + 1)

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
        old, new, order = self._told, self._tally, self._order
        return not self._window.is_over and (  # else the result is about to tell everything
            new.page_read != old.page_read
            or new.released > old.released
            or new.in_flight != old.in_flight
            or new.settled - old.settled >= order.tell_every
            or new.failed - old.failed >= order.tell_failures
        )

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


def _check(order: ChunkOrder, page: ItemPage) -> None:
    """Raise Misuse for a page that would lose items or never end."""
    source = f"spread {order.ref.spread!r}: the source {order.source.page.name!r}"
    if len(page.items) > order.limit:
        raise Misuse(f"{source} gave {len(page.items)} items where {order.limit} were asked for")
    if page.next == order.cursor and page.next:
        raise Misuse(f"{source} names {page.next!r} as what follows itself; it would never end")
    if twice := twofold(item.key for item in page.items):
        raise Misuse(f"{source} gave item {twice[0]!r} twice; give each item a key of its own")


def _batch(pending: list[ItemResult]) -> tuple[ItemResult, ...]:
    """Take as many results as one message may hold, at least one."""
    size, count = 0, 0
    for result in pending[:KEPT_AT_ONCE]:
        size += len(result.model_dump_json())
        if count and size > MOST_BYTES:
            break
        count += 1
    return tuple(pending[:count])
