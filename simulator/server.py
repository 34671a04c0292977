"""Serving the simulator on loopback: in this process, on a port of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from simulator.app import create_app
from simulator.config import Signaller, SimulatorConfig
from simulator.connection import LOOPBACK, CuttableProtocol, listen


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals alone and tells when it is up."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=CuttableProtocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=1,
                timeout_keep_alive=60,
            )
        )
        self.up = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signal handlers to whoever runs the process."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start and say so."""
        await super().startup(sockets)
        self.up.set()


@asynccontextmanager
async def serving(app: ASGIApp, port: int = 0, host: str = LOOPBACK) -> AsyncIterator[str]:
    """Serve an application until the block ends; yields its base URL."""
    with listen(port, host) as bound:
        server = Server(app)
        task = asyncio.create_task(server.serve(sockets=[bound]))
        up = asyncio.create_task(server.up.wait())
        await asyncio.wait((task, up), return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        try:
            if task.done():
                raise RuntimeError("the simulator did not start; see its log")
            yield f"http://{host}:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def running(config: SimulatorConfig, signal: Signaller | None = None) -> AsyncIterator[str]:
    """Run a simulator in this process on a free port; yields its base URL."""
    async with serving(create_app(config, signal)) as url:
        yield url
