"""Due diligence end to end: real server, real HTTP, three real companies."""

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowUpdateFailedError

from insight.history.facts import facts
from insight.history.reader import ordered
from runtime.builds import code_of_workflows
from tests.support.world import World, case_file
from workflows.data.due_diligence import CaseOutcome, Onboarding, Route, Tier
from workflows.data.findings import Check, CheckOutcome, FindingCode, Strength

pytestmark = pytest.mark.server


async def test_a_clean_listed_company_is_approved_by_one_reviewer(here: World) -> None:
    """Unilever: low tier, no findings, one person, onboarded."""
    handle = await here.start(case_file("unilever"))
    gate = await here.gate(handle)
    assert gate.proposal == "approve"
    assert len(gate.needs) == 1
    await here.decide(handle, "approve", "ana")
    record = await here.result(handle)
    history = await handle.fetch_history()
    assert facts(ordered(history)).version == code_of_workflows()
    assert record.outcome is CaseOutcome.APPROVE
    assert record.tier is Tier.LOW
    assert [f for c in record.checks for f in c.findings] == []
    assert {c.outcome for c in record.checks} <= {CheckOutcome.CLEAR, CheckOutcome.NOT_APPLICABLE}
    assert record.onboarding is Onboarding.DONE
    customer = (await here.http.get(f"/accounts/customers/{handle.id}")).json()
    assert customer["limit"] in ("50000", 50000)
    assert customer["review_due"] == str(record.next_review_due)
    mails = (await here.book())["mails"]
    assert len([m for m in mails if m["to"] == "customer@unilever.example"]) == 1
    references = next(c for c in record.checks if c.check is Check.REFERENCES)
    assert len(references.evidence) == 2, "two of four conclusive replies are enough"


async def test_an_exact_company_number_on_a_list_prohibits(here: World) -> None:
    """Saderat: identifier hit, compliance officer, references stopped, nobody tipped off."""
    handle = await here.start(case_file("bank_saderat"))
    gate = await here.gate(handle)
    assert gate.needs == ("compliance",)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await here.decide(handle, "approve", "mira")
    assert "prohibits approval" in str(refused.value.cause)
    await here.decide(handle, "decline", "mira", comment="true match")
    record = await here.result(handle)
    assert record.outcome is CaseOutcome.DECLINE
    assert record.tier is Tier.PROHIBITED
    found = [f for c in record.checks for f in c.findings if f.code is FindingCode.SANCTIONED]
    assert [f.strength for f in found] == [Strength.IDENTIFIER]
    assert record.routing.route is Route.COMPLIANCE
    references = next(c for c in record.checks if c.check is Check.REFERENCES)
    assert references.outcome is CheckOutcome.NOT_APPLICABLE
    assert references.gaps
    others = [c for c in record.checks if c.check in (Check.EXISTENCE, Check.CREDIT)]
    assert all(c.evidence for c in others), "the other checks finish their evidence"
    assert any("true match" in r for r in record.reasons)
    mails = (await here.book())["mails"]
    assert not [m for m in mails if m["to"] == "customer@saderat.example"]


async def test_a_bankruptcy_filing_takes_two_people_one_senior(here: World) -> None:
    """Carbo Ceramics: high tier, two people, neutral notice to the customer."""
    handle = await here.start(case_file("carbo_ceramics"))
    gate = await here.gate(handle)
    assert gate.proposal == "decline"
    assert sorted(gate.needs) == ["anybody", "senior"]
    first = await here.decide(handle, "decline", "ana")
    assert (first.settled, first.still_needed) == (False, ("senior",))
    second = await here.decide(handle, "decline", "bo")
    assert second.settled
    record = await here.result(handle)
    assert record.outcome is CaseOutcome.DECLINE
    assert record.tier is Tier.HIGH
    codes = {f.code for c in record.checks for f in c.findings}
    assert {FindingCode.INSOLVENCY_FILING, FindingCode.CREDIT_DISTRESS} <= codes
    credit = next(c for c in record.checks if c.check is Check.CREDIT)
    assert credit.fallback == "filings_only"
    mails = (await here.book())["mails"]
    assert len([m for m in mails if m["to"] == "customer@carbo.example"]) == 1


async def test_the_checks_start_in_one_workflow_task(here: World) -> None:
    """What the checks ask first is scheduled by the same task."""
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    events = (await handle.fetch_history()).events
    kind = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    scheduled = [e.activity_task_scheduled_event_attributes for e in events if e.event_type == kind]
    before = ("resolve_roles", "open_budget")
    first = next(s for s in scheduled if s.activity_type.name not in before)
    together = [
        s
        for s in scheduled
        if s.workflow_task_completed_event_id == first.workflow_task_completed_event_id
    ]
    branches = {s.header.fields["braid-branch"].data.decode().strip('"') for s in together}
    asked = {"existence", "references", "sanctions", "media", "background", "contact", "ownership"}
    assert {b.split("/")[0] for b in branches} == asked
    shared = [s for s in together if s.activity_type.name == "company_register"]
    assert len(shared) == 1, "existence and credit share one look at the register"


async def test_every_query_answers_while_open_and_after_closing(here: World) -> None:
    """status, branches, result_so_far, open_gates, cost and refusals outlive the case."""
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    await here.decide(handle, "approve", "ana")
    await here.result(handle)
    status = await handle.query("status")
    assert (status["phase"], status["outcome"]) == ("closed", "approve")
    names = [b["name"] for b in await handle.query("branches")]
    assert {"existence", "credit", "references", "sanctions"} <= set(names)
    assert (await handle.query("result_so_far"))["decision"]["outcome"] == "approve"
    assert await handle.query("open_gates") == []
    assert (await handle.query("cost"))["calls"] >= 4
    assert await handle.query("refusals") == []
