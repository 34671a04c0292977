"""Single flight: of equal calls one flies at a time, the next finds its reply."""

import asyncio
from contextlib import AbstractAsyncContextManager
from weakref import WeakValueDictionary


class Flights:
    """The flights of one process, by key."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def alone(self, key: str) -> AbstractAsyncContextManager[None]:
        """Wait until no other flight of `key` is under way, and keep others waiting."""
        return self._locks.setdefault(key, asyncio.Lock())
