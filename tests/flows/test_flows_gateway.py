"""The gateway for real: workers that die in mid-call, and branches that share a budget."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from simulator.config import Fault, FaultKind, SimulatorConfig
from store.budgets import Budgets
from store.database import Store
from tests.flows import gateway_world
from tests.flows.gateway import MODELS, Counted, Family, Many, Shared, SharedBudget, Sharing
from tests.support.flows import killable
from tests.support.killing import WORLD, killed_every, simulated
from workflows.data.common import ORIGIN_HEADER
from workflows.data.degrade import MeasureKind
from workflows.grades import GRADE, Grade

pytestmark = pytest.mark.server

SOAK = os.environ.get("BRAID_SOAK") == "1"


@pytest.mark.parametrize("grade", Grade)
async def test_workers_that_die_repeat_no_reply_and_lose_none(
    address: str, tmp_path: Path, grade: Grade
) -> None:
    """Two worker processes, one killed after the other while all questions are under way."""
    cases = [Many(case=f"c-{n}", calls=100 if SOAK else 12, at_once=8) for n in range(10)]
    tally = await killed_every(
        address, tmp_path, cases, seconds=1.0, kills=60 if SOAK else 5, grade=grade
    )
    assert tally.answers == tally.calls
    assert tally.repeated == 0
    assert tally.uncertain <= sum(tally.in_flight)
    assert tally.billed <= tally.calls + tally.uncertain
    assert sum(tally.in_flight) > 0, f"no kill hit a call: {tally}"


@pytest.mark.parametrize("grade", Grade)
async def test_branches_share_a_budget_and_go_over_to_the_cheaper_role(
    address: str, tmp_path: Path, grade: Grade
) -> None:
    worst = Decimal("0.00125")  # of one question to the analyst: prompt, and 200 tokens at $5
    given = Sharing(case="b", branches=10, usd=worst * 5)
    config = SimulatorConfig(seed=7, speed=100.0, error_rate=0)
    # So slow that all have come, and the money is held, before the first answer frees any.
    slow = Fault(service="openai", kind=FaultKind.SLOW, model=MODELS["analyst"].model, seconds=1)
    async with simulated(tmp_path, config) as control, killable(address, WORLD, tmp_path) as here:
        await control.put("/_simulator/faults", json=[slow.model_dump(mode="json")])
        memo = {GRADE: grade}
        shared = Shared.model_validate(await here.flows.run(SharedBudget, given, memo=memo))
    assert shared.by_analyst + shared.by_cheap == 10
    assert shared.refused == 0
    assert 0 < shared.by_analyst < 10
    spent = shared.budget.spent
    assert spent.usd <= given.usd
    assert (spent.calls, shared.budget.held.calls, shared.budget.unclear.calls) == (10, 0, 0)
    (taken,) = shared.taken
    assert (taken.kind, taken.subject, taken.instead) == (MeasureKind.ROLE, "analyst", "cheap")


@pytest.mark.parametrize("grade", Grade)
async def test_children_and_later_runs_pay_from_the_budget_and_read_what_an_origin_paid(
    address: str, tmp_path: Path, grade: Grade
) -> None:
    given = Many(case="f", calls=3, at_once=3, budget="case", hops=1)
    config = SimulatorConfig(seed=7, speed=100.0, error_rate=0)
    async with simulated(tmp_path, config) as control, killable(address, WORLD, tmp_path) as here:

        async def counted(case: str, given: Many, **memo: str) -> Counted:
            marks = {GRADE: grade, **memo}
            return Counted.model_validate(
                await here.flows.run(Family, given, id=f"{case}-{tmp_path.name}", memo=marks)
            )

        parent = f"parent-{tmp_path.name}"
        assert await counted("parent", given) == Counted(answers=3, reused=0)
        more = given.model_copy(update={"calls": 4})
        forked = await counted("fork", more, **{ORIGIN_HEADER: parent})
        assert forked == Counted(answers=4, reused=3)
        book = (await control.get("/_simulator/book")).json()
    assert sum(book["billed"].values()) == 4
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}")
    view = await Budgets(store).view(parent, "case")
    await store.close()
    assert view is not None
    assert view.spent.calls == 3


def test_the_workflows_are_those_the_workers_serve() -> None:
    assert SharedBudget in gateway_world.WORKFLOWS
