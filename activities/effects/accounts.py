"""The customer and account service: orders with an idempotency key, safe to repeat."""

from urllib.parse import quote

from activities.effects.keyed import post_order
from activities.effects.noted import account_as_noted
from activities.effects.performing import EffectDesk
from runtime.context import call_context
from workflows import calls
from workflows.data.accounts import AccountQuery, AccountView
from workflows.data.effects import AccountOrder, EffectReceipt


async def order_account(desk: EffectDesk, request: AccountOrder) -> EffectReceipt:
    """Post one order. Its key is scope + action + case."""
    return await post_order(desk, calls.ACCOUNT, "accounts", request, request.case)


async def account_state(desk: EffectDesk, query: AccountQuery) -> AccountView:
    """Look up how the customer of a case stands; in a shadow, as it would."""
    if call_context().shadow:
        noted = await desk.shadowing.suppressed(call_context(), "accounts")
        return account_as_noted(query.case, noted)
    return await desk.look("accounts", f"/customers/{quote(query.case, safe='')}", AccountView)
