"""The payment service: authorise, capture, void, refund, and `GET /payments/{number}`."""

from collections.abc import Mapping

from simulator.book import Book
from simulator.effects.plain import refuse
from simulator.exchange import Asked, Reply
from workflows.data.orders import PaymentAction, PaymentOrder, PaymentState

_MOVES: Mapping[PaymentAction, tuple[PaymentState, PaymentState]] = {
    PaymentAction.AUTHORISE: (PaymentState.NONE, PaymentState.AUTHORISED),
    PaymentAction.CAPTURE: (PaymentState.AUTHORISED, PaymentState.CAPTURED),
    PaymentAction.REFUND: (PaymentState.CAPTURED, PaymentState.REFUNDED),
}
"""From which state an action leads to which."""
DECLINED, LAPSED = "-declined", "-lapsed"
"""Ends of tokens: the bank declines; the authorisation has lapsed when it is captured."""


class Payments:
    """Payments by their number; `held` in the book says how each stands.

    A void of a payment nobody authorised holds: an authorisation that comes late is refused.
    """

    def __init__(self, book: Book) -> None:
        self._held = book.held.setdefault("payments", {})
        self._tokens: dict[str, str] = {}

    def subject(self, request: PaymentOrder) -> str:
        """Name the payment."""
        return request.payment

    def impossible(self, request: PaymentOrder) -> Reply | None:
        """Refuse what the payment's state or the customer's bank does not allow."""
        state = self._state(request.payment)
        token = request.token or self._tokens.get(request.payment, "")
        if request.action is PaymentAction.AUTHORISE and request.amount <= 0:
            return refuse(422, "amount must be above 0")
        if request.action is PaymentAction.AUTHORISE and token.endswith(DECLINED):
            return refuse(402, "declined by the customer's bank")
        if request.action is PaymentAction.CAPTURE and token.endswith(LAPSED):
            return refuse(402, "the authorisation has lapsed")
        if request.action is PaymentAction.VOID:
            settled = state in (PaymentState.CAPTURED, PaymentState.REFUNDED)
            return refuse(409, f"the payment is {state}; refund it") if settled else None
        if state is not _MOVES[request.action][0]:
            return refuse(409, f"the payment is {state}")
        return None

    def keep(self, request: PaymentOrder, reference: str) -> None:  # noqa: ARG002
        """Move the payment on."""
        void = request.action is PaymentAction.VOID
        after = PaymentState.VOIDED if void else _MOVES[request.action][1]
        self._held[request.payment] = after
        if request.token:
            self._tokens[request.payment] = request.token

    def show(self, asked: Asked) -> Reply:
        """Show how a payment stands."""
        number = asked.path.removeprefix("/payments/")
        return Reply(200, {"payment": number, "state": self._state(number)})

    def _state(self, number: str) -> PaymentState:
        return PaymentState(self._held.get(number, PaymentState.NONE))
