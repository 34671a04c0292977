"""Stories of the proposal: fast, full, stopped by compliance, cancelled."""

from contextlib import suppress

from temporalio.client import WorkflowFailureError

from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World, example
from workflows.data.proposal import ProposalCase


async def begun(here: World, name: str, story: str = "") -> Handle:
    """Start a proposal of `cases/proposal`."""
    given = example(f"proposal/{name}", ProposalCase)
    return await here.begin("proposal", given, id=f"pr-{story or name}-story")


async def labels(here: World) -> Handle:
    """The fast path."""
    handle = await begun(here, "labels")
    await handle.result()
    return handle


async def fleet(here: World) -> Handle:
    """Three reviews, two rounds, all actions."""
    handle = await begun(here, "fleet")
    await handle.result()
    return handle


async def pumps(here: World) -> Handle:
    """Compliance says stop; Mira declines."""
    handle = await begun(here, "pumps")
    await here.gate(handle, "clear compliance")
    await here.decide(handle, "decline", "mira", gate="clear compliance")
    await handle.result()
    return handle


async def cancel(here: World) -> Handle:
    """Cancelled while the account is opened: what was done is undone, nothing is sent."""
    await here.faults(Fault(service="accounts", kind=FaultKind.SLOW, seconds=0.5, times=1))
    handle = await begun(here, "labels", "cancel")
    await here.until(handle, "status", lambda status: status["phase"] == "actions")
    await here.until(handle, "result_so_far", lambda known: bool(known["plan"]))
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


STORIES = (labels, fleet, pumps, cancel)
