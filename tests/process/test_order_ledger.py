"""Order fulfilment: whatever fails, before or after it took place, the ledger balances."""

import asyncio
from collections import Counter
from decimal import Decimal
from itertools import product

import pytest

from tests.patterns.virtual import run
from tests.process.fulfilling import DEEDS, NUMBER, Shop, fulfilled, order
from tests.support.world import example
from workflows.data.orders import Choice, OrderCase, OrderOutcome
from workflows.rules.orders import Held, parcels


def test_every_combination_of_failures_before_and_after_the_effect_balances() -> None:
    """All 3^6 of them; one that differs from another only in steps never reached is that one."""
    outcomes, seen = Counter[str](), list[dict[str, str]]()
    for hows in product(("", "down", "lost"), repeat=len(DEEDS)):
        wrong = dict(zip(DEEDS, hows, strict=True))
        if any(reached.items() <= wrong.items() for reached in seen):
            continue
        shop = Shop(wrong)
        result = run(fulfilled(shop, order()))
        seen.append({name: how for name, how in wrong.items() if name in shop.asked})
        outcomes[str(result.outcome)] += 1
        try:
            shop.check(result)
        except AssertionError as unbalanced:
            raise AssertionError(f"{wrong}: {shop.book.held}") from unbalanced
    assert outcomes[OrderOutcome.FULFILLED] == 5, "one of two warehouses is enough"
    assert outcomes[OrderOutcome.FAILED] > 50


@pytest.mark.parametrize(
    "undo", ["void", "release hamburg", "release lyon", "void_label 1", "mail"]
)
@pytest.mark.parametrize("how", ["refused", "down", "lost"])
def test_an_undo_or_a_mail_that_fails_for_good_is_a_task_and_then_all_balances(
    undo: str, how: str
) -> None:
    shop = Shop({"capture": "down", undo: how})
    result = run(fulfilled(shop, order()))
    shop.check(result)
    assert len(shop.tasks) == 1
    assert undo == "mail" or shop.tasks[0].startswith("undo ")


@pytest.mark.parametrize("choose", list(Choice))
def test_a_loser_whose_release_waits_for_a_person_does_not_hold_up_the_order(
    choose: Choice,
) -> None:
    """Lyon loses: Hamburg is cheaper, and under `first` quicker."""
    shop = Shop({"release lyon": "refused"})
    result = run(fulfilled(shop, order(stock={"choose": choose})))
    shop.check(result)
    assert (result.released, result.undone) == (("lyon",), ())
    assert shop.tasks == ["undo lyon/reserve"]
    tried_again = len(shop.asked) - 1
    assert shop.asked.index("mail") < tried_again
    assert shop.asked[tried_again] == "release lyon"


def test_who_sends_what_and_in_how_many_parcels() -> None:
    given = example("order-fulfilment/split", OrderCase)
    table, mirror = "table-ash", "mirror-round"
    held = [
        Held("a", frozenset({table}), Decimal(3)),
        Held("b", frozenset({mirror}), Decimal(2)),
        Held("c", frozenset({mirror}), Decimal(1)),
        Held("d", frozenset()),
    ]
    assert [(p.warehouse, p.skus) for p in parcels(given, held)] == [
        ("c", (mirror,)),
        ("a", (table,)),
    ]
    both = Held("e", frozenset({table, mirror}), Decimal(9))
    assert [p.warehouse for p in parcels(given, [*held, both])] == ["e"], "one parcel, if it can be"
    assert parcels(given, held[1:]) == ()


def test_cancelled_at_any_moment_nothing_half_done_remains() -> None:
    for half in range(1, 22):
        for slower in ({}, {"authorise": 9.0}, {"reserve lyon": 9.0}):
            shop, choose = Shop(slower=slower), (Choice.FIRST, Choice.CHEAPEST)[half % 2]
            given = order(stock={"choose": choose})
            try:
                result = run(fulfilled(shop, given, cancel_at=half / 2))
            except asyncio.CancelledError:
                result = None
            captured = shop.book.held["payments"].get(NUMBER) == "captured"
            assert (result is not None) == captured, (half, slower)
            shop.check(result)
