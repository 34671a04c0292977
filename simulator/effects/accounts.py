"""The customer and account service: `POST /orders` with an Idempotency-Key."""

import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from pydantic import ValidationError

from simulator.book import Book
from simulator.chance import digest
from simulator.effects.plain import failure, misfit, refuse
from simulator.effects.records import Order
from simulator.exchange import Asked, Reply, Service
from simulator.state import Performed, StateFile
from workflows.data.effects import AccountAction, AccountOrder

_CUSTOMER = re.compile(r"^/customers/([a-z0-9][a-z0-9-]*)$")


@dataclass(frozen=True)
class Customer:
    """What the service holds of one case. Empty or None: not there."""

    case: str
    name: str = ""
    customer: str = ""
    account: str = ""
    limit: Decimal | None = None
    currency: str = ""
    monitoring: str = ""
    review_due: date | None = None
    access: str = ""

    def shown(self) -> dict[str, object]:
        """Give the customer as `GET /customers/{case}` shows it."""
        limit = None if self.limit is None else str(self.limit)
        due = self.review_due and self.review_due.isoformat()
        return {**vars(self), "limit": limit, "review_due": due}


class Accounts:
    """Customers by case and orders by key. Each key is performed once."""

    def __init__(self, state: StateFile, book: Book) -> None:
        self._state, self._book = state, book
        self._orders: dict[str, Order] = {}
        self._customers: dict[str, Customer] = {}

    def restore(self, order: Order) -> None:
        """Perform an order again that the state file tells of."""
        self._keep(order)

    @property
    def service(self) -> Service:
        """The service as the app mounts it."""
        return Service(self.answer, failure)

    def answer(self, asked: Asked) -> Reply:
        """Answer an order or show a customer."""
        if asked.method == "GET" and (found := _CUSTOMER.match(asked.path)):
            customer = self._customers.get(found.group(1))
            if customer is None or not customer.customer:
                return refuse(404, "no such customer")
            return Reply(200, customer.shown())
        if (asked.method, asked.path) != ("POST", "/orders"):
            return refuse(404, "not found")
        key = asked.headers.get("idempotency-key", "")
        if not key:
            return refuse(400, "the header Idempotency-Key is required")
        try:
            request = AccountOrder.model_validate_json(asked.body)
        except ValidationError as wrong:
            return misfit(wrong)
        self._book.asked[key] += 1
        return self._order(key, request)

    def _order(self, key: str, request: AccountOrder) -> Reply:
        known = self._orders.get(key)
        if known is not None and known.request != request:
            return refuse(409, "this Idempotency-Key was used with another order")
        if known is not None:
            return Reply(200, {"reference": known.reference}, {"idempotent-replay": "true"})
        if why := self._impossible(request):
            return refuse(422, why)
        order = Order(key=key, request=request, reference=f"ref_{digest('order', key)[:16]}")
        self._state.append(Performed(order=order))
        self._keep(order)
        return Reply(200, {"reference": order.reference})

    def _impossible(self, request: AccountOrder) -> str | None:
        """Say why an order makes no sense now; undoing what is not there always does."""
        now = self._customers.get(request.case, Customer(request.case))
        match request.action:
            case AccountAction.CREATE_CUSTOMER:
                return None if request.customer_name else "customer_name is required"
            case AccountAction.OPEN_ACCOUNT | AccountAction.ENROL_MONITORING:
                return None if now.customer else "create the customer first"
            case AccountAction.SET_LIMIT:
                if request.limit is None or request.limit < 0 or not request.currency:
                    return "limit and currency are required"
                return None if now.account else "open the account first"
            case AccountAction.GRANT_ACCESS:
                return None if now.account else "open the account first"
            case AccountAction.CLOSE_ACCOUNT:
                return "revoke the access first" if now.access else None
            case AccountAction.DELETE_CUSTOMER:
                return "close the account first" if now.account else None
            case _:
                return None

    def _keep(self, order: Order) -> None:
        request = order.request
        self._orders[order.key] = order
        self._book.performed[f"{request.case}/{request.action}"] += 1
        before = self._customers.get(request.case, Customer(request.case))
        self._customers[request.case] = _after(before, order)


def _after(before: Customer, order: Order) -> Customer:
    """Apply an order. Doing what is done already changes nothing but the reference."""
    request, reference = order.request, order.reference
    match request.action:
        case AccountAction.CREATE_CUSTOMER:
            return replace(before, customer=reference, name=request.customer_name)
        case AccountAction.OPEN_ACCOUNT:
            return replace(before, account=reference)
        case AccountAction.SET_LIMIT:
            return replace(before, limit=request.limit, currency=request.currency)
        case AccountAction.ENROL_MONITORING:
            return replace(before, monitoring=reference, review_due=request.review_due)
        case AccountAction.GRANT_ACCESS:
            return replace(before, access=reference)
        case AccountAction.REVOKE_ACCESS:
            return replace(before, access="")
        case AccountAction.CLEAR_LIMIT:
            return replace(before, limit=None, currency="")
        case AccountAction.CLOSE_ACCOUNT:
            return replace(before, account="", limit=None, currency="")
        case AccountAction.LEAVE_MONITORING:
            return replace(before, monitoring="", review_due=None)
        case AccountAction.DELETE_CUSTOMER:
            return Customer(before.case)
