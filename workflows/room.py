"""Room for what a workflow has open at once: what goes beyond it waits until something has ended.

The server holds 2,000 activities and 2,000 children of a workflow. One more fails its workflow
task, again at every try, and the case would be stuck for good.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

MOST_OPEN = 1_000
"""Half of what the server holds: it counts what was cancelled until a worker has heard of it."""
Opened = TypeVar("Opened", bound="asyncio.Future[Any]")


class Room:
    """Counts what is open, of one kind. Those who wait for room go on in the order they came."""

    def __init__(self, most: int = MOST_OPEN) -> None:
        self._free = most
        self._line = deque[asyncio.Future[None]]()

    @property
    def is_full(self) -> bool:
        """Say whether one more has to wait."""
        return self._free < 1

    def open(self, send: Callable[[], Opened]) -> Opened:
        """Send something at once, and count it until it has ended."""
        opened = send()
        self._free -= 1
        opened.add_done_callback(lambda _: self._leave())
        return opened

    async def within(self, send: Callable[[], "asyncio.Future[Any]"]) -> Any:
        """Send something as soon as there is room, and give the answer."""
        await self._room()
        return await self.open(send)

    async def take(self) -> Callable[[], None]:
        """Wait for room, not at all where there is some; call what is given to leave it."""
        await self._room()
        self._free -= 1
        return self._leave

    async def _room(self) -> None:
        while self.is_full:
            called = asyncio.get_running_loop().create_future()
            self._line.append(called)
            try:
                await called
            except asyncio.CancelledError:
                if not called.cancelled():  # called and given up at once: then the next one
                    self._call()
                raise

    def _leave(self) -> None:
        self._free += 1
        self._call()

    def _call(self) -> None:
        while self._line:
            if not (called := self._line.popleft()).done():
                called.set_result(None)
                return
