"""A budget of the case: what a shortage leads to, and that every try has its measure."""

from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest

from tests.patterns.gating import decides, spec
from tests.patterns.virtual import run
from workflows.calls import OPEN_BUDGET, READ_BUDGET, Call, open_door
from workflows.data.budget import Amounts, BudgetOrder, BudgetView
from workflows.data.common import Record
from workflows.data.degrade import MeasureKind, Shortage, Taken
from workflows.errors import BudgetSpent, Misuse
from workflows.patterns.budget import CaseBudget
from workflows.patterns.degrade import (
    Degrade,
    Degrading,
    ask_people,
    below,
    cheaper_role,
    skip_branch,
)
from workflows.patterns.gate import GateResult, GateSpec

PRICES = {"analyst": Decimal(6), "cheap": Decimal(1)}
CHEAPER = below(Shortage.BUDGET, cheaper_role("analyst", use="cheap"), share=0.2)


class Till:
    """Stands in for the store: one budget, and what was spent of it."""

    def __init__(self) -> None:
        self.order: BudgetOrder | None = None
        self.spent, self.asked = Decimal(0), list[str]()

    async def door(self, call: Call[Any, Any], request: Any) -> Record:
        if call is OPEN_BUDGET:
            self.order = request
        assert call in (OPEN_BUDGET, READ_BUDGET)
        assert self.order is not None
        return BudgetView(**self.order.model_dump(), spent=Amounts(usd=self.spent))

    async def pay(self, role: str) -> str:
        """Ask a role, as a model call that names the budget does."""
        assert self.order is not None
        assert self.order.usd is not None
        left = self.order.usd - self.spent
        if left < PRICES[role]:
            told = {"unit": "usd", "left": str(left), "needed": str(PRICES[role])}
            raise BudgetSpent(f"{left} left", told)
        self.spent += PRICES[role]
        self.asked.append(role)
        return role


def spend(till: Till, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    async def inside() -> Any:
        with open_door(till.door):
            return await work()

    return run(inside())


def budget(usd: int, *rules: Any, open_gate: Any = None, **more: Any) -> CaseBudget:
    policy = Degrading(Degrade("money", rules), open_gate) if rules else None
    return CaseBudget(BudgetOrder(name="case", usd=Decimal(usd)), policy, **more)


def times(made: CaseBudget, till: Till, number: int) -> Callable[[], Coroutine[Any, Any, None]]:
    async def work() -> None:
        await made.open()
        for _ in range(number):
            await made.paying("analyst", till.pay)

    return work


def test_the_cheaper_role_takes_over_where_the_next_call_would_overspend() -> None:
    till = Till()
    spend(till, times(budget(14, CHEAPER), till, 4))
    assert till.asked == ["analyst", "analyst", "cheap", "cheap"]
    assert till.spent == 14


def test_money_that_comes_free_after_a_shortage_does_not_hide_it() -> None:
    till, made = Till(), budget(10, CHEAPER)

    async def pay(role: str) -> str:
        till.spent += 5 if role == "analyst" else 0  # what another call has set aside
        try:
            return await till.pay(role)
        finally:
            till.spent -= 5 if role == "analyst" else 0

    async def work() -> None:
        await made.open()
        await made.paying("analyst", pay)

    spend(till, work)
    assert till.asked == ["cheap"]


def test_where_nothing_helps_the_shortage_is_told_with_its_figures() -> None:
    for made in (budget(7), budget(7, CHEAPER)):
        till = Till()
        with pytest.raises(BudgetSpent) as caught:
            spend(till, times(made, till, 4))
        assert caught.value.details[0]["unit"] == "usd"
        assert till.spent <= 7


def test_a_branch_the_policy_leaves_out_is_not_asked() -> None:
    till = Till()
    made = budget(6, below(Shortage.BUDGET, skip_branch("media"), share=0.5))

    async def work() -> None:
        await made.open()
        await made.paying("analyst", till.pay)
        await made.paying("analyst", till.pay, branch="media")

    with pytest.raises(BudgetSpent, match="branch 'media' is left out"):
        spend(till, work)
    assert till.asked == ["analyst"]


@pytest.mark.parametrize("more", [6, 0])
def test_people_are_asked_once_and_what_they_grant_pays(more: int) -> None:
    till, opened = Till(), list[str]()
    asks = below(Shortage.BUDGET, ask_people(spec("anybody", name="spend")), share=0.01)

    async def gate(given: GateSpec) -> GateResult:
        opened.append(given.name)
        return GateResult((decides("ann"),), timed_out=False)

    def granted(taken: Taken) -> BudgetOrder | None:
        assert (taken.kind, taken.decisions[0].by) == (MeasureKind.ASK, "ann")
        return BudgetOrder(name="case", usd=Decimal(6 + more)) if more else None

    made = budget(6, asks, open_gate=gate, granted=granted)
    if more:
        spend(till, times(made, till, 2))
    else:
        with pytest.raises(BudgetSpent):
            spend(till, times(made, till, 2))
    assert till.asked == ["analyst"] * (2 if more else 1)
    assert opened == ["spend"]


def test_a_grant_nobody_can_give_is_refused_when_built() -> None:
    with pytest.raises(Misuse, match="no rule of its policy asks people"):
        budget(6, CHEAPER, granted=lambda _: None)
