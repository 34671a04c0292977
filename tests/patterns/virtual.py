"""An asyncio loop on virtual time: five days take no time, and what happens is repeatable.

When nothing is ready, the loop first tells those who wait for that (`idle`, which stands for the
end of a workflow task), and then jumps to the next timer.
"""

import asyncio
import gc
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
Ready = list[tuple[selectors.SelectorKey, int]]


class Deadlock(AssertionError):
    """Somebody waits, but nothing is ready and no timer runs."""


class _Jump(selectors.DefaultSelector):
    """Jumps in time where a real selector would block."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.idlers: list[asyncio.Future[None]] = []

    def select(self, timeout: float | None = None) -> Ready:
        if timeout is None or timeout > 0:
            waiting, self.idlers = [f for f in self.idlers if not f.done()], []
            for future in waiting:
                future.set_result(None)
            if not waiting:
                if timeout is None:
                    raise Deadlock("nothing is left that could happen")
                self.now += timeout
        ready: Ready = super().select(0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time, in seconds from 0, moves only when nothing is ready."""

    def __init__(self) -> None:
        self._jump = _Jump()
        self.reported: list[dict[str, Any]] = []
        super().__init__(self._jump)
        # asyncio's own nanosecond is less than a float can tell apart after a hundred days
        self._clock_resolution = 1e-6
        self.set_exception_handler(lambda _loop, context: self.reported.append(context))

    def time(self) -> float:
        return self._jump.now

    def idle(self) -> asyncio.Future[None]:
        """Give a future that resolves once no other handle is ready."""
        future = self.create_future()
        self._jump.idlers.append(future)
        return future


def run(work: Coroutine[Any, Any, T], *, collect: bool = False) -> T:
    """Run on a loop of its own; fail when asyncio had something to complain about.

    With `collect` garbage is collected first, so that errors nobody looked at are found too.
    """
    loop = VirtualLoop()
    if collect:
        gc.disable()  # so that all that is made meanwhile stays among what is young
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            result = runner.run(work)
            if collect:
                gc.collect(1)
    finally:
        gc.enable()
    assert loop.reported == []
    return result


def elapsed() -> float:
    """Give the virtual seconds since the loop started."""
    return asyncio.get_running_loop().time()


DAY = 86_400.0


@dataclass
class Trail:
    """What happened and when, and how much was in flight at once."""

    log: list[tuple[float, str]] = field(default_factory=list)
    running: int = 0
    most: int = 0

    def note(self, what: str) -> None:
        self.log.append((elapsed(), what))

    @property
    def words(self) -> list[str]:
        return [what for _, what in self.log]

    def work(
        self, name: str, seconds: float, *, error: Exception | None = None
    ) -> Callable[[], Coroutine[Any, Any, str]]:
        """Give work that takes so long, then fails with `error` or gives its name in capitals."""

        async def do() -> str:
            self.note(f"{name} starts")
            self.running += 1
            self.most = max(self.most, self.running)
            try:
                await asyncio.sleep(seconds)
            except asyncio.CancelledError:
                self.note(f"{name} cancelled")
                raise
            finally:
                self.running -= 1
            if error is not None:
                self.note(f"{name} fails")
                raise error
            self.note(f"{name} done")
            return name.upper()

        return do

    def stubborn(self, name: str, seconds: float) -> Callable[[], Coroutine[Any, Any, str]]:
        """Give work that heeds no cancellation and runs to its end."""

        async def do() -> str:
            self.note(f"{name} starts")
            end = elapsed() + seconds
            while (left := end - elapsed()) > 1e-6:
                try:
                    await asyncio.sleep(left)
                except asyncio.CancelledError:
                    self.note(f"{name} ignores cancellation")
            self.note(f"{name} done")
            return name.upper()

        return do
