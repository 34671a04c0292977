"""The workflow of a spread: starts its chunks, one child workflow each, and adds up what they do.

It continues as new after a number of chunks, when those running have ended.
"""

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows.calls import HEARTBEAT
from workflows.data.chunk import (
    ChunkLeave,
    ChunkOrder,
    ChunkTally,
    SpreadOrder,
)
from workflows.data.spread import SpreadProgress, SpreadResult
from workflows.patterns.spread_run import SpreadRun
from workflows.scope import log, told

Handle = workflow.ChildWorkflowHandle[Any, ChunkTally]


@workflow.defn(name="spread")
class Spread:
    """Started by `patterns.spread.spread`; its id is the process's, a dot, and the name."""

    @workflow.init
    def __init__(self, order: SpreadOrder) -> None:
        run_id = workflow.info().first_execution_run_id
        self._run = SpreadRun(order, _Children(), run_id)

    @workflow.run
    async def run(self, order: SpreadOrder) -> SpreadResult:
        """Run to the end. Raises SpreadFailed."""
        end = await self._run.run()
        if isinstance(end, SpreadOrder):
            workflow.continue_as_new(end)
        return end

    @workflow.signal
    def tally(self, tally: ChunkTally) -> None:
        """Take a chunk's tally."""
        self._run.hear(tally)
        if workflow.info().is_continue_as_new_suggested():
            self._run.close()

    @workflow.query
    def progress(self) -> SpreadProgress:
        """How far it has come, at what rate, and when it will be done."""
        return self._run.progress()


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
