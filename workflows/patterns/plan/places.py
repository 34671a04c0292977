"""Places: what limits bear at once and in a minute, given to the work the most follows on."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from workflows.data.blueprints.plan import Limit
from workflows.errors import Misuse
from workflows.patterns.checks import is_whole
from workflows.patterns.clock import now, pause

MINUTE = timedelta(minutes=1)


@dataclass(eq=False)
class _Request:
    names: tuple[str, ...]
    rank: float
    granted: asyncio.Future[None]


def limits_of(given: Mapping[str, int | Limit]) -> dict[str, Limit]:
    """Read limits: a number is one of places. Raises Misuse where nothing could run."""
    for name, most in given.items():
        if not isinstance(most, Limit) and (not is_whole(most) or most < 1):
            raise Misuse(f"limit {name!r} is {most!r}, so nothing could run; use 1 or more")
    return {n: m if isinstance(m, Limit) else Limit(at_once=m) for n, m in given.items()}


class Places:
    """Places by the name of their limit. `ring` wakes who calls `grant` when all has settled."""

    def __init__(self, limits: Mapping[str, Limit], ring: Callable[[], None]) -> None:
        self._limits, self._ring = limits, ring
        self._busy: Counter[str] = Counter()
        self._begun = {name: deque[datetime]() for name in limits}
        self._waiting: list[_Request] = []
        self._clock: asyncio.Task[None] | None = None
        self._until = now()

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
        """Give free places to those who wait, the highest rank first, then the longest waiting.

        Where only the minute holds someone back, it is waited for.
        """
        opens = list[datetime]()
        for request in sorted(self._waiting, key=lambda r: -r.rank):
            if not all(self._is_free(name) for name in request.names):
                continue
            if (when := self._opens(request.names)) > now():
                opens.append(when)
                continue
            self._busy.update(request.names)
            for name in request.names:
                self._begun[name].append(now())
            self._waiting.remove(request)
            if not request.granted.done():
                request.granted.set_result(None)
        self._wake(opens)

    def close(self) -> None:
        """Wait for no minute any more."""
        if self._clock is not None:
            self._clock.cancel()

    def _is_free(self, name: str) -> bool:
        most = self._limits[name].at_once
        return most is None or self._busy[name] < most

    def _opens(self, names: Iterable[str]) -> datetime:
        """Say when the minute of each of these bears one more."""
        found = now()
        for name in names:
            begun, most = self._begun[name], self._limits[name].per_minute
            while begun and begun[0] + MINUTE <= now():
                begun.popleft()
            if most is not None and len(begun) >= most:
                found = max(found, begun[-most] + MINUTE)
        return found

    def _wake(self, opens: Sequence[datetime]) -> None:
        """Ring when the next minute opens."""
        if not opens:
            return
        if self._clock is not None and not self._clock.done():
            if self._until <= min(opens):
                return
            self._clock.cancel()
        self._until = min(opens)
        self._clock = asyncio.ensure_future(pause(self._until - now(), "limits: a minute"))
        self._clock.add_done_callback(lambda _task: self._ring())

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
