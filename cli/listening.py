"""Serving an application of ours until Ctrl-C."""

import asyncio
import signal
from collections.abc import Callable

from starlette.types import ASGIApp

from cli.errors import BadInput
from runtime.serving import serving


async def listen(app: ASGIApp, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; the address is told first. Raises BadInput for a port that is
    taken.
    """
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    try:
        async with serving(app, port, host) as address:
            tell(address)
            await end.wait()
    except OSError as taken:
        raise BadInput(f"--port {port}: {taken.strerror}; choose another") from taken
