"""What every workflow that runs a spread has: its chunks as children, and its messages."""

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows.calls import HEARTBEAT
from workflows.data.chunk import ChunkLeave, ChunkOrder, ChunkTally, SpreadOrder
from workflows.data.spread import SpreadProgress
from workflows.patterns.spread_run import SpreadRun
from workflows.scope import log, told

Handle = workflow.ChildWorkflowHandle[Any, ChunkTally]


class Spreading:
    """A spread under way, and its messages."""

    def __init__(self, order: SpreadOrder) -> None:
        self.spread = SpreadRun(order, _Children(), workflow.info().first_execution_run_id)

    @workflow.signal
    def tally(self, tally: ChunkTally) -> None:
        """Take a chunk's tally."""
        self.spread.hear(tally)
        if workflow.info().is_continue_as_new_suggested():
            self.spread.close()

    @workflow.signal
    def pause(self) -> None:
        """Start no more items; those in flight go on to their end."""
        self.spread.pause()

    @workflow.signal
    def resume(self) -> None:
        """Go on after a pause."""
        self.spread.pause(paused=False)

    @workflow.query
    def progress(self) -> SpreadProgress:
        """How far it has come, at what rate, and when it will be done."""
        return self.spread.progress()


class _Children:
    """Runs chunks as child workflows."""

    def __init__(self) -> None:
        self._started: dict[int, asyncio.Future[Handle]] = {}

    async def run(self, order: ChunkOrder) -> ChunkTally:
        started = self._started[order.number] = asyncio.get_running_loop().create_future()
        try:
            handle: Handle = await workflow.start_child_workflow(
                "spread-chunk",
                order,
                id=f"{workflow.info().workflow_id}.{order.number}",
                result_type=ChunkTally,
                task_timeout=HEARTBEAT,
                parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                static_summary=f"chunk {order.number}",
            )
        except (Exception, asyncio.CancelledError):
            started.cancel()
            raise
        started.set_result(handle)
        return await handle

    async def allow(self, number: int, leave: ChunkLeave) -> None:
        try:
            handle = await self._started[number]
            await handle.signal("allow", leave)
        except FailureError:
            log.info("chunk ended before it could be told", extra=told(chunk=str(number)))
