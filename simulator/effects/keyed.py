"""Services that perform orders: `POST /orders` with an Idempotency-Key, each key once."""

from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from simulator.book import Book
from simulator.chance import digest
from simulator.effects.plain import failure, misfit, refuse
from simulator.effects.records import Order
from simulator.exchange import Asked, Reply, Service
from simulator.state import Performed, StateFile
from workflows.data.common import Record

R_contra = TypeVar("R_contra", bound=Record, contravariant=True)


class Machine(Protocol[R_contra]):
    """What a service knows: which orders make sense now, what each changes, and what it shows."""

    def subject(self, request: R_contra) -> str:
        """Name what an order is about, for the book."""
        ...

    def impossible(self, request: R_contra) -> Reply | None:
        """Refuse an order that makes no sense now; undoing what is not there always does."""
        ...

    def keep(self, request: R_contra, reference: str) -> None:
        """Apply an order that was performed."""
        ...

    def show(self, asked: Asked) -> Reply:
        """Answer a look-up."""
        ...


class Keyed:
    """Orders by key, in front of a machine."""

    def __init__(
        self, kind: type[Record], machine: Machine[Any], state: StateFile, book: Book
    ) -> None:
        self.kind, self._machine = kind, machine
        self._state, self._book = state, book
        self._orders: dict[str, Order] = {}

    @property
    def service(self) -> Service:
        """The service as the app mounts it."""
        return Service(self.answer, failure)

    def restore(self, order: Order) -> None:
        """Perform an order again that the state file tells of."""
        self._orders[order.key] = order
        action = f"{self._machine.subject(order.request)}/{order.request.action}"
        self._book.performed[action] += 1
        self._machine.keep(order.request, order.reference)

    def answer(self, asked: Asked) -> Reply:
        """Answer an order or a look-up."""
        if asked.method == "GET":
            return self._machine.show(asked)
        if (asked.method, asked.path) != ("POST", "/orders"):
            return refuse(404, "not found")
        key = asked.headers.get("idempotency-key", "")
        if not key:
            return refuse(400, "the header Idempotency-Key is required")
        try:
            request = self.kind.model_validate_json(asked.body)
        except ValidationError as wrong:
            return misfit(wrong)
        self._book.asked[key] += 1
        return self._order(key, request)

    def _order(self, key: str, request: Any) -> Reply:
        known = self._orders.get(key)
        if known is not None and known.request != request:
            return refuse(409, "this Idempotency-Key was used with another order")
        if known is not None:
            return Reply(200, {"reference": known.reference}, {"idempotent-replay": "true"})
        if (no := self._machine.impossible(request)) is not None:
            return no
        order = Order(key=key, request=request, reference=f"ref_{digest('order', key)[:16]}")
        self._state.append(Performed(order=order))
        self.restore(order)
        return Reply(200, {"reference": order.reference})
