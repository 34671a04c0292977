"""Mail: at most once, for no mail server knows idempotency keys."""

from temporalio import activity

from activities.effects.performing import EffectDesk, Order, effect_key
from runtime.context import call_context
from workflows import calls
from workflows.data.effects import EffectReceipt, MailOrder


async def send_mail(desk: EffectDesk, request: MailOrder) -> EffectReceipt:
    """Hand one mail over. Its key is scope + template + party.

    `reply` tells the other side to which workflow and signal an answer belongs.
    """
    key = effect_key(call_context().scope, calls.MAIL.name, request.template, request.party_id)
    order = Order(
        key=key,
        effect=f"mail:{request.template}",
        service="mail",
        path="/messages",
        body={
            "message_id": f"<{key[:32]}@braid.example>",
            "to": request.to,
            "subject": request.subject,
            "body": request.body,
            "reply": _reply(request),
        },
        headers={},
    )
    return await desk.at_most_once(order)


def _reply(request: MailOrder) -> dict[str, str | None] | None:
    if not request.reply_signal:
        return None
    return {
        "workflow_id": activity.info().workflow_id,
        "signal": request.reply_signal,
        "party_id": request.party_id,
    }
