"""Endpoints of a house's own: POST under the ledger with an idempotency key, GET as it is now."""

import json

from activities.effects.performing import EffectDesk, HttpOrder, effect_key
from activities.failures import final, pause, retryable
from activities.wire import HttpRequest
from runtime.allowed import PREFIX, leads_inside
from runtime.context import call_context
from workflows import calls
from workflows.data.effects import EffectReceipt
from workflows.data.endpoints import EndpointOrder, EndpointQuery, EndpointView

LARGEST = 200_000
"""Bytes of an answer: it becomes part of the case's history."""


async def post(desk: EffectDesk, request: EndpointOrder) -> EffectReceipt:
    """Post once. Its key is scope + endpoint + step; the answer names a `reference` or an `id`."""
    await check(desk, request.endpoint, request.path)
    subject = (request.endpoint, request.step)
    key = effect_key(call_context().scope, calls.ENDPOINT.name, *subject)
    order = HttpOrder(
        key=key,
        effect=f"{request.endpoint}{request.path.partition('?')[0]}",
        service=PREFIX + request.endpoint,
        path=request.path,
        body={"value": request.body} if not isinstance(request.body, dict) else request.body,
        headers={"idempotency-key": key},
    )
    return await desk.repeatable(order)


async def look(desk: EffectDesk, query: EndpointQuery) -> EndpointView:
    """Read what is there now. Raises as `EffectDesk.read`."""
    await check(desk, query.endpoint, query.path)
    service = PREFIX + query.endpoint
    reply = await desk.answer(service, HttpRequest("GET", query.path))
    if reply.status >= 400:
        desk.read(service, reply, EndpointView)  # raises what such a status means
    if len(reply.body) > LARGEST:
        raise final("EffectRefused", f"{service} answered more than {LARGEST} bytes; ask for less")
    try:
        return EndpointView(body=json.loads(reply.body))
    except ValueError as wrong:
        wait = pause(call_context().attempt, desk.settings.retry_pause)
        raise retryable("EffectNonsense", f"{service}: the answer is no JSON", wait) from wrong


async def check(desk: EffectDesk, name: str, path: str) -> None:
    """Refuse what leads elsewhere: out of the base URL, or to a private address."""
    if ".." in path:
        raise final("EffectRefused", f"path {path!r} leads out of the endpoint; write no ..")
    url = desk.settings.endpoints.get(name, "")
    if desk.settings.live and url and (inside := await leads_inside(url)):
        raise final("EffectRefused", f"endpoint {name!r} leads to the private address {inside}")
