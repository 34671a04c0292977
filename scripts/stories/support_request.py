"""Stories of the support request: by article, by model, by a person, handed over, cancelled."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowFailureError

from tests.support.world import Handle, World, example
from workflows.data.support import SupportRequest


async def begun(here: World, name: str, story: str = "", **changes: Any) -> Handle:
    """Start a request of `cases/support-request`."""
    given = example(f"support-request/{name}", SupportRequest, **changes)
    return await here.begin("support-request", given, id=f"sr-{story or name}-story")


async def export(here: World) -> Handle:
    """The knowledge base answers."""
    handle = await begun(here, "export")
    await handle.result()
    return handle


async def printer(here: World) -> Handle:
    """The specialist model answers an enterprise."""
    handle = await begun(here, "printer")
    await handle.result()
    return handle


async def refund(here: World) -> Handle:
    """A person answers."""
    handle = await begun(here, "refund")
    await here.gate(handle, "answer")
    value = {"text": "We refunded the second payment today."}
    await here.decide(handle, "supply", "ida", gate="answer", value=value)
    await handle.result()
    return handle


async def handed_over(here: World) -> Handle:
    """Nobody answers in time, nor does their lead; the customer is told, Tim sees it through."""
    desk = {"people": ["tim", "ida"], "leads": ["mara"], "within": timedelta(seconds=2)}
    handle = await begun(here, "refund", "handed-over", standard=desk)
    await here.gate(handle, "handed over")
    await here.decide(handle, "done", "tim", gate="handed over")
    await handle.result()
    return handle


async def cancel(here: World) -> Handle:
    """Withdrawn while a person is asked: nobody is told anything."""
    handle = await begun(here, "refund", "cancel")
    await here.gate(handle, "answer")
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


STORIES = (export, printer, refund, handed_over, cancel)
