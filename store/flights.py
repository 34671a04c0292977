"""Single flight: of equal calls one flies at a time, the next finds its reply."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Flights:
    """The flights of one process, by key."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def alone(self, key: str) -> AsyncIterator[None]:
        """Wait until no other flight of `key` is under way, and keep others waiting."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            yield
