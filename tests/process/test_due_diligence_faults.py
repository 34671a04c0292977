"""Each fault of a source or vendor becomes the right outcome; a gap is never a pass."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from simulator.config import Fault, FaultKind, SimulatorConfig
from store.budgets import Budgets
from store.journal import Journal
from store.ledger import Ledger
from tests.support.world import SPEED, World, case_file, world
from workflows.data.decision import DecisionRecord
from workflows.data.due_diligence import CaseOutcome, Onboarding, Route, Tier
from workflows.data.findings import Check, CheckOutcome

pytestmark = pytest.mark.server

BROKEN = [
    FaultKind.DOWN,
    FaultKind.ERROR,
    FaultKind.RATE_LIMITED,
    FaultKind.NONSENSE,
    FaultKind.DROP,
]


def check_of(record: DecisionRecord, check: Check) -> CheckOutcome:
    """Give a check's outcome."""
    return next(c for c in record.checks if c.check is check).outcome


def fallback_of(record: DecisionRecord, check: Check) -> str:
    """Give the fallback a check names."""
    return next(c for c in record.checks if c.check is check).fallback


@pytest.mark.parametrize("kind", BROKEN, ids=str)
async def test_a_silent_register_is_never_clear(here: World, kind: FaultKind) -> None:
    """The LEI record substitutes, by name, and leaves a gap."""
    await without_a_register(here, kind)


async def test_a_hanging_register_is_never_clear(address: str, tmp_path: Path) -> None:
    """Each attempt is given up in time; then it counts as silent. So may a mail be, on a busy day:
    then its referee is not waited for.
    """
    soon = case_file("unilever").references.model_copy(update={"deadline": timedelta(seconds=5)})
    async with world(address, tmp_path, source_timeout=0.6) as here:
        await without_a_register(here, FaultKind.SLOW, references=soon)


async def without_a_register(here: World, kind: FaultKind, **changes: object) -> None:
    """Run a case while the register is broken, and check what became of it."""
    await here.faults(Fault(service="companies_house", kind=kind, retry_after=0, seconds=30))
    record = await here.settled(case_file("unilever", **changes), ("approve", "ana"))
    assert check_of(record, Check.EXISTENCE) is CheckOutcome.INCONCLUSIVE
    assert fallback_of(record, Check.EXISTENCE) == "lei_record"
    assert check_of(record, Check.CREDIT) in (
        CheckOutcome.UNAVAILABLE,
        CheckOutcome.INCONCLUSIVE,
    )
    assert record.routing.route is Route.ANALYST, "no quick approval with a gap"
    assert record.tier is Tier.MEDIUM


async def test_a_check_too_unsure_to_decide_by_is_made_again(address: str, tmp_path: Path) -> None:
    """Seed 7, the demo's: the model is unsure of a press item, and sure when asked once more."""
    errs = SimulatorConfig(seed=7, speed=SPEED, signal_attempts=1)
    async with world(address, tmp_path, config=errs) as here:
        handle = await here.start(case_file("unilever"))
        gate = await here.gate(handle)
        branches = {b["name"] for b in await handle.query("branches")}
        assert "media-round-1" in branches
        await here.decide(handle, "approve", gate.may_decide[0])
        record = await here.result(handle)
    assert record.routing.route is Route.QUICK


async def test_a_search_out_of_quota_falls_back_to_the_list_file(here: World) -> None:
    """OpenSanctions' monthly quota is not retried; the list file still finds Saderat."""
    await here.faults(Fault(service="opensanctions", kind=FaultKind.QUOTA))
    record = await here.settled(case_file("bank_saderat"), ("decline", "mira"))
    assert fallback_of(record, Check.SANCTIONS) == "ofac_list"
    assert record.tier is Tier.PROHIBITED
    looked = 2 * 2 * (1 + len(record.parties))  # lists and exposure, in two rounds at most
    assert (await here.book())["requests"]["opensanctions"] <= looked, "never looped"


async def test_nobody_screened_means_four_eyes_not_clear(here: World) -> None:
    """Both lists down: the check is unavailable, the case fails closed."""
    await here.faults(
        Fault(service="opensanctions", kind=FaultKind.DOWN),
        Fault(service="ofac", kind=FaultKind.DOWN),
    )
    record = await here.settled(case_file("unilever"), ("approve", "ana"), ("refer", "bo"))
    assert check_of(record, Check.SANCTIONS) is CheckOutcome.UNAVAILABLE
    assert record.routing.route is Route.FOUR_EYES
    assert record.outcome is CaseOutcome.REFER, "the senior's word counts"


async def test_a_vendor_that_is_down_costs_only_its_own_turn(here: World) -> None:
    """Gemini down: the roles' second models answer; everything is read."""
    await here.faults(Fault(service="gemini", kind=FaultKind.QUOTA))
    record = await here.settled(case_file("unilever"), ("approve", "ana"))
    assert {c.outcome for c in record.checks} <= {CheckOutcome.CLEAR, CheckOutcome.NOT_APPLICABLE}
    assert "gemini" not in (await here.book())["billed"]


