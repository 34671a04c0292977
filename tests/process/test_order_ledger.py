"""Order fulfilment: whatever fails, before or after it took place, the ledger balances."""

import asyncio
from collections import Counter
from decimal import Decimal

import pytest

from tests.patterns.virtual import run
from tests.process.fulfilling import NUMBER, Shop, every_way, fulfilled, order
from tests.support.world import example
from workflows.data.orders import Choice, OrderCase, OrderOutcome
from workflows.rules.orders import Held, parcels

ONE, SPLIT = order(), example("order-fulfilment/split", OrderCase)
BOTH_SHIP = {"ship hamburg", "ship lyon"}
"""Lyon ships where Hamburg could not reserve."""


@pytest.mark.parametrize(
    ("given", "hows", "also", "fulfilled_in"),
    [
        (ONE, ("refused", "down", "lost"), BOTH_SHIP, 7),
        (order(stock={"choose": "first"}), ("down", "lost"), BOTH_SHIP, 5),
        (SPLIT, ("down", "lost"), {"make_label 2", "ship lyon", "ship gdansk"}, 1),
    ],
    ids=["cheapest", "first", "two parcels"],
)
def test_every_combination_of_failures_before_and_after_the_effect_balances(
    given: OrderCase, hows: tuple[str, ...], also: set[str], fulfilled_in: int
) -> None:
    """Every step that does something fails before it does, and after, its answer lost.

    An order is fulfilled in few of the ways: one of two warehouses is enough for one parcel.
    """
    outcomes, failed, lost = Counter[str](), set[str](), set[str]()
    for shop, result in every_way(given, hows):
        outcomes[str(result.outcome)] += 1
        failed |= {deed for deed, how in shop.wrong.items() if how}
        lost |= shop.lost
        try:
            shop.check(result)
        except AssertionError as unbalanced:
            raise AssertionError(f"{shop.wrong}: {shop.book.held}") from unbalanced
    assert failed == lost, "each of them took effect in some way though its answer was lost"
    assert failed >= {"authorise", "make_label 1", "capture", *also}
    assert outcomes[OrderOutcome.FULFILLED] == fulfilled_in


@pytest.mark.parametrize(
    "undo", ["void", "refund", "release hamburg", "release lyon", "void_label 1", "mail"]
)
@pytest.mark.parametrize("how", ["refused", "down", "lost"])
def test_an_undo_or_a_mail_that_fails_for_good_is_a_task_and_then_all_balances(
    undo: str, how: str
) -> None:
    capture = "lost" if undo == "refund" else "down"
    shop = Shop({"capture": capture, undo: how})
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
    table, mirror = "table-ash", "mirror-round"
    held = [
        Held("a", frozenset({table}), Decimal(3)),
        Held("b", frozenset({mirror}), Decimal(2)),
        Held("c", frozenset({mirror}), Decimal(1)),
        Held("d", frozenset()),
    ]
    assert [(p.warehouse, p.skus) for p in parcels(SPLIT, held)] == [
        ("c", (mirror,)),
        ("a", (table,)),
    ]
    both = Held("e", frozenset({table, mirror}), Decimal(9))
    assert [p.warehouse for p in parcels(SPLIT, [*held, both])] == ["e"], "one parcel, if it can be"
    assert parcels(SPLIT, held[1:]) == ()


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
