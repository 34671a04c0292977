"""The one place that speaks SMTP: a connection for each mail, its errors translated once.

Whether a mail may have gone out hangs on one moment (RFC 5321, 4.2.5 and 6.1): before it was sent
off the server has nothing; after that only the server's answer tells.
"""

import asyncio
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage

import aiosmtplib

from activities.wire import Lost, NotSent, tls_context
from runtime.smtp import MailServer, Tls

_UNFOLDED = policy.SMTP.clone(max_line_length=998)
"""A long Message-ID that is folded is another one to the mail programs that read it."""


@dataclass(frozen=True)
class SmtpReply:
    """What the server answered: 2yz it took the mail, 4yz not yet, 5yz never."""

    code: int
    text: str


async def hand_over(server: MailServer, mail: EmailMessage, timeout: float) -> SmtpReply:
    """Hand one mail to a server, to its one recipient. Raises NotSent or Lost.

    Waits at most `timeout` seconds in total.
    """
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        local_hostname=server.domain,
        use_tls=server.tls is Tls.IMPLICIT,
        start_tls=server.tls is Tls.STARTTLS,
        tls_context=None if server.tls is Tls.NONE else tls_context(),
        username=server.user or None,
        password=server.password or None,
        timeout=timeout,
    )
    sent = False
    try:
        async with asyncio.timeout(timeout):
            await client.connect()
            await client.mail(server.sender)
            await client.rcpt(str(mail["To"]))
            sent = True
            answer = await client.data(mail.as_bytes(policy=_UNFOLDED))
        return SmtpReply(answer.code, answer.message)
    except aiosmtplib.SMTPResponseException as said:
        if said.code in range(400, 600):
            return SmtpReply(said.code, str(said.message))
        raise _broken(sent, "an answer that is no SMTP") from said
    except (aiosmtplib.SMTPException, OSError) as broken:
        raise _broken(sent, str(broken) or type(broken).__name__) from broken
    finally:
        client.close()


def _broken(sent: bool, what: str) -> Lost | NotSent:
    if sent:
        return Lost(f"the mail server never said whether it took the mail ({what})")
    return NotSent(f"the mail server cannot be reached ({what})")
