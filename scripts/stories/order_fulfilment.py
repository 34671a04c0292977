"""Stories of order fulfilment: sent in one parcel, in two, undone, cancelled."""

from contextlib import suppress
from typing import Any

from temporalio.client import WorkflowFailureError

from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World, example
from workflows.data.announce import ANNOUNCE
from workflows.data.orders import OrderCase


async def begun(here: World, name: str, **options: Any) -> Handle:
    """Start an order of `cases/order-fulfilment`, with options of the SDK's own."""
    given = example(f"order-fulfilment/{name}", OrderCase)
    options.setdefault("id", f"of-{name.replace('_', '-')}-story")
    return await here.begin("order-fulfilment", given, **options)


async def ready(here: World) -> Handle:
    """Two warehouses reserve; the cheaper sends, the other is released."""
    return await completed(await begun(here, "ready"))


async def announced(here: World) -> Handle:
    """An endpoint is told how it ended."""
    telling = {ANNOUNCE: "crm"}
    return await completed(await begun(here, "ready", id="of-announced-story", memo=telling))


async def split(here: World) -> Handle:
    """Two parcels from two warehouses."""
    return await completed(await begun(here, "split"))


async def out_of_stock(here: World) -> Handle:
    """No warehouse has it: payment and label are undone."""
    return await completed(await begun(here, "out_of_stock"))


async def declined(here: World) -> Handle:
    """The bank declines: reservations and label are undone."""
    return await completed(await begun(here, "declined"))


async def cancel(here: World) -> Handle:
    """Cancelled while the money is taken: refunded or voided, and all else undone."""
    await here.faults(Fault(service="payments", kind=FaultKind.SLOW, seconds=0.5, times=2))
    handle = await begun(here, "ready")
    await here.until(handle, "status", lambda status: status["phase"] == "capture")
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


async def completed(handle: Handle) -> Handle:
    """Wait for the end of an order."""
    await handle.result()
    return handle


STORIES = (ready, announced, split, out_of_stock, declined, cancel)
