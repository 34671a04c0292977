"""Shipping labels of an order, one for each parcel."""

from functools import partial

from workflows.calls import LABEL, ask
from workflows.data.orders import LabelAction, LabelOrder, OrderCase
from workflows.patterns.saga import Saga


class Labels:
    """Labels under numbers of our own: those of the order, and 1, 2, ..."""

    def __init__(self, order: OrderCase, number: str, saga: Saga) -> None:
        self.order, self.number, self.saga = order, number, saga

    async def make(self, place: int, grams: int) -> str:
        """Make the label of the parcel at that place and give its number."""
        label = f"{self.number}-{place}"
        make = LabelOrder(action=LabelAction.MAKE, label=label, to=self.order.customer, grams=grams)
        void = LabelOrder(action=LabelAction.VOID, label=label)
        await self.saga.step(
            f"label {place}",
            partial(ask, LABEL, make),
            partial(ask, LABEL, void),
            group="ready",
            how=f"void {label}",
        )
        return label
