"""Stories of content production: written, and cancelled in the middle."""

from contextlib import suppress

from temporalio.client import WorkflowFailureError

from tests.support.world import Handle, World, example
from workflows.data.content_production import ContentOrder

ORDER = example("content-production/heat_pumps", ContentOrder)


async def heat_pumps(here: World) -> Handle:
    """A piece written, illustrated, checked and handed over."""
    handle = await here.begin("content-production", ORDER, id="cp-heat-pumps-story")
    await handle.result()
    return handle


async def cancel(here: World) -> Handle:
    """Cancelled while the text is being written."""
    handle = await here.begin("content-production", ORDER, id="cp-cancel-story")
    await here.until(handle, "branches", lambda b: any(x["name"] == "outline" for x in b))
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


STORIES = (heat_pumps, cancel)
