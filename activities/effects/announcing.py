"""What a case tells an endpoint of itself: CloudEvents, signed as Standard Webhooks ask.

https://github.com/cloudevents/spec (1.0, structured JSON) and https://www.standardwebhooks.com:
headers webhook-id, webhook-timestamp and webhook-signature, `v1,` and the HMAC-SHA256 of
`id.timestamp.body`, one for each key of the file; the first key signs first.
"""

import base64
import hmac
from hashlib import sha256

from activities.effects.endpoints import check
from activities.effects.performing import EffectDesk, HttpOrder, effect_key
from activities.failures import final
from runtime.allowed import PREFIX
from runtime.context import call_context
from runtime.webhooks import WebhookKeys, WebhookKeysError
from store.journal import canonical
from workflows import calls
from workflows.data.announce import Announcement
from workflows.data.effects import EffectReceipt

CONTENT = "application/cloudevents+json"


async def tell(desk: EffectDesk, announcement: Announcement) -> EffectReceipt:
    """Post an event until its endpoint took it. Its id tells a second delivery from the first.

    Raises as `EffectDesk.repeatable`.
    """
    event = announcement.event
    await check(desk, announcement.endpoint, "/")
    try:
        keys = WebhookKeys.of(desk.settings)
    except WebhookKeysError as wrong:
        raise final("NotConfigured", str(wrong)) from wrong
    body = event.model_dump(mode="json")
    at = str(int(desk.now().timestamp()))
    order = HttpOrder(
        key=effect_key(call_context().scope, calls.ANNOUNCE.name, event.id),
        effect=str(event.type),
        service=PREFIX + announcement.endpoint,
        path="",
        body=body,
        headers={
            "content-type": CONTENT,
            "idempotency-key": event.id,
            "webhook-id": event.id,
            "webhook-timestamp": at,
            "webhook-signature": signatures(keys, event.id, at, canonical(body).encode()),
        },
        bare=True,
    )
    return await desk.repeatable(order)


def signatures(keys: WebhookKeys, identity: str, at: str, body: bytes) -> str:
    """Sign a delivery with every key, for a receiver that knows one of them."""
    signed = f"{identity}.{at}.".encode() + body
    made = (hmac.new(key, signed, sha256).digest() for key in keys.secrets)
    return " ".join(f"v1,{base64.b64encode(code).decode()}" for code in made)
