"""People and messages: decisions by update and signal, refusals, deadlines, more, cancel."""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.service import RPCError

from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World, case_file
from workflows.data.common import BranchState, BranchView, Refusal
from workflows.data.due_diligence import CaseOutcome, Route
from workflows.data.findings import Check

pytestmark = pytest.mark.server

UPDATE_EVENTS = (
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
)
"""The length of the history tells nothing here: a referee's late answer may arrive meanwhile."""


async def refused(here: World, handle: Handle, verdict: str, by: str, **more: object) -> str:
    """Decide, expect a refusal, and give its reason."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await here.decide(handle, verdict, by, **more)
    assert isinstance(caught.value.cause, ApplicationError)
    return caught.value.cause.message


async def test_decisions_that_cannot_count_are_refused_with_the_reason(here: World) -> None:
    """Author, stranger, wrong role, unknown gate, twice, conditions without approval, late."""
    handle = await here.start(case_file("carbo_ceramics"))
    await here.gate(handle)
    assert "wrote the case" in await refused(here, handle, "approve", "sam")
    assert "not a reviewer" in await refused(here, handle, "approve", "eve")
    assert "no gate 'other'" in await refused(here, handle, "approve", "ana", gate="other")
    conditions = [{"code": "LIMIT", "value": "10"}]
    why = await refused(here, handle, "decline", "ana", conditions=conditions)
    assert "conditions go with approve" in why
    told = [event.event_type for event in (await handle.fetch_history()).events]
    assert not set(told) & set(UPDATE_EVENTS), "a refusal leaves no event"
    await here.decide(handle, "approve", "ana", conditions=conditions)
    assert "decided already" in await refused(here, handle, "approve", "ana")
    await here.decide(handle, "decline", "bo")
    record = await here.result(handle)
    assert record.outcome is CaseOutcome.DECLINE, "the senior's word counts"
    with pytest.raises(RPCError, match="completed"):
        await here.decide(handle, "approve", "mira")


async def test_a_decision_before_the_gate_opens_is_refused(here: World) -> None:
    """Too early: the reason says where the case is."""
    await here.faults(Fault(service="companies_house", kind=FaultKind.SLOW, seconds=4))
    handle = await here.start(case_file("unilever"))
    assert "no gate" in await refused(here, handle, "approve", "ana")


async def test_a_decision_by_signal_counts_and_its_refusal_can_be_read(here: World) -> None:
    """The handler checks; `refusals` tells what was wrong, also of a malformed message."""
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    await handle.signal("decide", {"verdict": "approve", "by": "sam"})
    await handle.signal("decide", {"verdict": "perhaps", "by": "ana"})
    answers = await here.until(handle, "refusals", lambda r: len(r) == 2)
    first, second = TypeAdapter(list[Refusal]).validate_python(answers)
    assert first.by == "sam"
    assert "four eyes" in first.reason
    assert "verdict" in second.reason
    await handle.signal("decide", {"verdict": "approve", "by": "ana"})
    assert (await here.result(handle)).outcome is CaseOutcome.APPROVE


async def test_a_strangers_reference_is_refused_and_a_second_one_ignored(here: World) -> None:
    """Only referees of the case answer, each once."""
    handle = await here.start(case_file("unilever"))
    reply = {"party_id": "nobody", "text": "They pay."}
    await handle.signal("reference_reply", reply)
    answers = await here.until(handle, "refusals", bool)
    assert "not a referee" in answers[0]["reason"]


async def test_conditions_become_part_of_the_record_and_the_account(here: World) -> None:
    """approve --condition LIMIT=10000 sets that limit."""
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    limit = [{"code": "LIMIT", "value": "10000"}]
    await here.decide(handle, "approve", "bo", conditions=limit)
    record = await here.result(handle)
    assert record.outcome is CaseOutcome.APPROVE_WITH_CONDITIONS
    assert [(c.code, c.value) for c in record.conditions] == [("LIMIT", "10000")]
    customer = (await here.http.get(f"/accounts/customers/{handle.id}")).json()
    assert str(customer["limit"]) == "10000"


async def test_more_asks_for_evidence_again_and_is_bounded(here: World) -> None:
    """A silent register answers in the second round; a round too many is refused."""
    await here.faults(Fault(service="companies_house", kind=FaultKind.DOWN))
    case = case_file("unilever")
    case = case.model_copy(update={"review": case.review.model_copy(update={"rounds": 1})})
    handle = await here.start(case)
    assert "analyst" in (await here.gate(handle)).needs
    await here.faults()
    await here.decide(handle, "more", "ana")
    gate = await here.gate(handle)
    assert "anybody" in gate.needs, "the gap is closed, so one quick approval is enough"
    assert "no more rounds" in await refused(here, handle, "more", "ana")
    await here.decide(handle, "approve", "ana")
    record = await here.result(handle)
    assert record.routing.route is Route.QUICK
    assert not [g for c in record.checks for g in c.gaps]
    assert [(d.by, d.verdict) for d in record.earlier] == [("ana", "more")]


async def test_more_may_ask_the_customer_whose_answer_becomes_evidence(here: World) -> None:
    """The simulated customer answers the mail; the checks with gaps and the review come again."""
    handle = await here.start(case_file("unilever"))
    gate = await here.gate(handle)
    assert gate.asks is not None
    assert "value does not fit" in await refused(here, handle, "more", "ana", value={"x": 1})
    wanted = {"questions": ["What are the goods for?"], "about": "existence"}
    await here.decide(handle, "more", "ana", value=wanted)
    await here.until(handle, "result_so_far", lambda known: known["narrative"] is not None)
    await here.until(handle, "branches", lambda b: any("information" in x["name"] for x in b))
    gate = await here.gate(handle)
    await here.decide(handle, "approve", "ana")
    record = await here.result(handle)
    [request] = record.information
    assert request.answered is not None
    assert request.document is not None
    existence = next(c for c in record.checks if c.check is Check.EXISTENCE)
    assert existence.evidence[-1].source == "customer"
    assert existence.evidence[-1].sha256 == request.document.sha256
    mails = [m for m in (await here.book())["mails"] if m["to"] == "customer@unilever.example"]
    assert [m["subject"] for m in mails] == ["Questions about your application", "Your application"]


async def test_a_listed_customer_is_asked_nothing(here: World) -> None:
    """The gate of a confirmed hit takes no questions: any would tip the customer off."""
    handle = await here.start(case_file("bank_saderat"))
    gate = await here.gate(handle)
    assert gate.asks is None
    wanted = {"questions": ["Who owns you?"]}
    assert "takes no value" in await refused(here, handle, "more", "mira", value=wanted)
    await here.decide(handle, "decline", "mira")
    assert (await here.result(handle)).information == ()


async def test_a_review_nobody_finishes_is_reminded_of_and_referred(here: World) -> None:
    """A reminder goes out at the interval; the deadline refers, it never approves.

    Many intervals are lived through in tests/timeskip, where no machine is too slow for them.
    """
    case = case_file("unilever")
    times = {"deadline": timedelta(seconds=5), "reminder": timedelta(seconds=2.6)}
    case = case.model_copy(update={"review": case.review.model_copy(update=times)})
    handle = await here.start(case)
    record = await here.result(handle)
    assert record.outcome is CaseOutcome.REFER
    assert any("REVIEW" in r for r in record.reasons)
    assert (await here.book())["chats"] == 1


async def test_references_by_the_deadline_are_a_gap_when_too_few(here: World) -> None:
    """Two needed, one conclusive: the check is inconclusive, its gap says so."""
    case = case_file("unilever")
    mails = {"trade-2": "silent@a.example", "bank-1": "silent@b.example"}
    referees = tuple(
        r.model_copy(update={"mail": mails.get(r.party_id, r.mail)})
        for r in case.references.referees
    )
    plan = {"referees": referees, "deadline": timedelta(seconds=6)}
    case = case.model_copy(update={"references": case.references.model_copy(update=plan)})
    record = await here.settled(case, ("approve", "ana"))
    gaps = [g.reason for c in record.checks for g in c.gaps]
    assert any(g.startswith("1 of 2 conclusive references") for g in gaps)
    assert record.routing.route is Route.ANALYST


async def test_cancel_during_the_checks_leaves_nothing_half_done(here: World) -> None:
    """Branches are cancelled; no customer, no account."""
    await here.faults(Fault(service="openai", kind=FaultKind.SLOW, seconds=30))
    handle = await here.start(case_file("unilever"))
    await here.until(handle, "branches", lambda b: any(x["name"] == "references" for x in b))
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    branches = TypeAdapter(list[BranchView]).validate_python(await handle.query("branches"))
    assert BranchState.CANCELLED in {b.state for b in branches}
    assert (await here.http.get(f"/accounts/customers/{handle.id}")).status_code == 404


async def test_cancel_during_onboarding_undoes_it(here: World) -> None:
    """The saga is undone in reverse although the case is being cancelled."""
    slow = Fault(service="accounts", kind=FaultKind.SLOW, seconds=30, times=1)
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    await here.faults(slow)
    await here.decide(handle, "approve", "ana")
    await here.until(handle, "branches", lambda b: b[-1]["name"] == "onboarding")
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    customer = await here.http.get(f"/accounts/customers/{handle.id}")
    assert customer.status_code == 404
