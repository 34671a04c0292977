"""Serving a small web application of ours beside other work."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signal handlers to whoever runs the process."""
        yield


@asynccontextmanager
async def serving(app: ASGIApp, port: int, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve on a port (0 takes a free one) until the block ends; yields the address.

    Raises OSError if the port is taken.
    """
    with socket.create_server((host, port)) as bound:
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = _Server(config)
        # Bound already, so whoever asks from now on waits for the answer.
        task = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            yield f"http://{host}:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
