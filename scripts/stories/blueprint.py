"""Stories of blueprints."""

from contextlib import suppress

from temporalio.client import WorkflowFailureError

from cli.blueprints.checking import case_of
from runtime.settings import ROOT
from tests.support.world import Handle, World

INVOICE = "Supplier: Northwind\nCurrency: EUR\nNet: 100.00\nTax: 19.00\nTotal: 119.00"


async def invoice(here: World) -> Handle:
    """Read, checked, approved by a person, paid."""
    values = ["number=inv-1", f"text={INVOICE}", "token=tok-visa"]
    case = case_of(ROOT / "blueprints/invoice.yaml", values)
    handle = await here.begin("blueprint", case, id="bp-invoice")
    gate = await here.gate(handle, "approve")
    await here.decide(handle, "approve", "ana", gate=gate.name)
    await handle.result()
    return handle


async def cancel(here: World) -> Handle:
    """A lead whose case is cancelled after the CRM was told: its card is withdrawn."""
    values = ["lead=lead-118", "company=Northwind", "message=We need 40 pumps", "team=ana,ben"]
    case = case_of(ROOT / "blueprints/lead_scoring.yaml", values)
    handle = await here.begin("blueprint", case, id="bp-lead-cancel")
    await here.until(handle, "branches", lambda found: any(b["name"] == "crm" for b in found))
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


STORIES = (invoice, cancel)
