"""Stories of document analysis."""

from contextlib import suppress

from temporalio.client import WorkflowFailureError

from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World, example
from workflows.data.document_analysis import AnalysisCase

CASE = "document-analysis/suppliers"


async def suppliers(here: World) -> Handle:
    """Six documents, three models each, all at once."""
    handle = await here.begin("document-analysis", example(CASE, AnalysisCase), id="da-suppliers")
    await handle.result()
    return handle


async def spread(here: World) -> Handle:
    """The same in child workflows; one vendor is down, and two of three still agree."""
    await here.faults(Fault(service="openai", kind=FaultKind.DOWN))
    case = example(CASE, AnalysisCase, spread_from=2)
    handle = await here.begin("document-analysis", case, id="da-suppliers-spread")
    await handle.result()
    return handle


async def bulk(here: World) -> Handle:
    """The chunk of that spread: one activity reads its documents."""
    process = await spread(here)
    return here.client.get_workflow_handle(f"{process.id}.documents.1")


async def cancel(here: World) -> Handle:
    """Cancelled while models read."""
    await here.faults(Fault(service="openai", kind=FaultKind.SLOW, seconds=20))
    case = example(CASE, AnalysisCase)
    handle = await here.begin("document-analysis", case, id="da-suppliers-cancel")
    await here.until(handle, "branches", lambda b: len(b) == len(case.documents))
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


STORIES = (suppliers, spread, bulk, cancel)
