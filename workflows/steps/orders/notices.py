"""The customer is told once how an order ended; if that is unclear, a person sees to it."""

from workflows.data.effects import MailOrder
from workflows.data.orders import OrderCase, OrderOutcome
from workflows.patterns.notice import BY_MAIL, notify
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
        if (by := await notify(mail, self.tasks)) != BY_MAIL:
            self.by_hand += (f"tell {customer.party_id} {outcome}: {by}",)
