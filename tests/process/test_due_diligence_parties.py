"""Parties of a case: screened beside the checks, weighed by who they are, bounded in number."""

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError

from simulator.config import Fault, FaultKind
from store.blobs import Blobs
from tests.process.test_due_diligence_hits import FALSE
from tests.support.world import World, case_file
from workflows.data.case_file import CaseFile, Party
from workflows.data.due_diligence import CaseOutcome, Route, Tier
from workflows.data.findings import Check, CheckOutcome, FindingCode
from workflows.data.sources import Identifier

NAME = "name like"
"""Words of a possible hit; a confirmed one speaks of its identifier."""
MANY = 10_000
"""Parties, of whom every name is compared with those of referees in one workflow task."""
pytestmark = pytest.mark.server

LISTED = Party(
    party_id="bank",
    kind="Company",
    name="BANK SADERAT PLC",
    role="signatory",
    country="GB",
    identifiers=(Identifier(scheme="GB-COH", value="01126618"),),
)


async def test_a_listed_signatory_prohibits_and_stops_the_references(here: World) -> None:
    """The hit is confirmed in a child; the case hears of it while the child still works."""
    handle = await here.start(case_file("unilever", parties=(LISTED,)))
    gate = await here.gate(handle)
    assert gate.needs == ("compliance",)
    signals = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    heard = [
        e.workflow_execution_signaled_event_attributes.signal_name
        for e in (await handle.fetch_history()).events
        if e.event_type == signals
    ]
    assert "confirmed_hit" in heard
    await here.decide(handle, "decline", "mira")
    record = await here.result(handle)
    assert (record.tier, record.outcome) == (Tier.PROHIBITED, CaseOutcome.DECLINE)
    references = next(c for c in record.checks if c.check is Check.REFERENCES)
    assert references.outcome in (CheckOutcome.NOT_APPLICABLE, CheckOutcome.CLEAR)


async def test_a_listed_owner_without_a_known_share_is_high_not_prohibited(here: World) -> None:
    owner = LISTED.model_copy(update={"role": "owner"})
    handle = await here.start(case_file("unilever", parties=(owner,)))
    gates = await here.until(handle, "open_gates", lambda g: any(NAME in x["question"] for x in g))
    alike = next(g["name"] for g in gates if NAME in g["question"])
    await here.decide(handle, "supply", "ana", gate=alike, value=FALSE)
    assert sorted((await here.gate(handle)).needs) == ["anybody", "senior"]
    known = await handle.query("result_so_far")
    codes = {f["code"] for c in known["checks"] for f in c["findings"]}
    assert FindingCode.SANCTIONED_PARTY in codes
    assert known["proposal"] == "refer"
    assert [p["party_id"] for p in known["parties"]] == ["bank"]


async def test_a_customer_a_listed_company_owns_is_prohibited_and_reported_for_that(
    here: World,
) -> None:
    """The register names the owner; its number stands on the list; 75 % of the customer is its."""
    case = case_file("unilever").model_dump()
    case["subject"] |= {
        "name": "Wharfside Trading Limited",
        "identifiers": [{"scheme": "GB-COH", "value": "09900001"}],
        "listed": False,
    }
    handle = await here.start(CaseFile.model_validate(case))
    gates = await here.until(handle, "open_gates", lambda g: any(NAME in x["question"] for x in g))
    alike = next(g["name"] for g in gates if NAME in g["question"])
    await here.decide(handle, "supply", "ana", gate=alike, value=FALSE)
    assert (await here.gate(handle)).needs == ("compliance",)
    await here.decide(handle, "decline", "mira")
    record = await here.result(handle)
    assert record.tier is Tier.PROHIBITED
    codes = {f.code: f for c in record.checks for f in c.findings}
    assert {FindingCode.OWNED_BY_SANCTIONED, FindingCode.SANCTIONED_PARTY} <= set(codes)
    assert FindingCode.SANCTIONED not in codes
    report = here.client.get_workflow_handle(f"{handle.id}-report")
    (gate,) = await report.query("open_gates")
    assert "owned by sanctioned parties: " in gate["question"]
    assert "75 to 100 % together: owner-1" in gate["question"]
    assert "confirmed sanctions hit" not in gate["question"]


async def test_thousands_of_parties_end_in_a_decided_case_and_none_is_lost(here: World) -> None:
    """Four are screened, two at a time; the others are named in a document, and the tier is high.

    One stands there twice under another id and is screened once.
    """
    many = tuple(
        Party(party_id=f"p{n}", kind="Company", name=f"Nobody {n} Holdings", role="owner")
        for n in range(MANY - 1)
    )
    again = Party(party_id="again", kind="Company", name="Nobody 3, Holdings", role="director")
    bounds = {"parties": 4, "at_once": 2}
    handle = await here.start(case_file("unilever", parties=(*many, again), screening=bounds))
    await here.gate(handle)
    await here.decide(handle, "refer", "ana")
    await here.decide(handle, "refer", "bo")
    record = await here.result(handle)
    assert (record.tier, record.routing.route) == (Tier.HIGH, Route.FOUR_EYES)
    assert len(record.parties) == 4
    beyond = next(c for c in record.checks if c.party_id == "beyond-bound")
    assert f"{MANY - 5} parties were not screened" in beyond.gaps[0].reason
    kept = (await Blobs(here.store).get(beyond.evidence[0].sha256)).decode().splitlines()
    assert len(kept) == MANY - 5
    assert kept[-1].endswith(f"Nobody {MANY - 2} Holdings")


async def test_a_cancelled_case_cancels_its_screenings(here: World) -> None:
    await here.faults(Fault(service="opensanctions", kind=FaultKind.SLOW, seconds=30))
    handle = await here.start(case_file("unilever", parties=(LISTED,)))
    child = here.client.get_workflow_handle(f"{handle.id}-bank")
    async for event in handle.fetch_history_events(wait_new_event=True):
        begun = event.child_workflow_execution_started_event_attributes
        if begun.workflow_execution.workflow_id == child.id:
            break
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    with pytest.raises(WorkflowFailureError):
        await child.result()
    assert (await child.describe()).status is WorkflowExecutionStatus.CANCELED
