"""Mail: at most once, for no mail server knows idempotency keys."""

from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from temporalio import activity

from activities.effects.performing import (
    EffectDesk,
    NotAccepted,
    Order,
    TurnedDown,
    effect_key,
)
from activities.failures import final
from activities.smtp import SmtpReply, hand_over
from runtime.context import call_context
from runtime.smtp import SENDER, message_id
from runtime.telemetry import vendor_span
from workflows import calls
from workflows.data.effects import EffectReceipt, MailOrder

_ASCII = policy.SMTP.clone(cte_type="7bit")
"""Every server takes it, whatever it announces."""
_OVERLOADED = 421
_NO_LOGIN = frozenset({530, 534, 535, 538})
_PARTS = {
    "workflow_id": "X-Braid-Workflow",
    "signal": "X-Braid-Signal",
    "party_id": "X-Braid-Party",
}


async def send_mail(desk: EffectDesk, request: MailOrder) -> EffectReceipt:
    """Hand one mail over by SMTP. Its key is scope + template + party.

    `reply` tells the other side to which workflow and signal an answer belongs. Raises
    EffectRefused for an address or subject that would be more than one line of a header.
    """
    key = effect_key(call_context().scope, calls.MAIL.name, request.template, request.party_id)
    body: dict[str, object] = {
        "to": request.to,
        "subject": request.subject,
        "body": request.body,
        "reply": _reply(request),
    }
    if request.in_reply_to:
        body["in_reply_to"] = request.in_reply_to
    order = Order(key=key, effect=f"mail:{request.template}", service="mail", body=body)

    async def send() -> str:
        server, timeout = desk.settings.mail, desk.settings.source_timeout
        mail = written(request, key, server.sender)

        async def over() -> SmtpReply:
            with vendor_span(
                "mail", "SMTP", simulated=server is not desk.settings.mail_server
            ) as note:
                reply = await hand_over(server, mail, timeout)
                note(reply.code)
            return reply

        return _accepted(await desk.guard.calling("mail", over, _works))

    written(request, key, SENDER)  # what cannot be written is refused before it is claimed
    return await desk.at_most_once(order, send)


def _accepted(reply: SmtpReply) -> str:
    """Read the server's answer: its words are our reference."""
    if reply.code < 400:
        return reply.text[:200]
    said = f"{reply.code} {reply.text}"[:200]
    if reply.code < 500:
        raise NotAccepted(f"the mail server says {said}")
    if reply.code in _NO_LOGIN:
        said += "; look at BRAID_SMTP_USER and BRAID_SMTP_PASSWORD"
    raise TurnedDown(said)


def _works(reply: SmtpReply) -> bool:
    """Say whether the server works: what it says about one mail is no trouble of its own."""
    return reply.code != _OVERLOADED


def written(request: MailOrder, key: str, sender: str) -> EmailMessage:
    """Write the mail. Header values of more than one line, and of more addresses, are refused."""
    mail = EmailMessage(policy=_ASCII)
    try:
        if not request.to.isascii():
            raise ValueError("the address is not ASCII")
        mail["From"] = Address(addr_spec=sender)
        mail["To"] = Address(addr_spec=request.to)
        mail["Subject"] = request.subject
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = message_id(key, sender)
        mail["Auto-Submitted"] = "auto-replied" if request.in_reply_to else "auto-generated"
        if request.in_reply_to:
            mail["In-Reply-To"] = mail["References"] = request.in_reply_to
        for name, value in (_reply(request) or {}).items():
            mail[_PARTS[name]] = value
    except (ValueError, IndexError) as wrong:
        raise final(
            "EffectRefused",
            f"the mail {request.template!r} cannot be written: {wrong}; give one address, and a"
            " subject and an In-Reply-To of one line",
        ) from wrong
    mail.set_content(request.body)
    return mail


def _reply(request: MailOrder) -> dict[str, str] | None:
    if not request.reply_signal:
        return None
    return {
        "workflow_id": activity.info().workflow_id or "",
        "signal": request.reply_signal,
        "party_id": request.party_id,
    }
