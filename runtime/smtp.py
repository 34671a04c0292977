"""Where mail is handed over: one SMTP server, by URL, user and sender."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SENDER = "braid@braid.example"
"""Who mails are from in the simulated world."""
_ADDRESS = re.compile(r"[\x21-\x7e]+@([a-z0-9-]+\.)+[a-z0-9-]+", re.IGNORECASE)


class Tls(StrEnum):
    """How the connection is kept private."""

    NONE = "none"
    """Only to this very machine, and to the simulator."""
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


@dataclass(frozen=True)
class MailServer:
    """A server mail is handed to, and who it is from. The password never shows in a repr."""

    host: str
    port: int
    sender: str = SENDER
    tls: Tls = Tls.NONE
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def domain(self) -> str:
        """The sender's domain: how we greet the server, and the end of our Message-IDs."""
        return self.sender.rpartition("@")[2]


def given(env: Mapping[str, str]) -> MailServer | None:
    """Read the real server from BRAID_SMTP_URL and its like. Raises ValueError with the mend."""
    if not (url := env.get("BRAID_SMTP_URL", "")):
        return None
    sender = env.get("BRAID_MAIL_FROM", "")
    if not _ADDRESS.fullmatch(sender):
        raise ValueError(
            f"BRAID_MAIL_FROM={sender!r} is no mail address; set it to the address our mails come"
            " from, as support@company.example"
        )
    server = at(url, "BRAID_SMTP_URL", sender)
    user, password = env.get("BRAID_SMTP_USER", ""), env.get("BRAID_SMTP_PASSWORD", "")
    if bool(user) != bool(password):
        raise ValueError("set both BRAID_SMTP_USER and BRAID_SMTP_PASSWORD, or neither")
    return MailServer(server.host, server.port, sender, server.tls, user, password)


def at(url: str, variable: str, sender: str = SENDER, *, clear: bool = False) -> MailServer:
    """Read a server's URL: smtps:// is TLS from the start, smtp:// is STARTTLS but on loopback and
    where it is `clear` that the mails are simulated.

    Raises ValueError naming the variable it came from.
    """
    form = f"{variable} is not understood; write smtp://HOST:587 (STARTTLS) or smtps://HOST:465"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as wrong:
        raise ValueError(form) from wrong
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError(form)
    if parts.username is not None:
        raise ValueError(
            f"{variable} holds a user; put it into BRAID_SMTP_USER and BRAID_SMTP_PASSWORD"
        )
    if parts.scheme == "smtps":
        return MailServer(parts.hostname, port or 465, sender, Tls.IMPLICIT)
    tls = Tls.NONE if clear or parts.hostname in LOOPBACK else Tls.STARTTLS
    return MailServer(parts.hostname, port or 587, sender, tls)


def message_id(key: str, sender: str) -> str:
    """Give the Message-ID of the mail with that key: the same however often it is tried."""
    return f"<{key[:32]}@{sender.rpartition('@')[2]}>"


def is_ours(message_id: str, sender: str) -> bool:
    """Say whether a Message-ID is one of a mail of ours, sent from that address."""
    local, _, domain = message_id.strip("<> ").rpartition("@")
    ours = sender.rpartition("@")[2]
    return domain.lower() == ours.lower() and re.fullmatch("[0-9a-f]{32}", local) is not None
