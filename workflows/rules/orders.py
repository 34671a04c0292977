"""Order fulfilment: what a warehouse can serve, who sends what, what the customer is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from workflows.data.orders import OrderCase, OrderLine, OrderOutcome, Parcel, StockView


@dataclass(frozen=True)
class Held:
    """What a warehouse has reserved, and the price of delivery from there."""

    warehouse: str
    skus: frozenset[str]
    delivery: Decimal = Decimal(0)


def to_reserve(order: OrderCase, view: StockView) -> tuple[OrderLine, ...]:
    """Give the lines to reserve at a warehouse: all, or (if they may be split) those it has."""
    there = tuple(line for line in order.lines if view.free.get(line.sku, 0) >= line.quantity)
    return there if order.stock.split or len(there) == len(order.lines) else ()


def serves_all(order: OrderCase, held: Held) -> bool:
    """Say whether every line is reserved there."""
    return len(held.skus) == len(order.lines)


def parcels(order: OrderCase, held: Sequence[Held]) -> tuple[Parcel, ...]:
    """Choose who sends what: next whoever has most of what is left, the cheapest of equals.

    `held` in the order of the policy's list, which breaks ties. Empty if a line is nowhere.
    """
    left, rest, chosen = [line.sku for line in order.lines], list(held), list[Parcel]()
    while left:
        best = min(rest, key=lambda h: (-len(h.skus & set(left)), h.delivery), default=None)
        if best is None or not best.skus & set(left):
            return ()
        rest.remove(best)
        chosen.append(
            Parcel(warehouse=best.warehouse, skus=tuple(s for s in left if s in best.skus))
        )
        left = [sku for sku in left if sku not in best.skus]
    return tuple(chosen)


def grams(order: OrderCase, skus: Sequence[str]) -> int:
    """Weigh the lines of some articles."""
    return sum(line.grams * line.quantity for line in order.lines if line.sku in skus)


def mail(order: OrderCase, outcome: OrderOutcome, sent: Sequence[Parcel]) -> tuple[str, str]:
    """Write subject and text of the mail that tells the customer the outcome."""
    match outcome:
        case OrderOutcome.FULFILLED:
            said = "; ".join(f"{', '.join(p.skus)} from {p.warehouse}, {p.label}" for p in sent)
            paid = f"{order.amount} {order.payment.currency}"
            return "Your order is on its way", f"On its way: {said}. We charged {paid}."
        case OrderOutcome.OUT_OF_STOCK:
            why = "An article is out of stock in all our warehouses."
        case OrderOutcome.DECLINED:
            why = "Your payment was not accepted."
        case _:
            why = "We could not send it for a reason of our own; we are sorry."
    return "Your order was not sent", f"{why} Nothing was charged. You may order again."
