"""Stories of the data pipeline: two histories, and a run that stops at a bad batch."""

from tests.support.world import Handle, World, example
from workflows.data.pipeline import PipelineOrder


async def sales(here: World) -> Handle:
    """Three batches; the last of them in a history of its own, which is the one recorded."""
    order = example("data-pipeline/sales", PipelineOrder).model_copy(update={"fresh": 2})
    handle = await here.begin("data-pipeline", order, id="dp-sales-story")
    await handle.result()
    return handle


async def strict(here: World) -> Handle:
    """More bad rows in a batch than are tolerated."""
    order = example("data-pipeline/strict", PipelineOrder)
    handle = await here.begin("data-pipeline", order, id="dp-strict-story")
    await handle.result()
    return handle


STORIES = (sales, strict)
