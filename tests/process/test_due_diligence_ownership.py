"""Cases decided by structure or figures: what is found, who is screened, who must decide."""

import asyncio

import pytest

from insight.history.spans import SpanKind
from insight.report import report
from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World, case_file
from workflows.data.common import GateView
from workflows.data.decision import CaseSoFar
from workflows.data.due_diligence import CaseOutcome, Tier
from workflows.data.findings import Check, CheckOutcome, CheckResult, FindingCode
from workflows.data.information import Wanted

pytestmark = pytest.mark.server
F, O = FindingCode, CaseOutcome  # noqa: E741 - short in tables

FOUR_EYES = ["anybody", "senior"]
WANTED: dict[str, tuple[Tier, set[FindingCode], list[str], CaseOutcome]] = {
    "dmgt": (
        Tier.HIGH,
        {F.COMPLEX_STRUCTURE, F.TRUST_IN_CHAIN},
        FOUR_EYES,
        O.APPROVE_WITH_CONDITIONS,
    ),
    "rosneft_deutschland": (Tier.HIGH, {F.UNRESOLVED_CONTROL}, FOUR_EYES, O.REFER),
    "snowflake": (
        Tier.MEDIUM,
        {F.CREDIT_MODEL_ALARM},
        ["analyst"],
        O.APPROVE_WITH_CONDITIONS,
    ),
    "wolfspeed": (Tier.HIGH, {F.INSOLVENCY_FILING}, FOUR_EYES, O.DECLINE),
}
"""Of each case its tier, what at least is found, who decides, and what is proposed."""


async def reviewed(here: World, name: str) -> tuple[Handle, GateView, CaseSoFar]:
    """Run a case up to its review."""
    handle = await here.start(case_file(name))
    gate = await here.gate(handle)
    return handle, gate, CaseSoFar.model_validate(await handle.query("result_so_far"))


def ownership(seen: CaseSoFar) -> CheckResult:
    """Give the check of ownership."""
    return next(c for c in seen.checks if c.check is Check.OWNERSHIP)


async def test_each_case_comes_to_the_tier_the_people_and_the_proposal_it_should(
    here: World,
) -> None:
    """The three other cases are decided to their ends in test_due_diligence.py."""
    runs = await asyncio.gather(*(reviewed(here, name) for name in WANTED))
    for (name, (tier, codes, needs, proposal)), (_, gate, seen) in zip(
        WANTED.items(), runs, strict=True
    ):
        assert seen.routing is not None, name
        found = {f.code for c in seen.checks if c.party_id == "subject" for f in c.findings}
        assert seen.routing.why.startswith(f"tier {tier},"), name
        assert found >= codes, name
        assert (sorted(gate.needs), gate.proposal) == (needs, proposal), name
        assert not ownership(seen).gaps, name


async def test_owners_are_screened_as_they_appear(here: World) -> None:
    """No barrier: in the history their screenings begin with the register's answer.

    Had they waited for other checks, the last of those would have been the news they began with.
    """
    handle, gate, seen = await reviewed(here, "dmgt")
    assert Wanted.model_validate(gate.suggested).about is Check.OWNERSHIP, "what to ask besides"
    owners = {f"owner-{n}" for n in range(1, 6)}
    assert owners <= {c.party_id for c in seen.checks if c.check is Check.SANCTIONS}
    history = await handle.fetch_history()
    ids = {
        e.event_id: e.start_child_workflow_execution_initiated_event_attributes.workflow_id
        for e in history.events
    }
    known = report(history)
    spans = {span.id: span for span in known.spans}
    begun = {
        ids[span.id].removeprefix(f"{handle.id}-"): {
            spans[e.cause].name for e in known.flow.edges if e.effect == span.id and e.cause
        }
        for span in known.spans
        if span.kind is SpanKind.CHILD
    }
    assert begun.keys() >= owners
    assert all("owners" in begun[owner] for owner in owners), begun


async def test_a_widely_held_company_is_clear(here: World) -> None:
    _, _, seen = await reviewed(here, "unilever")
    assert (ownership(seen).outcome, seen.parties) == (CheckOutcome.CLEAR, ())


async def test_parents_nobody_answers_for_are_no_missing_parents(here: World) -> None:
    """GLEIF gives 404 for the parents and for the reason why none are told: nothing is known."""
    await here.faults(Fault(service="gleif", kind=FaultKind.ERROR, status=404, path="-parent"))
    _, gate, seen = await reviewed(here, "rosneft_deutschland")
    assert {f.code for f in ownership(seen).findings} == {F.UNRESOLVED_CONTROL}
    assert (sorted(gate.needs), seen.parties) == (FOUR_EYES, ())
