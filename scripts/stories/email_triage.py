"""Stories of email triage: urgent and approved, routine, cancelled while a person is asked."""

from contextlib import suppress

from temporalio.client import WorkflowFailureError

from tests.support.world import Handle, World, example
from workflows.data.email_triage import TriageCase


async def urgent(here: World) -> Handle:
    """Read, drafted, checked, approved, sent."""
    given = example("email-triage/urgent", TriageCase)
    handle = await here.begin("email-triage", given, id="et-urgent-story")
    await here.gate(handle, "answer")
    await here.decide(handle, "approve", "ana", gate="answer")
    await handle.result()
    return handle


async def routine(here: World) -> Handle:
    """Answered by template, with nobody asked."""
    given = example("email-triage/routine", TriageCase)
    handle = await here.begin("email-triage", given, id="et-routine-story")
    await handle.result()
    return handle


async def cancel(here: World) -> Handle:
    """Cancelled at the gate: nothing goes out."""
    given = example("email-triage/urgent", TriageCase)
    handle = await here.begin("email-triage", given, id="et-cancel-story")
    await here.gate(handle, "answer")
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


STORIES = (urgent, routine, cancel)
