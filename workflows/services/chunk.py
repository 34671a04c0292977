"""The workflow of one chunk of a spread: some hundred items, so that its history stays bounded."""

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows.data.chunk import ChunkLeave, ChunkOrder, ChunkTally
from workflows.patterns.spread_bulk import BulkRun
from workflows.patterns.spread_chunk import ChunkRun
from workflows.patterns.spread_work import doing
from workflows.scope import log, told


@workflow.defn(name="spread-chunk")
class SpreadChunk:
    """Reads its items by their cursor, does them, and keeps their results in the store."""

    @workflow.init
    def __init__(self, order: ChunkOrder) -> None:
        parent = workflow.info().parent
        self._chunk = (
            BulkRun(order, _tell_parent, parent.workflow_id if parent else "")
            if order.work.kind == "step"
            else ChunkRun(order, doing(order.work), _tell_parent)
        )

    @workflow.run
    async def run(self, order: ChunkOrder) -> ChunkTally:
        """Do the chunk and give its last tally."""
        return await self._chunk.run()

    @workflow.signal
    def allow(self, leave: ChunkLeave) -> None:
        """Take more slots, or the word to pause, go on, or stop."""
        self._chunk.allow(leave)


async def _tell_parent(tally: ChunkTally) -> None:
    parent = workflow.info().parent
    if parent is None:
        return
    try:
        await workflow.get_external_workflow_handle(parent.workflow_id).signal("tally", tally)
    except FailureError:
        log.info("the spread is gone", extra=told(chunk=str(tally.number)))
