"""A chunk of a spread whose work is a step: one activity does its items, each journalled."""

import asyncio

from temporalio import workflow

from workflows.calls import HEARTBEAT, RUN_BULK, retries
from workflows.data.chunk import BulkEnd, BulkOrder, ChunkLeave, ChunkOrder, ChunkTally
from workflows.data.spread import Item
from workflows.patterns.spread_chunk import Tell
from workflows.patterns.spread_page import claimed, read_page
from workflows.scope import Scope, enter_scope


class BulkRun:
    """A chunk under way in one activity, or in another one after each pause.

    `tell` carries its tallies to the workflow `teller`, its spread; while the activity runs it
    tells them there itself, and reads in this workflow's history what it may do.
    """

    def __init__(self, order: ChunkOrder, tell: Tell, teller: str) -> None:
        self._order, self._tell, self._teller = order, tell, teller
        self._leave = ChunkLeave(slots=order.slots)
        self._heard = 0
        self._may_go = asyncio.Event()
        self._may_go.set()

    def allow(self, leave: ChunkLeave) -> None:
        """Take more slots, or the word to pause, go on, or stop."""
        self._leave, self._heard = leave, self._heard + 1
        if leave.paused and not leave.stop:
            self._may_go.clear()
        else:
            self._may_go.set()

    async def run(self) -> ChunkTally:
        """Do the chunk. What was done is kept even when it is stopped, cancelled or fails."""
        order = self._order
        enter_scope(Scope(order.place))
        page = await read_page(order)
        size, following = len(page.items), page.next or None
        tally = ChunkTally(
            number=order.number, page_read=True, size=size, next=following, total=page.total
        )
        telling = asyncio.ensure_future(self._tell(tally))
        items = await claimed(order, page.items)
        await telling  # before the activity tells what comes after
        tally = tally.model_copy(update={"already": size - len(items)})
        while tally.left and not self._leave.stop:
            await self._may_go.wait()
            tally = await self._done(items, tally)
            if tally.left and not self._leave.stop:
                await self._tell(tally)
        return tally

    async def _done(self, items: tuple[Item, ...], tally: ChunkTally) -> ChunkTally:
        work = self._order.work
        end: BulkEnd = await workflow.execute_activity(
            RUN_BULK.name,
            BulkOrder(
                step=work.name,
                chunk=self._order,
                items=items,
                tally=tally,
                leave=self._leave,
                heard=self._heard,
                teller=self._teller,
            ),
            result_type=BulkEnd,
            start_to_close_timeout=RUN_BULK.timeout,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=retries(work.attempts),
            # what its items do when they are cancelled (undo) is waited for
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=f"{self._order.place}: {work.name}",
        )
        return end.tally
