"""The carrier: makes shipping labels and voids them."""

from simulator.book import Book
from simulator.effects.plain import refuse
from simulator.exchange import Asked, Reply
from workflows.data.orders import LabelAction, LabelOrder

HEAVIEST = 31_500
"""Grams of a parcel."""


class Labels:
    """Labels by their number. One that was voided is never made, however late the order comes."""

    def __init__(self, book: Book) -> None:
        self._held = book.held.setdefault("carrier", {})

    def subject(self, request: LabelOrder) -> str:
        """Name the label."""
        return request.label

    def impossible(self, request: LabelOrder) -> Reply | None:
        """Refuse a label without address, too heavy, or there already."""
        if request.action is LabelAction.VOID:
            return None
        if request.to is None or request.grams <= 0:
            return refuse(422, "to and grams are required")
        if request.grams > HEAVIEST:
            return refuse(422, f"a parcel weighs at most {HEAVIEST} g, not {request.grams}")
        state = self._held.get(request.label)
        return refuse(409, f"the label is {state}") if state else None

    def keep(self, request: LabelOrder, reference: str) -> None:  # noqa: ARG002
        """Make or void the label."""
        self._held[request.label] = "voided" if request.action is LabelAction.VOID else "made"

    def show(self, asked: Asked) -> Reply:  # noqa: ARG002
        """Show nothing: labels are not looked up."""
        return refuse(404, "not found")
