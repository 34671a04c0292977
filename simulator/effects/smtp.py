"""The simulated world's mail server: SMTP on loopback (RFC 5321), with faults where SMTP has them.

Of our own: the library for it, aiosmtpd, had its last release in May 2024, and half of the faults
are about what no library lets one do, such as hanging up between a mail and its answer.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from socket import socket
from typing import NoReturn

from pydantic import ValidationError

from simulator.chance import digest
from simulator.config import Fault, FaultKind
from simulator.effects.records import Mail, ReplyTo

LARGEST = 10_000_000
"""Bytes of a mail."""
_LINE = 4_000
_PATH = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>", re.IGNORECASE)
_NO_SMTP = (FaultKind.HTML, FaultKind.ERROR_UNDER_200)
_BEFORE = {
    FaultKind.ERROR: (451, "4.3.0 local error in processing"),
    FaultKind.RATE_LIMITED: (450, "4.7.1 too many mails, try again later"),
    FaultKind.QUOTA: (452, "4.2.2 mailbox full"),
}
"""How a fault refuses a recipient, unless it names a status of its own."""


@dataclass(frozen=True)
class Desk:
    """What the server asks of the world around it.

    `come` counts a connection and gives the fault it meets, `enter` the seconds a limit makes it
    wait (0: let in), `leave` is told the end of one let in, `late` gives the seconds an answer
    takes, and `take` takes a mail and gives its number.
    """

    come: Callable[[], Fault | None]
    enter: Callable[[], float]
    leave: Callable[[], None]
    late: Callable[[str, Fault | None], float]
    take: Callable[[Mail], str]


class _Hangup(Exception):
    """The connection ends here, without another word."""


@asynccontextmanager
async def serving(desk: Desk, bound: socket) -> AsyncIterator[None]:
    """Serve mail on a bound socket until the block ends."""
    talks: set[asyncio.Task[None]] = set()

    def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_Talk(desk, reader, writer).hold())
        talks.add(task)
        task.add_done_callback(talks.discard)

    server = await asyncio.start_server(talk, sock=bound, limit=_LINE)
    try:
        yield
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


class _Talk:
    """One connection, for as many mails as its client has."""

    def __init__(
        self, desk: Desk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._desk, self._reader, self._writer = desk, reader, writer
        self._fault: Fault | None = None
        self._sender: str | None = None
        self._to = ""

    async def hold(self) -> None:
        """Greet, then take commands until the client goes or a fault ends it."""
        try:
            self._fault = self._desk.come()
            await self._greet()
            while True:
                line = (await self._reader.readuntil(b"\r\n")).decode("ascii", "replace")
                verb, _, rest = line.strip().partition(" ")
                await self._obey(verb.upper(), rest)
        except (_Hangup, ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.LimitOverrunError:
            self._writer.write(b"500 5.5.2 line too long\r\n")
        finally:
            self._reset()
            with suppress(ConnectionError):
                self._writer.close()

    async def _greet(self) -> None:
        kind = self._fault.kind if self._fault else None
        if kind is FaultKind.DOWN:
            self._hang_up()
        if kind in _NO_SMTP:
            await self._raw(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            self._hang_up()
        if kind is FaultKind.OVERLOADED:
            await self._say(self._status(421), "4.3.2 too busy, closing the connection")
            raise _Hangup
        await self._say(220, "braid-simulator ESMTP (x-braid-simulated)")

    async def _obey(self, verb: str, rest: str) -> None:
        match verb:
            case "EHLO":
                await self._raw(b"250-braid-simulator\r\n250-8BITMIME\r\n250 SIZE %d\r\n" % LARGEST)
            case "HELO":
                await self._say(250, "braid-simulator")
            case "MAIL":
                await self._mail(rest)
            case "RCPT":
                await self._rcpt(rest)
            case "DATA":
                await self._data()
            case "RSET" | "NOOP":
                self._reset() if verb == "RSET" else None
                await self._say(250, "2.0.0 ok")
            case "QUIT":
                await self._say(221, "2.0.0 bye")
                raise _Hangup
            case _:
                await self._say(502, "5.5.1 no such command here")

    async def _mail(self, rest: str) -> None:
        if (path := _PATH.match(rest)) is None or self._sender is not None:
            await self._say(503, "5.5.1 MAIL FROM:<address>, once, comes first")
        elif self._desk.enter():
            await self._say(450, "4.7.1 too many mails, try again later")
        else:
            self._sender = path.group(1)
            await self._say(250, "2.1.0 ok")

    async def _rcpt(self, rest: str) -> None:
        path, kind = _PATH.match(rest), self._fault.kind if self._fault else None
        if kind in _BEFORE:
            code, text = _BEFORE[kind]
            await self._say(self._status(code), text)
        elif self._sender is None or path is None or self._to:
            await self._say(503, "5.5.1 RCPT TO:<address>, one a mail, comes after MAIL")
        else:
            self._to = path.group(1)
            await self._say(250, "2.1.5 ok")

    async def _data(self) -> None:
        if not self._to:
            await self._say(503, "5.5.1 no recipient yet")
            return
        await self._say(354, "end with a line of one dot")
        raw = await self._message()
        try:
            mail = _read(raw, self._to)
        except (ValidationError, ValueError) as wrong:
            said = wrong.errors()[0]["msg"] if isinstance(wrong, ValidationError) else str(wrong)
            self._reset()
            await self._say(554, f"5.6.0 not taken: {said}")
            return
        number = self._desk.take(mail)
        await asyncio.sleep(self._desk.late(digest(mail.message_id, mail.to), self._fault))
        await self._answer(number)
        self._reset()

    async def _message(self) -> bytes:
        lines, size = [], 0
        while (line := await self._reader.readuntil(b"\r\n")) != b".\r\n":
            size += len(line)
            if size > LARGEST:
                await self._say(552, "5.3.4 too large")
                raise _Hangup
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    async def _answer(self, number: str) -> None:
        """Say that a mail was taken, as well as the fault lets us."""
        match self._fault.kind if self._fault else None:
            case FaultKind.DROP:
                self._hang_up()
            case FaultKind.CUT | FaultKind.UNFINISHED:
                await self._raw(b"250 2.0.0 queu")
                self._hang_up()
            case FaultKind.HANG:
                await self._reader.read()  # until the client goes
            case FaultKind.DRIP:
                apart = self._fault.seconds if self._fault else None
                while True:
                    await self._raw(b"250-still at it\r\n")
                    await asyncio.sleep(1.0 if apart is None else apart)
            case FaultKind.NONSENSE:
                await self._raw(b"<html>This site is being maintained.</html>\r\n")
            case _:
                await self._say(250, f"2.0.0 queued as {number}")

    def _status(self, usual: int) -> int:
        named = self._fault.status if self._fault else None
        return named if named and named >= 400 else usual

    def _reset(self) -> None:
        if self._sender is not None:
            self._desk.leave()
        self._sender, self._to = None, ""

    def _hang_up(self) -> NoReturn:
        self._writer.transport.abort()
        raise _Hangup

    async def _say(self, code: int, text: str) -> None:
        await self._raw(f"{code} {text}\r\n".encode())

    async def _raw(self, piece: bytes) -> None:
        self._writer.write(piece)
        await self._writer.drain()


def _read(raw: bytes, to: str) -> Mail:
    """Read a mail as sent. Raises ValueError if it is none."""
    message = message_from_bytes(raw, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)  # noqa: S101 - by its policy
    body = message.get_body(preferencelist=("plain",))
    if not message["Message-ID"] or body is None:
        raise ValueError("a mail has a Message-ID and a text")
    return Mail(
        message_id=str(message["Message-ID"]).strip(),
        to=to,
        subject=str(message["Subject"] or ""),
        body=str(body.get_content()).replace("\r\n", "\n"),
        in_reply_to=str(message["In-Reply-To"] or "").strip(),
        reply=_reply(message),
    )


def _reply(message: EmailMessage) -> ReplyTo | None:
    if not message["X-Braid-Signal"]:
        return None
    names = ("workflow_id", "X-Braid-Workflow"), ("signal", "X-Braid-Signal")
    values = {field: str(message[name]) for field, name in (*names, ("party_id", "X-Braid-Party"))}
    return ReplyTo.model_validate(values)
