"""Stories of blueprints."""

from contextlib import suppress

from temporalio.client import WorkflowFailureError

from cli.blueprints.checking import case_of
from runtime.settings import ROOT
from tests.support.world import Handle, World
from workflows.data.blueprints.case import BlueprintCase


def given(name: str) -> BlueprintCase:
    """Give the example of a blueprint."""
    file = f"blueprints/{name}.yaml"
    return case_of(ROOT / file, [str(ROOT / "cases" / file)])


async def invoice(here: World) -> Handle:
    """Read, checked, approved by a person, paid."""
    handle = await here.begin("blueprint", given("invoice"), id="bp-invoice")
    gate = await here.gate(handle, "approve")
    await here.decide(handle, "approve", "ana", gate=gate.name)
    await handle.result()
    return handle


async def cancel(here: World) -> Handle:
    """A lead whose case is cancelled after the CRM was told: its card is withdrawn."""
    handle = await here.begin("blueprint", given("lead_scoring"), id="bp-lead-cancel")
    await here.until(handle, "branches", lambda found: any(b["name"] == "crm" for b in found))
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


STORIES = (invoice, cancel)
