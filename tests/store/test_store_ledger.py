"""The ledger: one claim, its settlement, and what cannot be told."""

import pytest

from store.database import Store
from store.errors import StoreError
from store.ledger import Claimed, Ledger, LedgerState, Pending, Settled, Unclear

SCOPE = "dd-1"


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(store)


async def claim(ledger: Ledger, key: str = "k") -> object:
    return await ledger.claim(key, SCOPE, "mail", "request")


async def test_a_claim_is_given_once(ledger: Ledger) -> None:
    assert await claim(ledger) == Claimed("k")
    assert isinstance(await claim(ledger), Pending)
    assert await claim(ledger, "other") == Claimed("other")


async def test_a_settled_effect_stays_settled(ledger: Ledger) -> None:
    await claim(ledger)
    await ledger.settle("k", "ref-1")
    assert await claim(ledger) == Settled("k", "ref-1")
    await ledger.mark_unclear("k", "late doubt")
    await ledger.release("k")
    assert await claim(ledger) == Settled("k", "ref-1")


async def test_an_unclear_effect_stays_unclear_until_settled(ledger: Ledger) -> None:
    await claim(ledger)
    await ledger.mark_unclear("k", "cut off")
    assert await claim(ledger) == Unclear("k", "cut off")
    await ledger.release("k")
    assert await claim(ledger) == Unclear("k", "cut off")
    await ledger.settle("k", "ref-1")
    assert await claim(ledger) == Settled("k", "ref-1")


async def test_a_released_claim_may_be_made_anew(ledger: Ledger) -> None:
    await claim(ledger)
    await ledger.release("k")
    assert await ledger.effects(SCOPE) == []
    assert await claim(ledger) == Claimed("k")


async def test_a_key_serves_one_request(ledger: Ledger) -> None:
    await claim(ledger)
    with pytest.raises(StoreError, match="claimed for another request"):
        await ledger.claim("k", SCOPE, "mail", "another request")


async def test_the_report_lists_effects_in_order(ledger: Ledger) -> None:
    for key in ("c", "b", "a"):
        await claim(ledger, key)
    await ledger.settle("b", "ref")
    await ledger.mark_unclear("a", "why")
    rows = await ledger.effects(SCOPE)
    assert [(r.key, r.state, r.reference, r.why) for r in rows] == [
        ("c", LedgerState.CLAIMED, "", ""),
        ("b", LedgerState.DONE, "ref", ""),
        ("a", LedgerState.UNCLEAR, "", "why"),
    ]
    assert (rows[0].closed_at, rows[1].closed_at is not None) == (None, True)


async def test_duplicates_are_counted_by_the_other_sides_references(ledger: Ledger) -> None:
    await claim(ledger)
    await ledger.settle("k", "ref-1")
    await ledger.settle("k", "ref-1")
    assert await ledger.duplicates(SCOPE) == 0
    await ledger.settle("k", "ref-2")
    await ledger.settle("k", "ref-3")
    assert await ledger.duplicates(SCOPE) == 2
    assert await ledger.duplicates("other") == 0
