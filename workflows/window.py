"""A sliding window: never more items in flight than there are slots, and no batches.

The slots may grow while it runs, and it may pause: then nothing new starts. Once no item waits,
every slot that falls free is released for good, so that whoever gave the slots can give them to
somebody else.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")


class Window(Generic[T]):
    """Does `work` for each item; `changed` is called whenever an item ends or slots are released.

    `work` must turn failures into results: an error that escapes it ends the window.
    """

    def __init__(
        self, work: Callable[[T], Awaitable[None]], slots: int, changed: Callable[[], None]
    ) -> None:
        self.slots = slots
        self.stopped = self.paused = False
        self._work, self._changed = work, changed
        self._waiting: deque[T] = deque()
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._begun = 0
        self._loaded = False
        self._ended = asyncio.Event()
        self._error: BaseException | None = None

    @property
    def in_flight(self) -> int:
        """Items being done now."""
        return len(self._busy)

    @property
    def is_over(self) -> bool:
        """Whether every item ended, or after a stop, those in flight."""
        return self._ended.is_set()

    @property
    def released(self) -> int:
        """Slots not needed any more: those no item waits for."""
        return self.slots - len(self._busy) if self._loaded and not self._waiting else 0

    def load(self, items: Sequence[T]) -> None:
        """Give the items, once, and start as many as there are slots."""
        self._loaded = True
        if not self.stopped:
            self._waiting.extend(items)
        self._fill()

    def allow(self, slots: int, *, paused: bool = False) -> None:
        """Let so many items be in flight from now on, never fewer than before; while `paused`,
        start none.
        """
        self.slots, self.paused = max(self.slots, slots), paused
        self._fill()

    def stop(self) -> None:
        """Start nothing more and cancel what is in flight."""
        self.stopped = True
        self._waiting.clear()
        for task in list(self._busy.values()):
            task.cancel()
        self._fill()

    async def ended(self) -> None:
        """Wait until every item ended, or after a stop, those in flight. Raises a work's error."""
        await self._ended.wait()
        if self._error is not None:
            raise self._error

    def _fill(self) -> None:
        while self._waiting and not self.paused and len(self._busy) < self.slots:
            task = asyncio.ensure_future(self._work(self._waiting.popleft()))
            self._busy[self._begun] = task
            task.add_done_callback(partial(self._done, self._begun))
            self._begun += 1
        if not self._waiting and not self._busy and (self._loaded or self.stopped):
            self._ended.set()
        self._changed()

    def _done(self, number: int, task: asyncio.Task[None]) -> None:
        del self._busy[number]
        error = None if task.cancelled() else task.exception()
        if error is not None and self._error is None:
            self._error = error
            self.stop()
        else:
            self._fill()
