"""Sending an answer over its latency, in pieces, whole, or broken the way a fault breaks it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from starlette.types import Receive, Scope, Send

from simulator.config import Fault, FaultKind
from simulator.connection import cut
from simulator.exchange import SIMULATED, Reply, Stream

FIRST = 0.3
"""The share of the latency until a stream's first piece; the rest is spread over the others."""

TICK = 0.002
"""Pauses shorter than this many seconds are left out, and their pieces sent together."""

ENDLESS = (FaultKind.HANG, FaultKind.DRIP)


class _GoneError(Exception):
    """The asker has closed the connection."""


@dataclass(frozen=True)
class Delivery:
    """One answer on its way, as an ASGI application.

    `seconds` is the whole latency; `sent` is told the bytes that went out, at the very end,
    however that came.
    """

    reply: Reply
    seconds: float = 0.0
    fault: Fault | None = None
    sent: Callable[[int], None] = lambda _: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        way = _Way(scope, receive, send)
        try:
            if self.fault and self.fault.kind is FaultKind.DROP:
                await way.pause(self.seconds)
                await way.cut()
            if isinstance(self.reply.body, Stream):
                await self._stream(way, self.reply.body)
            else:
                await self._whole(way)
        except _GoneError:
            pass
        finally:
            way.close()
            self.sent(way.bytes_out)

    async def _stream(self, way: "_Way", stream: Stream) -> None:
        kind = self.fault.kind if self.fault else None
        await way.start(self.reply)
        pieces = _until(kind, stream.pieces)
        first = asyncio.get_running_loop().time() + FIRST * self.seconds
        gap = (1 - FIRST) * self.seconds / max(len(stream.pieces) - 1, 1)
        at_once = max(1, min(len(pieces), int(TICK / gap) + 1 if gap else len(pieces)))
        for start in range(0, len(pieces), at_once):
            # By the clock, so that what one piece is late does not add up over twenty.
            await way.pause(first + gap * start - asyncio.get_running_loop().time())
            await way.piece(b"".join(pieces[start : start + at_once]))
        if kind in ENDLESS:
            await self._for_ever(way, stream.ping)
        elif kind is FaultKind.CUT:
            await way.cut()
        elif kind is FaultKind.ERROR_IN_STREAM:
            await way.piece(stream.error)
        await way.end()

    async def _whole(self, way: "_Way") -> None:
        kind, body = self.fault.kind if self.fault else None, self.reply.encoded()
        await way.pause(self.seconds)
        if kind is FaultKind.HANG:
            await self._for_ever(way, b"")
        if kind is FaultKind.DRIP:
            await way.start(self.reply)
            await self._for_ever(way, b" ")  # JSON may begin with any number of spaces
        if kind is FaultKind.UNFINISHED:
            body = body[: len(body) // 2]
        await way.start(self.reply, length=len(body))
        if kind is FaultKind.CUT:
            await way.piece(body[: len(body) // 2])
            await way.cut()
        await way.end(body)

    async def _for_ever(self, way: "_Way", ping: bytes) -> None:
        """Send pings, or nothing at all, until the asker goes away."""
        dripping = self.fault is not None and self.fault.kind is FaultKind.DRIP
        apart = 1.0 if self.fault is None or self.fault.seconds is None else self.fault.seconds
        while True:
            await way.pause(apart if dripping else None)
            await way.piece(ping)


def _until(kind: FaultKind | None, pieces: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Give the pieces that are sent before the fault shows; the last one never is."""
    if kind in ENDLESS:
        return pieces[:1]
    if kind in (FaultKind.CUT, FaultKind.UNFINISHED, FaultKind.ERROR_IN_STREAM):
        return pieces[: max(1, len(pieces) // 2)]
    return pieces


class _Way:
    """The way back to the asker."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._gone: asyncio.Future[object] | None = None
        self.bytes_out = 0

    async def start(self, reply: Reply, length: int | None = None) -> None:
        """Send the headers."""
        headers = {**SIMULATED, "content-type": reply.media_type, **reply.headers}
        if length is not None:
            headers["content-length"] = str(length)
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        start = {"type": "http.response.start", "status": reply.status, "headers": raw}
        await self._send(start)

    async def piece(self, body: bytes) -> None:
        """Send a piece of the body."""
        if body:
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
            self.bytes_out += len(body)

    async def end(self, body: bytes = b"") -> None:
        """Send the last piece."""
        await self._send({"type": "http.response.body", "body": body})
        self.bytes_out += len(body)

    async def cut(self) -> None:
        """Close the connection in the middle; raises _GoneError."""
        await cut(self._scope, self._receive)
        raise _GoneError

    async def pause(self, seconds: float | None) -> None:
        """Wait, for ever if None; raises _GoneError as soon as nobody waits for the answer."""
        if seconds is not None and seconds < TICK:
            return
        if self._gone is None:
            self._gone = asyncio.ensure_future(cast("asyncio.Future[object]", self._receive()))
        done, _ = await asyncio.wait((self._gone,), timeout=seconds)
        if done:
            raise _GoneError

    def close(self) -> None:
        """Stop listening."""
        if self._gone is not None:
            self._gone.cancel()
