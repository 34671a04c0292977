"""Stories of the regulatory submission: amended, cancelled."""

from contextlib import suppress

from temporalio.client import WorkflowFailureError

from tests.support.world import Handle, World, example
from workflows.data.submission import SubmissionCase


async def amended(here: World) -> Handle:
    """The quality review sends the writing back once; then all is signed."""
    handle = await _begun(here)
    for by in ("tomas", "yuki"):
        await _said(here, handle, "analysis-1", "approve", by)
    await _said(here, handle, "writing-1", "approve", "yuki")
    wish = {"phase": "writing", "reason": "Name the comparator in each summary."}
    await _said(here, handle, "review-1", "more", "oren", value=wish)
    await _said(here, handle, "writing-2", "approve", "yuki")
    await _said(here, handle, "review-2", "approve", "oren")
    for by in ("petra", "oren"):
        await _said(here, handle, "bundle-1", "approve", by)
    await handle.result()
    return handle


async def cancel(here: World) -> Handle:
    """Cancelled while the analysis waits to be signed."""
    handle = await _begun(here)
    await here.gate(handle, "sign-analysis-1")
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


async def _begun(here: World) -> Handle:
    case = example("regulatory-submission/tablets", SubmissionCase)
    return await here.begin("regulatory-submission", case)


async def _said(
    here: World, handle: Handle, version: str, verdict: str, by: str, **more: object
) -> None:
    await here.gate(handle, f"sign-{version}")
    await here.decide(handle, verdict, by, gate=f"sign-{version}", **more)


STORIES = (amended, cancel)
