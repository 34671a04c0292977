"""Chat: a message to the reviewers' channel, at most once, and never a reason to fail."""

from functools import partial

from temporalio.exceptions import ApplicationError

from activities.effects.performing import EffectDesk, HttpOrder, effect_key
from runtime.context import call_context
from workflows import calls
from workflows.data.effects import ChatOrder, EffectReceipt, EffectState


async def post_message(desk: EffectDesk, request: ChatOrder) -> EffectReceipt:
    """Post one message. Its key is scope + template + number.

    While attempts are left and nothing was sent, trouble is worth another attempt; after that
    the receipt reads `unclear`. Only a missing address stays an error: it is our mistake.
    """
    key = effect_key(call_context().scope, calls.CHAT.name, request.template, request.number)
    order = HttpOrder(
        key=key,
        effect=f"chat:{request.template}",
        service="chat",
        path="/webhook",
        body={"text": request.text, "template": request.template, "number": request.number},
        headers={},
    )
    try:
        return await desk.at_most_once(order, partial(desk.post, order))
    except ApplicationError as trouble:
        another = not trouble.non_retryable and call_context().attempt < calls.CHAT.attempts
        if another or trouble.type == "NotConfigured":
            raise
        return EffectReceipt(key=key, reference="", state=EffectState.UNCLEAR)
