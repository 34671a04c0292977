"""The one place that speaks HTTP to the world: pooled clients, timeouts, errors translated once.

What a broken exchange means is decided here: whether anything may have reached the other side.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

import httpx

from runtime.settings import Endpoint, Settings
from runtime.telemetry import traceparent, vendor_span

IDLE_SECONDS = 2.0
"""How long an idle connection is kept: shorter than servers do, so that none dies in our hands."""
KEPT_IDLE = 20
MOST_CONNECTIONS = 1000
"""Of one service. A stream holds its connection for minutes, and limits are the permits' task."""

AT_MOST_ONCE = frozenset({"chat"})
"""Services whose connections are never reused: a stale one would leave an effect unclear."""


@dataclass(frozen=True)
class HttpRequest:
    """A request before it is sent; `path` is below the endpoint's base URL, with its query.

    Headers may hold a key: they are no part of a repr nor of the journal.
    """

    method: str
    path: str
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    streamed: bool = False
    """The answer comes in pieces over a long time, as a model's does: its own time limits hold."""


@dataclass(frozen=True)
class Reply:
    """What came back; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class WireError(Exception):
    """An exchange broke. `sent` says whether the request may have reached the other side."""

    sent = True


class NotSent(WireError):
    """No connection: the other side knows nothing of the request."""

    sent = False


class LeftAlone(NotSent):
    """The breaker of the service is open for `wait` more: it is not even tried."""

    def __init__(self, why: str, wait: timedelta) -> None:
        super().__init__(why)
        self.wait = wait


class Lost(WireError):
    """The connection broke or timed out after sending: the request may have been served."""


BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
"""Errors that leave nothing sent; every other RequestError may have been served (test)."""


class Wire:
    """HTTP clients, one per service, made when first needed. Close it at the end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def exchange(
        self,
        service: str,
        endpoint: Endpoint,
        request: HttpRequest,
        *,
        on_headers: Callable[[], None] | None = None,
        on_chunk: Callable[[int], None] | None = None,
    ) -> Reply:
        """Send one request and read the whole answer, whatever its status.

        `on_headers` is called when the answer begins, `on_chunk` with the bytes read so far.
        Raises NotSent or Lost. Waits at most the timeout of the settings in total, and for a
        streamed answer at most `model_idle_timeout` for its next piece.
        """
        with vendor_span(service, request.method, simulated=endpoint.simulated) as note:
            reply = await self._exchanged(service, endpoint, request, on_headers, on_chunk)
            note(reply.status)
        return reply

    async def _exchanged(
        self,
        service: str,
        endpoint: Endpoint,
        request: HttpRequest,
        on_headers: Callable[[], None] | None,
        on_chunk: Callable[[int], None] | None,
    ) -> Reply:
        total, idle = self._seconds(request)
        trace = traceparent() if service in self._settings.traced else {}
        try:
            async with (
                asyncio.timeout(total),
                self._client(service, endpoint).stream(
                    request.method,
                    endpoint.base_url.rstrip("/") + request.path,
                    content=request.content or None,
                    headers=dict(request.headers) | trace,
                    follow_redirects=request.method == "GET",
                    timeout=_timeout(total, idle, self._settings.connect_timeout),
                ) as answer,
            ):
                if on_headers is not None:
                    on_headers()
                body = await _read(answer, on_chunk)
        except TimeoutError as late:
            raise Lost(f"{service} did not answer within {total:g} s") from late
        except httpx.RequestError as broken:
            raise _translated(service, broken) from broken
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status_code, headers, body)

    async def close(self) -> None:
        """Close all clients."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _seconds(self, request: HttpRequest) -> tuple[float, float]:
        """Give how long to wait in total, and for the next piece."""
        if not request.streamed:
            return self._settings.source_timeout, self._settings.source_timeout
        return self._settings.model_timeout, self._settings.model_idle_timeout

    def _client(self, service: str, endpoint: Endpoint) -> httpx.AsyncClient:
        if service not in self._clients:
            kept = 0 if service in AT_MOST_ONCE else KEPT_IDLE
            model = service in self._settings.models.vendors
            self._clients[service] = httpx.AsyncClient(
                # Many streams of a model share a connection; other services answer in one piece.
                http2=model and endpoint.base_url.startswith("https:"),
                limits=httpx.Limits(
                    max_connections=MOST_CONNECTIONS,
                    max_keepalive_connections=kept,
                    keepalive_expiry=IDLE_SECONDS,
                ),
                # A proxy of the environment is for the outside world, not for our loopback.
                trust_env=not endpoint.simulated,
                verify=tls_context(),
            )
        return self._clients[service]


def _timeout(total: float, idle: float, connect: float) -> httpx.Timeout:
    connect = min(connect, total)
    return httpx.Timeout(idle, connect=connect, pool=connect)


async def _read(answer: httpx.Response, on_chunk: Callable[[int], None] | None) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if on_chunk is not None:
            on_chunk(len(body))
    return bytes(body)


@cache
def tls_context() -> ssl.SSLContext:
    """Read the trusted certificates once: it takes a tenth of a second."""
    return httpx.create_ssl_context()


def _translated(service: str, broken: httpx.RequestError) -> WireError:
    kind = type(broken).__name__
    if isinstance(broken, BEFORE_SENDING):
        return NotSent(f"{service} cannot be reached ({kind})")
    return Lost(f"the connection to {service} broke before its answer was complete ({kind})")
