"""Reading a mail that arrives: what it says, and whether it is one that nobody should answer."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from hashlib import sha256
from html.parser import HTMLParser

from pydantic import ValidationError

from cli.arriving.bodies import NoJson, as_json
from cli.errors import BadInput
from runtime.smtp import is_ours
from workflows.data.email_triage import IncomingMail

LONGEST_TEXT = 50_000
"""Characters of a text that are read; what is beyond is cut off and said so."""
_CUT = "\n[cut off here: the mail is longer]"
_ID = re.compile(r"<[^<>\s]{1,250}>")


class Ignored(Exception):
    """A mail nobody should answer; the message says why."""


def raw(content: bytes, sender: str) -> IncomingMail:
    """Read a mail as RFC 822 has it; `sender` is who our own mails are from.

    A mail without a usable Message-ID gets one made from its content, so that it is neither lost
    nor answered twice. Raises Ignored, and BadInput for what is no mail.
    """
    try:
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)  # noqa: S101 - by its policy
        _answerable(message, sender)
        given = {
            "message_id": _line(message, "Message-ID"),
            "from": parseaddr(_line(message, "From"))[1],
            "subject": _line(message, "Subject"),
            "text": _text(message),
        }
        names = tuple(_flat(p.get_filename() or "unnamed") for p in message.iter_attachments())
    except (LookupError, ValueError, TypeError, AttributeError) as broken:
        raise BadInput(f"this is no mail that can be read: {broken}") from broken
    return _checked(given, names, content, sender)


def from_json(content: bytes, sender: str) -> IncomingMail:
    """Read a mail from `{message_id, from, subject, text}`. Raises Ignored and BadInput."""
    try:
        given = as_json(content)
    except NoJson as broken:
        raise BadInput(f"{broken}; send a mail, or its fields") from broken
    wanted = {"message_id", "from", "subject", "text"}
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        raise BadInput("the body is no object of texts; give message_id, from, subject, text")
    if unknown := sorted(set(given) - wanted):
        raise BadInput(f"{', '.join(unknown)}: not known; give message_id, from, subject, text")
    return _checked({**dict.fromkeys(wanted, ""), **given}, (), content, sender)


def _answerable(message: EmailMessage, sender: str) -> None:
    """Refuse what machines wrote (RFC 3834): two that answer each other never stop."""
    auto = _line(message, "Auto-Submitted").split(";")[0].strip().lower()
    if auto not in ("", "no"):
        raise Ignored(f"Auto-Submitted: {auto}: a machine wrote it")
    if message["List-Id"] is not None or _line(message, "Precedence").lower() in ("bulk", "list"):
        raise Ignored("it came through a mailing list")
    if _line(message, "Return-Path").replace(" ", "") == "<>":
        raise Ignored("its Return-Path is empty: it tells of a mail that was not delivered")
    if parseaddr(_line(message, "From"))[1].lower() == sender.lower():
        raise Ignored("it is from our own address")


def _checked(
    given: dict[str, str], names: tuple[str, ...], content: bytes, sender: str
) -> IncomingMail:
    if is_ours(given["message_id"], sender):
        raise Ignored("its Message-ID is one of ours")
    known = _ID.fullmatch(given["message_id"].strip())
    text = given["text"].replace("\0", "")
    if len(text) > LONGEST_TEXT:
        text = text[: LONGEST_TEXT - len(_CUT)] + _CUT
    try:
        return IncomingMail(
            message_id=known[0]
            if known
            else f"<{sha256(content).hexdigest()[:32]}@content.invalid>",
            sender=given["from"],
            subject=_flat(given["subject"]),
            text=text.strip() or "(no text)",
            attachments=names,
        )
    except ValidationError as wrong:
        first = wrong.errors()[0]
        raise BadInput(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from wrong


def _line(message: EmailMessage, name: str) -> str:
    return str(message[name] or "").strip()


def _flat(text: str) -> str:
    """Bring a header's text onto one line of bounded length."""
    return " ".join(text.split())[:290]


def _text(message: EmailMessage) -> str:
    """Give the plain text, or that of the page where there is only one."""
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    try:
        text = str(body.get_content())
    except LookupError:  # a charset nobody knows
        payload = body.get_payload(decode=True)
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return _Words.of(text) if body.get_content_subtype() == "html" else text


class _Words(HTMLParser):
    """The words of a page, without its scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._silent = 0

    @classmethod
    def of(cls, page: str) -> str:
        """Give them, one block a line."""
        reader = cls()
        reader.feed(page)
        reader.close()
        return "\n".join(word for word in (w.strip() for w in reader.words) if word)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Begin to pass over what is not shown."""
        self._silent += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        """End to pass over it."""
        self._silent -= tag in ("script", "style") and self._silent > 0

    def handle_data(self, data: str) -> None:
        """Keep what is shown."""
        if not self._silent:
            self.words.append(data)
