"""Hits in the process: judged by people while the checks go on, remembered by the next case."""

from typing import Any

import pytest

from tests.support.world import Handle, World, case_file, silent
from workflows.data.case_file import CaseFile
from workflows.data.common import BranchState, GateView
from workflows.data.decision import DecisionRecord
from workflows.data.due_diligence import CaseOutcome, Route, Tier
from workflows.data.findings import Check, CheckOutcome, Disposition

pytestmark = pytest.mark.server

SHEET = {"right_list": "yes", "same_type": "yes", "name_part": "all", "enough_identifiers": "yes"}
TRUE: dict[str, Any] = {
    "disposition": "true_match",
    "reason": "SEVERAL_MATCHES",
    "worksheet": SHEET | {"several_similarities": "yes"},
}
FALSE: dict[str, Any] = {
    "disposition": "false_positive",
    "reason": "COUNTRY_CONFLICT",
    "worksheet": SHEET | {"several_similarities": "no"},
    "comment": "another bank",
}


async def with_a_possible_hit(here: World, case: CaseFile | None = None) -> tuple[Handle, GateView]:
    """Start a clean company that took a listed bank's name, under which it is not numbered."""
    case = case or case_file("unilever")
    subject = case.subject.model_copy(update={"name": "FIRST EAST EXPORT BANK PLC"})
    handle = await here.start(case.model_copy(update={"subject": subject}))
    return handle, await here.gate(handle, "hit-")


async def ended(here: World, handle: Handle, verdict: str, *people: str) -> DecisionRecord:
    await here.gate(handle)
    for who in people:
        await here.decide(handle, verdict, who)
    return await here.result(handle)


async def test_a_false_positive_is_set_aside_and_the_next_case_asks_nobody(here: World) -> None:
    handle, gate = await with_a_possible_hit(here)
    assert gate.supplies is not None
    assert gate.suggested is not None
    assert gate.may_decide == ("ana", "bo", "mira"), "anybody but the author"
    await here.decide(handle, "supply", "ana", gate=gate.name, value=FALSE)
    record = await ended(here, handle, "refer", "ana", "bo")
    [hit] = record.hits
    assert (hit.disposition, hit.by) == (Disposition.FALSE_POSITIVE, ("ana",))
    screening = next(c for c in record.checks if c.check is Check.SANCTIONS)
    assert [f.disposition for f in screening.findings] == [Disposition.FALSE_POSITIVE]
    assert "set aside by ana" in screening.findings[0].summary

    again = case_file("unilever")
    subject = again.subject.model_copy(update={"name": "FIRST EAST EXPORT BANK PLC"})
    second = await here.start(again.model_copy(update={"subject": subject}))
    record = await ended(here, second, "refer", "ana", "bo")
    [hit] = record.hits
    assert hit.disposition is Disposition.FALSE_POSITIVE
    assert handle.id in hit.note


async def test_a_true_match_of_two_people_stops_the_references_and_prohibits(here: World) -> None:
    """The hit is judged while referees are still waited for, and before anything is summed up."""
    handle, gate = await with_a_possible_hit(here, silent(case_file("unilever")))
    answer = await here.decide(handle, "supply", "ana", gate=gate.name, value=TRUE)
    assert answer.settled
    second = await here.gate(handle, f"{gate.name}-second")
    assert "ana" not in second.may_decide
    await here.decide(handle, "supply", "bo", gate=second.name, value=TRUE)
    record = await ended(here, handle, "decline", "mira")
    assert (record.tier, record.routing.route) == (Tier.PROHIBITED, Route.COMPLIANCE)
    assert record.outcome is CaseOutcome.DECLINE
    references = next(c for c in record.checks if c.check is Check.REFERENCES)
    assert references.outcome is CheckOutcome.NOT_APPLICABLE
    branches = {b["name"]: b["state"] for b in await handle.query("branches")}
    assert branches[Check.REFERENCES] == BranchState.CANCELLED
    assert not [m for m in (await here.book())["mails"] if "customer" in m["to"]]


async def test_a_hit_on_a_party_is_judged_while_its_screening_and_the_case_go_on(
    here: World,
) -> None:
    """The screening is a child; its hit is asked about by the case, and set aside there."""
    case = case_file("unilever").model_dump()
    named = {
        "party_id": "owner-1",
        "kind": "Company",
        "name": "FIRST EAST EXPORT BANK PLC",
        "role": "owner",
    }
    case["parties"] = [named]
    handle = await here.start(CaseFile.model_validate(case))
    gate = await here.gate(handle, "hit-")
    assert "owner-1" in gate.question
    await here.decide(handle, "supply", "bo", gate=gate.name, value=FALSE)
    record = await ended(here, handle, "refer", "bo")
    [hit] = record.hits
    assert (hit.party_id, hit.disposition) == ("owner-1", Disposition.FALSE_POSITIVE)
    screened = [c for c in record.checks if c.party_id == "owner-1" and c.findings]
    assert [f.disposition for c in screened for f in c.findings] == [Disposition.FALSE_POSITIVE]


async def test_a_case_beyond_doubt_goes_straight_through_if_the_policy_says_so(
    here: World,
) -> None:
    case = case_file("unilever")
    review = case.review.model_copy(update={"straight_through": True})
    handle = await here.start(case.model_copy(update={"review": review}))
    record = await here.result(handle)
    assert (record.outcome, record.routing.route) == (CaseOutcome.APPROVE, Route.STRAIGHT)
    [decided] = record.decided_by
    assert decided.by == "policy"
    assert "dd-2026" in decided.comment
