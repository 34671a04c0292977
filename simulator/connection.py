"""Ports to serve on, and cutting a connection without an answer, which ASGI has no word for."""

import asyncio
import socket
from typing import cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

LOOPBACK = "127.0.0.1"
_TRANSPORT = "simulator.transport"


class CuttableProtocol(H11Protocol):
    """HTTP/1.1 that lets the application reach its transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hand the transport down in the scope's state."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


async def cut(scope: Scope, receive: Receive) -> None:
    """Close the connection and wait until the server has noticed."""
    cast(asyncio.Transport, scope["state"][_TRANSPORT]).abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def cut_off(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    """Give no answer at all: an ASGI application."""
    await cut(scope, receive)


def listen(port: int, host: str = LOOPBACK) -> socket.socket:
    """Bind to a port, on loopback unless told; 0 takes a free one. Raises OSError if taken."""
    # The protocol is named because asyncio turns Nagle's delay (40 ms a reply) off only then.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
