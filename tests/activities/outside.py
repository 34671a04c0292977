"""A tiny outside world of scripted replies: real HTTP on loopback, with every way to break."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Literal


@dataclass(frozen=True)
class Canned:
    """One scripted reply. `cut` closes the connection before (None: never) that many bytes.

    `pieces` are streamed, one each `pace` seconds; then the stream ends as `ending` says: in
    order, `cut` off, in `silence`, or never (`drip`: the last piece again and again).
    """

    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()
    cut: int | None = None
    hang: bool = False
    pieces: tuple[bytes, ...] = ()
    pace: float = 0
    ending: Literal["order", "cut", "silence", "drip"] = "order"


def said(value: object, status: int = 200, **headers: str) -> Canned:
    named = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Canned(status, json.dumps(value).encode(), named)


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        value: dict[str, object] = json.loads(self.body)
        return value


@dataclass
class Outside:
    """Answers requests in order of the script, and remembers what it was asked."""

    url: str = ""
    script: deque[Canned] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    going_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.going_on.set()

    def hold(self) -> None:
        """Answer nobody until `go_on`."""
        self.going_on.clear()

    def go_on(self) -> None:
        self.going_on.set()

    def will(self, *replies: Canned) -> None:
        self.script.extend(replies)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (seen := await _read(reader)) is not None:
                self.seen.append(seen)
                self.asked.set()
                canned = self.script.popleft() if self.script else Canned(599, b"no script left")
                await self.going_on.wait()
                if canned.pieces:
                    await self._stream(canned, writer)
                    break
                if canned.hang:
                    await self.closing.wait()
                if canned.hang or canned.cut is not None:
                    writer.write(_raw(canned)[: canned.cut or 0])
                    break
                writer.write(_raw(canned))
                await writer.drain()
        finally:
            writer.close()

    async def _stream(self, canned: Canned, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        last = repeat(canned.pieces[-1]) if canned.ending == "drip" else ()
        for piece in chain(canned.pieces, last):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if self.closing.is_set() or writer.is_closing():
                return
            await writer.drain()
            await asyncio.sleep(canned.pace)
        if canned.ending == "order":
            writer.write(b"0\r\n\r\n")
        elif canned.ending == "silence":
            await self.closing.wait()


async def _read(reader: asyncio.StreamReader) -> Seen | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.split(": ", 1) for line in lines)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, path, headers, body)


def _raw(canned: Canned) -> bytes:
    headers = [("content-length", str(len(canned.body))), *canned.headers]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {canned.status} X\r\n{head}\r\n".encode() + canned.body


@asynccontextmanager
async def outside_world() -> AsyncIterator[Outside]:
    world = Outside()
    server = await asyncio.start_server(world.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    world.url = f"http://127.0.0.1:{port}"
    try:
        yield world
    finally:
        world.closing.set()
        server.close()
