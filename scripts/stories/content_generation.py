"""Stories of content generation."""

from contextlib import suppress

from temporalio.client import WorkflowFailureError

from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World, example
from workflows.data.common import ONE_AT_A_TIME
from workflows.data.content_generation import ContentBrief


async def cold_store(here: World) -> Handle:
    """Four pieces at once; the caption is sent back with an objection, and revised."""
    brief = example("content-generation/cold_store", ContentBrief)
    handle = await here.begin("content-generation", brief, id="cg-cold-store")
    await handle.result()
    return handle


async def in_turn(here: World) -> Handle:
    """One call after another, as in order: the audit says which had no reason to wait."""
    brief = example("content-generation/bakery", ContentBrief)
    memo = {ONE_AT_A_TIME: True}
    handle = await here.begin("content-generation", brief, id="cg-bakery-in-turn", memo=memo)
    await handle.result()
    return handle


async def cancel(here: World) -> Handle:
    """Cancelled while the pieces are written."""
    await here.faults(Fault(service="openai", kind=FaultKind.SLOW, seconds=5))
    brief = example("content-generation/bakery", ContentBrief)
    handle = await here.begin("content-generation", brief, id="cg-bakery-cancel")
    await here.until(handle, "branches", lambda b: len(b) == 4)
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


STORIES = (cold_store, in_turn, cancel)
