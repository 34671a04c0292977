"""Places: what limits bear at once, given to the work the most follows on."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from workflows.errors import Misuse
from workflows.patterns.checks import is_whole


@dataclass(eq=False)
class _Request:
    names: tuple[str, ...]
    rank: float
    granted: asyncio.Future[None]


class Places:
    """Places by the name of their limit. `ring` wakes who calls `grant` when all has settled."""

    def __init__(self, limits: Mapping[str, int], ring: Callable[[], None]) -> None:
        for name, most in limits.items():
            if not is_whole(most) or most < 1:
                raise Misuse(f"limit {name!r} is {most!r}, so nothing could run; use 1 or more")
        self._limits, self._ring = limits, ring
        self._busy: Counter[str] = Counter()
        self._waiting: list[_Request] = []

    @asynccontextmanager
    async def held(self, names: Sequence[str], rank: float) -> AsyncIterator[None]:
        """Hold a place of each limit named, all at once; names without a limit ask for none."""
        limited = tuple(dict.fromkeys(name for name in names if name in self._limits))
        if limited:
            await self._take(limited, rank)
        try:
            yield
        finally:
            self._free(limited)

    def grant(self) -> None:
        """Give free places to those who wait, the highest rank first, then the longest waiting."""
        for request in sorted(self._waiting, key=lambda r: -r.rank):
            if all(self._busy[name] < self._limits[name] for name in request.names):
                self._busy.update(request.names)
                self._waiting.remove(request)
                if not request.granted.done():
                    request.granted.set_result(None)

    async def _take(self, names: tuple[str, ...], rank: float) -> None:
        request = _Request(names, rank, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        self._ring()
        try:
            await request.granted
        except asyncio.CancelledError:
            if request in self._waiting:
                self._waiting.remove(request)
            else:  # granted in the moment it was given up
                self._free(names)
            raise

    def _free(self, names: tuple[str, ...]) -> None:
        if names:
            self._busy.subtract(names)
            self._ring()
