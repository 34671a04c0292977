"""Stories of due diligence: clean, hits, money, more evidence, parties, cancelled."""

from contextlib import suppress
from typing import Any

from temporalio.client import WorkflowFailureError

from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World, case_file
from workflows.data.case_file import Party

NAMED = (
    Party(party_id="owner-1", kind="Company", name="Wharfside Holdings Ltd", role="owner"),
    Party(party_id="director-1", kind="Person", name="Maren Oxley", role="director"),
)


async def unilever(here: World) -> Handle:
    """A clean company, approved by one person and onboarded."""
    return await decided(here, "unilever", ("approve", "ana"))


async def saderat(here: World) -> Handle:
    """A sanctions hit stops the references; compliance declines."""
    return await decided(here, "bank_saderat", ("decline", "mira"))


async def carbo(here: World) -> Handle:
    """A bankruptcy, declined by two people."""
    return await decided(here, "carbo_ceramics", ("decline", "ana"), ("decline", "bo"))


async def budget(here: World) -> Handle:
    """A budget that pays for no analyst: cheaper roles answer, and the reviewer refers."""
    return await decided(here, "unilever", ("refer", "ana"), models={"budget_usd": "0.0060"})


async def more(here: World) -> Handle:
    """The register is down; asked for more, a second round closes the gap."""
    await here.faults(Fault(service="companies_house", kind=FaultKind.DOWN))
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    await here.faults()
    await here.decide(handle, "more", "ana")
    await here.gate(handle)
    await here.decide(handle, "approve", "ana")
    await here.result(handle)
    return handle


async def cancel(here: World) -> Handle:
    """Cancelled while the customer is being onboarded: undone in reverse."""
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    await here.faults(Fault(service="accounts", kind=FaultKind.SLOW, seconds=1, times=2))
    await here.decide(handle, "approve", "ana")
    await here.until(handle, "branches", lambda b: b[-1]["name"] == "onboarding")
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await here.result(handle)
    return handle


async def parties(here: World) -> Handle:
    """An owner and a director are screened beside the checks, by a child workflow each."""
    return await decided(here, "unilever", ("approve", "ana"), parties=NAMED)


async def decided(here: World, name: str, *decisions: tuple[str, str], **changes: Any) -> Handle:
    """Run a case of `cases/`, with top-level fields changed, to its end."""
    handle = await here.start(case_file(name, **changes))
    await here.gate(handle)
    for verdict, by in decisions:
        await here.decide(handle, verdict, by)
    await here.result(handle)
    return handle


STORIES = (unilever, saderat, carbo, budget, more, parties, cancel)
