"""The workflow of a spread: starts its chunks, one child workflow each, and adds up what they do.

It continues as new after a number of chunks, when those running have ended.
"""

from temporalio import workflow

from workflows.data.chunk import SpreadOrder
from workflows.data.spread import SpreadResult
from workflows.services.spreading import Spreading


@workflow.defn(name="spread")
class Spread(Spreading):
    """Started by `patterns.spread.spread`; its id is the process's, a dot, and the name."""

    @workflow.init
    def __init__(self, order: SpreadOrder) -> None:
        super().__init__(order)

    @workflow.run
    async def run(self, order: SpreadOrder) -> SpreadResult:
        """Run to the end. Raises SpreadFailed."""
        end = await self.spread.run()
        if isinstance(end, SpreadOrder):
            workflow.continue_as_new(end)
        return end
