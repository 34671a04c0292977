"""Bulks: one activity does a step for many items of a spread, each journalled as if by itself.

Results go to the store in groups. A retry reads back which items ended, and goes on with the rest,
whose calls it reads back from the journal.
"""

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import structlog
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import pause
from activities.steps import TELL_EVERY, StepActivities
from runtime.context import CallContext, call_context, enter_call
from store.database import Store
from store.errors import StoreAway
from store.results import Results
from workflows.calls import FIRST_PAUSE
from workflows.data.chunk import BulkEnd, BulkOrder, ChunkLeave
from workflows.data.spread import Item, ItemResult, ItemState, ResultBatch
from workflows.data.steps import StepResult, StepSpent
from workflows.errors import call_failed, raised_inside, reason
from workflows.grades import Step
from workflows.window import Window

log = structlog.get_logger(__name__)


class BulkActivities:
    """Runs the registered steps for items of spreads."""

    def __init__(self, steps: StepActivities, store: Store, client: Client) -> None:
        self._steps, self._results, self._client = steps, Results(store), client

    async def run_bulk(self, order: BulkOrder) -> BulkEnd:
        """Do the items that have not ended, as many at once as the chunk may."""
        step = self._steps.found(order.step, order.chunk.work.version)
        return await _Bulk(order, step, self._steps, self._results, self._client).run()


