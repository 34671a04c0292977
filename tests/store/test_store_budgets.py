"""Budgets: never more is promised than there is, and what was spent is exact."""

import asyncio
from decimal import Decimal
from random import Random

import pytest

from store.budgets import Budgets, BudgetShort, BudgetUnknown, Charge
from store.database import Store
from workflows.data.budget import Amounts, BudgetOrder

SCOPE = "dd-1"
ORDER = BudgetOrder(name="case", usd=Decimal("0.10"))


def charge(usd: str, tokens: int = 0, name: str = "case") -> tuple[Charge, ...]:
    return (Charge(SCOPE, name, Amounts(usd=Decimal(usd), tokens=tokens, calls=1)),)


@pytest.fixture
def budgets(store: Store) -> Budgets:
    return Budgets(store)


async def hold(store: Store, budgets: Budgets, claim: int, charges: tuple[Charge, ...]) -> None:
    async with store.writing() as connection:
        await budgets.check(connection, charges)
        await budgets.hold(connection, claim, charges)


async def test_what_is_held_is_not_promised_twice_and_what_was_not_spent_comes_back(
    store: Store, budgets: Budgets
) -> None:
    await budgets.open(SCOPE, ORDER)
    await hold(store, budgets, 1, charge("0.06"))
    with pytest.raises(BudgetShort, match=r"'case' has 0.04 usd left, the call needs 0.05"):
        await hold(store, budgets, 2, charge("0.05"))
    async with store.writing() as connection:
        await budgets.settle(connection, 1, Amounts(usd=Decimal("0.000123456"), tokens=9, calls=1))
    await hold(store, budgets, 2, charge("0.05"))
    view = await budgets.view(SCOPE, "case")
    assert view is not None
    assert (view.spent.usd, view.spent.tokens, view.spent.calls) == (Decimal("0.000123456"), 9, 1)
    assert (view.held.usd, view.held.calls) == (Decimal("0.05"), 1)
    left = view.left("usd")
    assert left is not None
    assert left.left == Decimal("0.049876544")


async def test_a_refused_call_costs_nothing_and_a_lost_one_may_have_been_billed(
    store: Store, budgets: Budgets
) -> None:
    await budgets.open(SCOPE, ORDER)
    for claim, unclear in ((1, False), (2, True)):
        await hold(store, budgets, claim, charge("0.03", 100))
        async with store.writing() as connection:
            await budgets.release(connection, claim, unclear=unclear)
    view = await budgets.view(SCOPE, "case")
    assert view is not None
    assert (view.unclear, view.held) == (
        Amounts(usd=Decimal("0.03"), tokens=100, calls=1),
        Amounts(),
    )


@pytest.mark.parametrize(
    ("order", "asked", "unit"),
    [
        (BudgetOrder(name="case", tokens=99), charge("0", 100), "tokens"),
        (BudgetOrder(name="case", calls=1, usd=Decimal(9)), charge("0"), "calls"),
    ],
)
async def test_tokens_and_calls_are_bounded_too(
    store: Store, budgets: Budgets, order: BudgetOrder, asked: tuple[Charge, ...], unit: str
) -> None:
    await budgets.open(SCOPE, order)
    if unit == "calls":
        await hold(store, budgets, 1, asked)
    with pytest.raises(BudgetShort) as caught:
        await hold(store, budgets, 2, asked)
    assert caught.value.unit == unit


async def test_a_budget_that_was_not_opened_is_named(store: Store, budgets: Budgets) -> None:
    with pytest.raises(BudgetUnknown, match="'case' was not opened"):
        await hold(store, budgets, 1, charge("0.01"))
    assert await budgets.view(SCOPE, "case") is None


async def test_opened_anew_it_allows_more_and_keeps_what_was_spent(
    store: Store, budgets: Budgets
) -> None:
    await budgets.open(SCOPE, ORDER)
    await hold(store, budgets, 1, charge("0.10"))
    view = await budgets.open(SCOPE, BudgetOrder(name="case", usd=Decimal(1)))
    assert (view.usd, view.held.usd) == (Decimal(1), Decimal("0.1"))


async def test_many_at_once_never_overspend(store: Store) -> None:
    """Calls cost at most what is set aside for them, so the budget holds in every order."""
    seed = 11
    chance = Random(seed)  # noqa: S311
    budgets = (Budgets(store), Budgets(store))
    await budgets[0].open(SCOPE, ORDER)
    short = 0

    async def call(claim: int) -> None:
        nonlocal short
        mine, worst = budgets[claim % 2], Decimal(chance.randint(1, 30)) / 1000
        try:
            await hold(store, mine, claim, charge(str(worst)))
        except BudgetShort:
            short += 1
            return
        cost = worst * chance.randint(0, 100) / 100
        async with store.writing() as connection:
            await mine.settle(connection, claim, Amounts(usd=cost, tokens=1, calls=1))

    await asyncio.gather(*(call(n) for n in range(60)))
    view = await budgets[1].view(SCOPE, "case")
    assert view is not None
    assert view.spent.usd <= ORDER.usd, f"seed {seed}"  # type: ignore[operator]
    assert view.spent.calls + short == 60
    assert short > 0
    assert view.held == Amounts()
