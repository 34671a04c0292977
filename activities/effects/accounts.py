"""The customer and account service: orders with an idempotency key, safe to repeat."""

from activities.effects.performing import EffectDesk, Order, effect_key
from runtime.context import call_context
from workflows import calls
from workflows.data.effects import AccountOrder, EffectReceipt


async def order_account(desk: EffectDesk, request: AccountOrder) -> EffectReceipt:
    """Post one order. Its key is scope + action + case, so a retry is the same order."""
    key = effect_key(call_context().scope, calls.ACCOUNT.name, request.action, request.case)
    order = Order(
        key=key,
        effect=request.action,
        service="accounts",
        path="/orders",
        body=request.model_dump(mode="json"),
        headers={"idempotency-key": key},
    )
    return await desk.repeatable(order)
