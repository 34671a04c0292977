"""How an order is fulfilled: everything ready at once, sent off, and only then paid for."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import PAYMENT
from workflows.data.orders import OrderCase, OrderOutcome, OrderResult, Parcel
from workflows.errors import reason
from workflows.patterns.clock import shielded
from workflows.patterns.saga import Saga, was_refused
from workflows.patterns.tasks import Tasks
from workflows.patterns.together import gather
from workflows.rules import orders as rules
from workflows.steps.orders.labels import Labels
from workflows.steps.orders.notices import Notices
from workflows.steps.orders.payment import Payment
from workflows.steps.orders.stock import NoWarehouse, OutOfStock, Stock

T = TypeVar("T")


class Host(Protocol):
    """What of the process the steps need."""

    async def branch(self, name: str, work: Callable[[], Awaitable[T]], /) -> T:
        """Run a named branch."""
        ...

    def enter(self, phase: str, outcome: str | None = None, /) -> None:
        """Say which phase the case is in."""
        ...


class Fulfilment:
    """One order, from authorising to the mail. `result` says at any time what is known.

    Every effect stands under a number of our own, made of `number`, the workflow's id: so it can
    be found out, and undone, though its answer was lost.
    """

    def __init__(self, host: Host, order: OrderCase, number: str, tasks: Tasks) -> None:
        self.host, self.order = host, order
        self.saga = Saga(tasks)
        self.payment = Payment(order, number, self.saga)
        self.stock = Stock(order, number, self.saga)
        self.labels = Labels(order, number, self.saga)
        self.notices = Notices(order, tasks)
        self._known = OrderResult(case=order.case, currency=order.payment.currency)

    @property
    def result(self) -> OrderResult:
        """Give what the order came to, so far."""
        undone = self.saga.undone
        released = tuple(f"{name}/" for name in self.stock.released)
        return self._known.model_copy(
            update={
                "released": self.stock.released,
                "undone": tuple(u.step for u in undone if not u.step.startswith(released)),
                "by_hand": (*(f"{u.step}: {u.by}" for u in undone if u.by), *self.notices.by_hand),
            }
        )

    async def run(self) -> OrderResult:
        """Fulfil the order, or undo exactly what was done; tell the customer either way."""
        telling: asyncio.Task[None] | None = None
        try:
            async with self.saga:
                sent = await self._send_off(*await self._get_ready())
                self.host.enter("capture")
                await self.host.branch("capture", self.payment.capture)
                self._end(OrderOutcome.FULFILLED, parcels=sent, paid=self.order.amount)
                telling = asyncio.ensure_future(self._tell())  # a loser's release may take days
        except (ActivityError, OutOfStock, NoWarehouse) as error:
            if is_cancelled_exception(error):
                raise
            self._end(_outcome_of(error), why=reason(error))
            await self._tell()
        finally:
            await shielded(self.stock.let_go())
            if telling is not None:
                await shielded(_ended(telling))
        return self.result

    async def _get_ready(self) -> tuple[tuple[Parcel, ...], str]:
        """Authorise, reserve and make the first label at once; the first failure ends the rest."""
        self.host.enter("payment, stock and label")
        most = rules.grams(self.order, [line.sku for line in self.order.lines])
        _, parcels, label = await gather(
            self.host.branch("payment", self.payment.authorise),
            self.host.branch("stock", self.stock.reserve),
            self.host.branch("label", partial(self.labels.make, 1, most)),
        )
        return parcels, label

    async def _send_off(self, parcels: tuple[Parcel, ...], label: str) -> tuple[Parcel, ...]:
        """Have every parcel packed at once; those beyond the first need labels of their own."""
        self.host.enter("shipping")

        async def send(place: int, parcel: Parcel) -> Parcel:
            weight = rules.grams(self.order, parcel.skus)
            own = label if place == 1 else await self.labels.make(place, weight)
            labelled = parcel.model_copy(update={"label": own})
            await self.stock.ship(labelled)
            return labelled

        return await gather(
            *(
                self.host.branch(f"parcel from {p.warehouse}", partial(send, place, p))
                for place, p in enumerate(parcels, 1)
            )
        )

    def _end(self, outcome: OrderOutcome, **known: object) -> None:
        self.host.enter("telling the customer", outcome)
        self._known = self._known.model_copy(update={"outcome": outcome, **known})

    async def _tell(self) -> None:
        outcome = self._known.outcome or OrderOutcome.FAILED
        subject, body = rules.mail(self.order, outcome, self._known.parcels)
        await self.notices.tell(outcome, subject, body)
        self._known = self._known.model_copy(update={"told": outcome})


def _outcome_of(error: BaseException) -> OrderOutcome:
    """Say what the customer is told of a failure."""
    if isinstance(error, OutOfStock):
        return OrderOutcome.OUT_OF_STOCK
    of_payment = isinstance(error, ActivityError) and error.activity_type == PAYMENT.name
    return OrderOutcome.DECLINED if of_payment and was_refused(error) else OrderOutcome.FAILED


async def _ended(task: asyncio.Task[None]) -> None:
    await task
