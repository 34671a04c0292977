"""Cutting a connection without an answer, which ASGI has no word for."""

import asyncio
from typing import cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

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
