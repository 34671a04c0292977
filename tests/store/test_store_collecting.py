"""Garbage collection: closed cases lose what nobody needs, running and recent ones nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from store.answers import AnswerBook, KeptAnswer
from store.batches import Batches, BatchItem, new_batch
from store.budgets import Budgets, Charge
from store.collecting import Collector
from store.database import Store
from store.journal import Claim, Journal
from tests.store.test_store_budgets import ORDER
from tests.store.test_store_journal import ENTRY, REPLY
from workflows.data.budget import Amounts
from workflows.data.llm import ModelRef

HOUR = timedelta(hours=1)


async def case(store: Store, scope: str) -> None:
    journal = Journal(store)
    claim = await journal.claim(replace(ENTRY, key=f"k-{scope}", scope=scope))
    assert isinstance(claim, Claim)
    await journal.settle(claim, REPLY)
    budgets, charge = Budgets(store), Charge(scope, ORDER.name, Amounts(calls=1))
    await budgets.open(scope, ORDER)
    async with store.writing() as connection:
        await budgets.hold(connection, claim.id, [charge])
    kept = KeptAnswer(f"a-{scope}", scope, "", "ask_model", "w", value="{}")
    await AnswerBook(store).keep(kept)
    model = ModelRef(vendor="openai", model="m")
    items = [BatchItem("one", f"k-{scope}", "Answer")]
    await Batches(store).claim(new_batch(f"b-{scope}", scope, model, items, store.clock()), {})


async def later(store: Store, hours: float) -> None:
    """Move the store's clock, a second a look."""
    for _ in range(int(hours * 3600)):
        store.clock()


@pytest.mark.parametrize("dry", [False, True])
async def test_old_closed_cases_lose_their_replies_and_keep_their_costs(
    store: Store, dry: bool
) -> None:
    for scope in ("old", "running"):
        await case(store, scope)
    await later(store, 2)
    await case(store, "new")
    found = await Collector(store).collect(HOUR, {"running"}, dry=dry)
    assert (found.scopes, found.replies, found.answers) == (1, 1, 1)
    assert found.bytes == len(REPLY.body)
    journal = Journal(store)
    assert (await journal.read("k-old") is None) is not dry
    assert await journal.read("k-new") == await journal.read("k-running") == REPLY
    batches = Batches(store)
    assert (await batches.read("b-old") is None) is not dry
    assert (await batches.read("b-running")) is not None
    held = [(await Budgets(store).open(scope, ORDER)).held.calls for scope in ("old", "running")]
    assert held == [1 if dry else 0, 1]
    (row,) = await journal.calls("old")
    assert row.usd == REPLY.usd
    again = await Collector(store).collect(HOUR, {"running"}, dry=dry)
    assert again.scopes == (1 if dry else 0)


async def test_a_store_without_cases_has_nothing_to_collect(store: Store) -> None:
    found = await Collector(store).collect(HOUR, ())
    assert (found.scopes, found.replies, found.bytes, found.answers) == (0, 0, 0, 0)
