"""The customer and account service."""

import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from simulator.effects.plain import refuse
from simulator.exchange import Asked, Reply
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
    """Customers by case."""

    def __init__(self) -> None:
        self._customers: dict[str, Customer] = {}

    def subject(self, request: AccountOrder) -> str:
        """Name the case an order is about."""
        return request.case

    def show(self, asked: Asked) -> Reply:
        """Show a customer."""
        found = _CUSTOMER.match(asked.path)
        customer = self._customers.get(found.group(1)) if found else None
        if customer is None or not customer.customer:
            return refuse(404, "no such customer")
        return Reply(200, customer.shown())

    def impossible(self, request: AccountOrder) -> Reply | None:
        """Refuse an order that makes no sense now."""
        why = self._impossible(request)
        return refuse(422, why) if why else None

    def keep(self, request: AccountOrder, reference: str) -> None:
        """Apply an order."""
        before = self._customers.get(request.case, Customer(request.case))
        self._customers[request.case] = _after(before, request, reference)

    def _impossible(self, request: AccountOrder) -> str | None:
        """Say why an order makes no sense now."""
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


def _after(before: Customer, request: AccountOrder, reference: str) -> Customer:
    """Apply an order. Doing what is done already changes nothing but the reference."""
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