class _Bulk:
    """One attempt at a bulk.

    A slot counts as released once no item needs it that has not ended *in the store*: so that the
    next attempt, which must do all of those, never uses one that was given away.
    """

    def __init__(
        self,
        order: BulkOrder,
        step: Step[Any, Any],
        steps: StepActivities,
        results: Results,
        client: Client,
    ) -> None:
        self.order, self.chunk, self.step = order, order.chunk, step
        self.steps, self.results, self.client = steps, results, client
        self.context = call_context()
        self.turn = asyncio.Lock() if self.context.one_at_a_time else nullcontext()
        self.tally = self.told = order.tally
        self.beaten = 0.0
        self.spent: StepSpent | None = None
        self.pending: list[ItemResult] = []
        self.keeping: asyncio.Task[None] | None = None
        self.telling: asyncio.Task[None] | None = None
        self.error: BaseException | None = None
        self.bell = asyncio.Event()
        self.window: Window[Item] = Window(self._one, order.leave.slots, self._changed)

    async def run(self) -> BulkEnd:
        """Run until every item ended, or those in flight after a pause or a stop."""
        self._allow(self.order.leave)
        self.window.load(await self._left())
        following = asyncio.create_task(self._follow())
        following.add_done_callback(self._failed)
        try:
            await self._ended()
        except asyncio.CancelledError:
            self.window.stop()
            await self._ended()
            raise
        finally:
            following.cancel()
        self.window.stop()  # a pause that ends now is the next activity's
        await self.window.ended()
        if self.telling is not None:
            await self.telling
        if self.error is not None:
            raise self.error
        return BulkEnd(tally=self.tally, spent=self.spent)

    async def _left(self) -> list[Item]:
        """Count what ended before, and give the other items."""
        items = self.order.items
        states = await self.results.states(self.chunk.ref, [item.key for item in items])
        none = {"succeeded": 0, "failed": 0, "failed_keys": ()}
        ended = [
            ItemResult(key=item.key, state=state)
            for item in items
            if (state := states.get(item.key, ItemState.OPEN)) is not ItemState.OPEN
        ]
        self.tally = self.order.tally.model_copy(update=none).plus(ended)
        known = {result.key for result in ended}
        return [item for item in items if item.key not in known]

    # ---- what it may do, read in the history of its chunk --------------------------------------

    async def _follow(self) -> None:
        info, heard = activity.info(), 0
        chunk = self.client.get_workflow_handle(info.workflow_id or "", run_id=info.workflow_run_id)
        async for event in chunk.fetch_history_events(wait_new_event=True):
            said = event.workflow_execution_signaled_event_attributes
            heard += said.signal_name == "allow"
            if said.signal_name == "allow" and heard > self.order.heard:
                [leave] = await self.client.data_converter.decode(said.input.payloads, [ChunkLeave])
                self._allow(leave)

    def _allow(self, leave: ChunkLeave) -> None:
        self.window.allow(leave.slots, paused=leave.paused)
        if leave.stop and not self.window.stopped:
            self.window.stop()

    # ---- an item -------------------------------------------------------------------------------

    async def _one(self, item: Item) -> None:
        context = self._context_of(item)
        ids = {"case": context.scope, "branch": context.branch}
        structlog.contextvars.bind_contextvars(**ids)
        async with self.turn:
            result = await self._tried(item, context)
        self.pending.append(result)

    def _context_of(self, item: Item) -> CallContext:
        """Give the context of an item: within this case, or as a case of its own."""
        cases = self.chunk.cases
        if cases is None:
            branch = f"{self.chunk.place}/{item.key}"
            return replace(self.context, branch=branch, beat=None)
        return replace(
            self.context,
            scope=cases.id_of(item.key),
            branch="",
            origins=cases.origins_of(item.key),
            payer=cases.payer,
            one_at_a_time=self.context.one_at_a_time or cases.sequential,
            beat=None,
        )

    async def _tried(self, item: Item, context: CallContext) -> ItemResult:
        """Do an item, as often as the step allows."""
        work, attempt = self.chunk.work, 0
        while True:
            attempt += 1
            enter_call(replace(context, attempt=context.attempt + attempt - 1))
            try:
                async with asyncio.timeout(work.timeout.total_seconds()):
                    done = await self.steps.once(self.step, item.request, item=item.key)
            except StoreAway:
                raise  # of all items: the activity is tried again when there is a store
            except ApplicationError as error:
                inside = raised_inside(call_failed(work.name, error))
                return work.result(item, error=reason(inside))
            except Exception as error:  # a bug is tried again, as in an activity of its own
                if attempt >= work.attempts:
                    return work.result(item, error=reason(error))
            else:
                self._count(done)
                return work.result(item, value=done.value)
            await asyncio.sleep(pause(attempt, FIRST_PAUSE).total_seconds())

    def _count(self, done: StepResult) -> None:
        if (more := done.spent) is not None:
            spent = self.spent or StepSpent()
            self.spent = StepSpent(
                usd=spent.usd + more.usd,
                input_tokens=spent.input_tokens + more.input_tokens,
                output_tokens=spent.output_tokens + more.output_tokens,
            )

    # ---- keeping and telling: one write and one message at a time, so that they gather up ------

    async def _ended(self) -> None:
        while not self._is_over():
            self.bell.clear()
            await self.bell.wait()

    def _is_over(self) -> bool:
        rests = self.window.paused and not self.window.in_flight
        return (rests or self.window.is_over) and self.keeping is None and not self.pending

    def _changed(self) -> None:
        in_flight = self.window.in_flight if self.window.paused else self.tally.in_flight
        released = max(0, self.window.slots - self.tally.left)
        self.tally = self.tally.model_copy(update={"released": released, "in_flight": in_flight})
        if self.pending and self.keeping is None:
            self.keeping = asyncio.create_task(self._keep())
            self.keeping.add_done_callback(self._kept)
        if self.telling is None and self._is_news():
            self.telling = asyncio.create_task(self._tell())
            self.telling.add_done_callback(self._failed)
        if self._is_over():
            self.bell.set()

    async def _keep(self) -> None:
        while self.pending:
            some, self.pending = tuple(self.pending), []
            await self.results.keep(ResultBatch(ref=self.chunk.ref, results=some))
            self.tally = self.tally.plus(some)
            if (now := asyncio.get_running_loop().time()) - self.beaten >= TELL_EVERY:
                self.beaten = now
                activity.heartbeat(self.tally)
            self._changed()

    def _kept(self, task: asyncio.Task[None]) -> None:
        self.keeping = None
        if self._failed(task):
            self.pending.clear()  # no store: the next attempt asks the journal
        self._changed()

    def _is_news(self) -> bool:
        told = self.order.teller and self.tally.left > 0
        return bool(told) and self.chunk.is_news(self.tally, self.told)

    async def _tell(self) -> None:
        spread = self.client.get_workflow_handle(self.order.teller)
        while self._is_news():
            self.told = self.tally
            try:
                await spread.signal("tally", self.told)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                log.info("the spread is gone")
        self.telling = None

    def _failed(self, task: asyncio.Task[None]) -> bool:
        """Say whether a task of the bulk failed, which ends it: its next attempt goes on."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.error = self.error or error
            self.window.stop()
        return error is not None
