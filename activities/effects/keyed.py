"""Services that take `POST /orders` with an idempotency key, safe to repeat."""

from typing import Any

from activities.effects.performing import EffectDesk, HttpOrder, effect_key
from runtime.context import call_context
from workflows.calls import Call
from workflows.data.common import Record
from workflows.data.effects import EffectReceipt


async def post_order(
    desk: EffectDesk, call: Call[Any, EffectReceipt], service: str, request: Record, *subject: str
) -> EffectReceipt:
    """Post one order, which has an `action`. Its key is scope + action + subject, so a retry is
    the same order.
    """
    content = request.model_dump(mode="json")
    key = effect_key(call_context().scope, call.name, content["action"], *subject)
    order = HttpOrder(
        key=key,
        effect=content["action"],
        service=service,
        path="/orders",
        body=content,
        headers={"idempotency-key": key},
    )
    return await desk.repeatable(order)
