"""The customer is told once how an order ended; if that is unclear, a person sees to it."""

from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import MAIL, ask
from workflows.data.common import Verdict
from workflows.data.effects import EffectState, MailOrder
from workflows.data.orders import OrderCase, OrderOutcome
from workflows.errors import reason
from workflows.patterns.tasks import Tasks


class Notices:
    """Mails to the customer of one order; `by_hand` lists those a person saw to."""

    def __init__(self, order: OrderCase, tasks: Tasks) -> None:
        self.order, self.tasks = order, tasks
        self.by_hand: tuple[str, ...] = ()

    async def tell(self, outcome: OrderOutcome, subject: str, body: str) -> None:
        """Mail at most once; what was not sent, or may not have been, becomes a task."""
        customer = self.order.customer
        mail = MailOrder(
            template=outcome,
            party_id=customer.party_id,
            to=customer.mail,
            subject=subject,
            body=body,
        )
        try:
            receipt = await ask(MAIL, mail)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            await self._by_hand(outcome, f"was not sent ({reason(error)})")
            return
        if receipt.state is EffectState.UNCLEAR:
            await self._by_hand(outcome, "may not have been sent")

    async def _by_hand(self, outcome: OrderOutcome, why: str) -> None:
        """Ask until somebody says that the customer was told."""
        name = f"tell the customer {outcome.replace('_', ' ')}"
        question = (
            f"The mail {outcome} to the customer {why}. Look whether it came; tell the customer"
            " otherwise, then say done."
        )
        while (said := await self.tasks.ask(name, question, (Verdict.DONE,))) is None:
            pass
        self.by_hand += (f"{name}: {said.by}",)
