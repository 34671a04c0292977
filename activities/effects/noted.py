"""How things would stand after the orders a shadow noted: what it sees when it looks."""

from collections.abc import Mapping, Sequence
from typing import Any

from workflows.data.accounts import AccountView
from workflows.data.effects import AccountAction, AccountOrder
from workflows.data.orders import PaymentAction, PaymentOrder, PaymentState, PaymentView

NOTED = "shadow"
"""Stands where the service would give a reference of its own."""
Notes = Sequence[Mapping[str, Any]]
_STATES = {
    PaymentAction.AUTHORISE: PaymentState.AUTHORISED,
    PaymentAction.CAPTURE: PaymentState.CAPTURED,
    PaymentAction.VOID: PaymentState.VOIDED,
    PaymentAction.REFUND: PaymentState.REFUNDED,
}


def account_as_noted(case: str, notes: Notes) -> AccountView:
    """Tell how the customer of a case would stand."""
    view = AccountView(case=case)
    for order in map(AccountOrder.model_validate, notes):
        if order.case == case:
            view = AccountView(case=case) if _deletes(order) else _after(view, order)
    return view


def _deletes(order: AccountOrder) -> bool:
    return order.action is AccountAction.DELETE_CUSTOMER


def _after(view: AccountView, order: AccountOrder) -> AccountView:
    changed: Mapping[AccountAction, Mapping[str, object]] = {
        AccountAction.CREATE_CUSTOMER: {"customer": NOTED, "name": order.customer_name},
        AccountAction.OPEN_ACCOUNT: {"account": NOTED},
        AccountAction.SET_LIMIT: {"limit": order.limit, "currency": order.currency},
        AccountAction.ENROL_MONITORING: {"monitoring": NOTED, "review_due": order.review_due},
        AccountAction.GRANT_ACCESS: {"access": NOTED},
        AccountAction.REVOKE_ACCESS: {"access": ""},
        AccountAction.CLEAR_LIMIT: {"limit": None, "currency": ""},
        AccountAction.CLOSE_ACCOUNT: {"account": "", "limit": None, "currency": ""},
        AccountAction.LEAVE_MONITORING: {"monitoring": "", "review_due": None},
    }
    return view.model_copy(update=dict(changed[order.action]))


def payment_as_noted(payment: str, notes: Notes) -> PaymentView:
    """Tell how a payment would stand."""
    orders = [o for o in map(PaymentOrder.model_validate, notes) if o.payment == payment]
    state = _STATES[orders[-1].action] if orders else PaymentState.NONE
    return PaymentView(payment=payment, state=state)
