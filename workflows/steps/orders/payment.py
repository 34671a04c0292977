"""The payment of an order: authorised, captured at the end; given back however it stands."""

from functools import partial

from temporalio.exceptions import ActivityError

from workflows.calls import PAYMENT, PAYMENT_STATE, ask
from workflows.data.effects import EffectReceipt
from workflows.data.orders import (
    OrderCase,
    PaymentAction,
    PaymentOrder,
    PaymentQuery,
    PaymentState,
)
from workflows.errors import UndoFailed
from workflows.patterns.saga import Saga, was_refused

LOOKS = 3
"""How often the state is looked up until giving back goes through: a capture may overtake it."""


class Payment:
    """One payment, under a number of our own: it can be looked up though no answer came."""

    def __init__(self, order: OrderCase, number: str, saga: Saga) -> None:
        self.order, self.number, self.saga = order, number, saga

    async def authorise(self) -> None:
        """Have the amount set aside. Its undo also takes back a capture."""
        payment = self.order.payment
        request = PaymentOrder(
            action=PaymentAction.AUTHORISE,
            payment=self.number,
            token=payment.token,
            amount=self.order.amount,
            currency=payment.currency,
        )
        how = f"void or refund payment {self.number}"
        await self.saga.step(
            "payment", partial(ask, PAYMENT, request), self.give_back, group="ready", how=how
        )

    async def capture(self) -> None:
        """Take the money. Whether that worked is found out when the payment is given back."""
        await self._order(PaymentAction.CAPTURE)

    async def give_back(self) -> None:
        """Find out how the payment stands, then void or refund it."""
        for _ in range(LOOKS):
            found = await ask(PAYMENT_STATE, PaymentQuery(payment=self.number))
            if found.state in (PaymentState.VOIDED, PaymentState.REFUNDED):
                return
            captured = found.state is PaymentState.CAPTURED
            try:
                await self._order(PaymentAction.REFUND if captured else PaymentAction.VOID)
            except ActivityError as error:
                if not was_refused(error):
                    raise
            else:
                return
        raise UndoFailed(f"payment {self.number} changed at each of {LOOKS} looks; look it up")

    async def _order(self, action: PaymentAction) -> EffectReceipt:
        return await ask(PAYMENT, PaymentOrder(action=action, payment=self.number))
