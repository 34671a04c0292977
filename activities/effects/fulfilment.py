"""Payments, warehouses and the carrier: orders with an idempotency key, and how things stand."""

from urllib.parse import quote

from activities.effects.keyed import post_order
from activities.effects.noted import payment_as_noted
from activities.effects.performing import EffectDesk
from runtime.context import call_context
from workflows import calls
from workflows.data.effects import EffectReceipt
from workflows.data.orders import (
    LabelOrder,
    PaymentOrder,
    PaymentQuery,
    PaymentView,
    StockOrder,
    StockQuery,
    StockView,
)


async def order_payment(desk: EffectDesk, request: PaymentOrder) -> EffectReceipt:
    """Do one thing with a payment. Its key is scope + action + payment."""
    return await post_order(desk, calls.PAYMENT, "payments", request, request.payment)


async def order_stock(desk: EffectDesk, request: StockOrder) -> EffectReceipt:
    """Do one thing with a reservation. Its key is scope + action + warehouse + reservation."""
    subject = (request.warehouse, request.reservation)
    return await post_order(desk, calls.STOCK, "warehouses", request, *subject)


async def order_label(desk: EffectDesk, request: LabelOrder) -> EffectReceipt:
    """Make or void a label. Its key is scope + action + label."""
    return await post_order(desk, calls.LABEL, "carrier", request, request.label)


async def payment_state(desk: EffectDesk, query: PaymentQuery) -> PaymentView:
    """Look up how a payment stands; in a shadow, as it would."""
    if call_context().shadow:
        noted = await desk.shadowing.suppressed(call_context(), "payments")
        return payment_as_noted(query.payment, noted)
    path = f"/payments/{quote(query.payment, safe='')}"
    return await desk.look("payments", path, PaymentView)


async def stock_free(desk: EffectDesk, query: StockQuery) -> StockView:
    """Look up what a warehouse has."""
    path = f"/{query.warehouse}/stock?skus={','.join(query.skus)}&country={query.country}"
    return await desk.look("warehouses", path, StockView)