@pytest.mark.parametrize("kind", [FaultKind.REFUSAL, FaultKind.TRUNCATED], ids=str)
async def test_an_unusable_answer_moves_on_to_the_next_model(here: World, kind: FaultKind) -> None:
    """A refusal or a cut answer is final for its model, not for the role."""
    await here.faults(Fault(service="anthropic", kind=kind))
    record = await here.settled(case_file("unilever"), ("approve", "ana"))
    assert record.narrative.model
    assert not record.narrative.model.startswith("claude")


async def test_without_any_model_the_rules_decide_who_reviews(here: World) -> None:
    """All vendors down: rules only, narrative by rules, references unread, nothing paid."""
    vendors = ("openai", "anthropic", "gemini")
    await here.faults(*(Fault(service=v, kind=FaultKind.QUOTA) for v in vendors))
    case = case_file("carbo_ceramics")
    record = await here.settled(case, ("decline", "ana"), ("decline", "bo"))
    assert record.narrative.model == ""
    assert record.outcome is CaseOutcome.DECLINE
    assert check_of(record, Check.REFERENCES) is CheckOutcome.INCONCLUSIVE
    assert record.usd == Decimal(0)


async def test_a_case_keeps_to_its_budget_by_cheaper_models_and_then_by_rules(here: World) -> None:
    """No question to the analyst can be paid for: cheaper roles answer, else rules alone."""
    budget = Decimal("0.0060")
    # Who could not be read for lack of money is no reference; the slow one answers in days.
    soon = {**case_file("unilever").references.model_dump(), "deadline": timedelta(seconds=3)}
    case = case_file("unilever", models={"budget_usd": budget}, references=soon)
    handle = await here.start(case)
    await here.gate(handle)
    await here.decide(handle, "refer", "ana")
    record = await here.result(handle)
    measures = await handle.query("measures")
    assert measures, "nothing ran short"
    assert {m["kind"] for m in measures} == {"cheaper_role"}
    # What the deadline gave up while a model read it is paid a moment later.
    while (view := await Budgets(here.store).view(handle.id, "models")) and view.held.calls:
        continue
    assert view is not None
    # A reference that came too late to be waited for is paid, and none of the case's answers.
    assert Decimal(0) < record.usd <= view.spent.usd <= budget
    assert view.spent.calls > 0


async def test_a_budget_for_nothing_leaves_the_rules_and_is_no_pass(here: World) -> None:
    case = case_file("carbo_ceramics", models={"budget_usd": "0.0001"})
    record = await here.settled(case, ("decline", "ana"), ("decline", "bo"))
    assert (record.narrative.model, record.usd) == ("", Decimal(0))
    assert check_of(record, Check.REFERENCES) is CheckOutcome.INCONCLUSIVE


async def test_a_cut_connection_is_uncertain_and_listed(here: World) -> None:
    """A reply lost on the wire is asked for again, once billed each time, and listed."""
    await here.faults(Fault(service="openai", kind=FaultKind.DROP, times=1))
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    await here.decide(handle, "approve", "ana")
    await here.result(handle)
    journal = Journal(here.store)
    lost = [c for c in await journal.uncertain(handle.id) if c.vendor == "openai"]
    assert len(lost) == 1
    assert await journal.repeated_paid(handle.id) == 0


async def test_a_refused_step_of_onboarding_undoes_the_earlier_ones(here: World) -> None:
    """The account service refuses the limit: account and customer are undone in reverse."""
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    await here.faults(Fault(service="accounts", kind=FaultKind.ERROR, status=422, times=None))
    await here.decide(handle, "approve", "ana")
    record = await here.result(handle)
    assert record.outcome is CaseOutcome.APPROVE
    assert record.onboarding is Onboarding.UNDONE
    assert record.reasons[-1].startswith("ONBOARDING: undone")


async def test_what_cannot_be_undone_is_a_task_and_the_case_ends_when_it_is_settled(
    here: World,
) -> None:
    """The customer is made, then the account service refuses the account, and its removal too."""
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    refused = Fault(service="accounts", kind=FaultKind.ERROR, status=422)
    orders = ("open_account", "delete_customer")
    await here.faults(*(refused.model_copy(update={"body": f'"{order}"'}) for order in orders))
    await here.decide(handle, "approve", "ana")
    task = await here.gate(handle, "")
    assert "customer" in task.name
    assert "sam" not in task.may_decide, "the author decides nothing"
    await here.decide(handle, "done", "bo", gate=task.name)
    record = await here.result(handle)
    assert (record.onboarding, record.open_tasks) == (Onboarding.UNDONE, ())


async def test_a_failing_monitoring_step_leaves_no_customer_behind(here: World) -> None:
    """Steps done before the failure are undone; the ledger holds each effect once."""
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    await here.decide(handle, "approve", "ana")
    record = await here.result(handle)
    assert record.onboarding is Onboarding.DONE
    assert await Ledger(here.store).duplicates(handle.id) == 0
