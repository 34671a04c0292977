"""Turns: a case started with the memo `braid-one-at-a-time` sends one thing at a time.

Of a case, its children and its fused steps at most one Call is under way, in the order in which
they were asked for; a child the case waits for is one turn, in which its own Calls take theirs.
Everything else overlaps as ever: waiting for people, events, timers and outside jobs (`patient`),
and children that are abandoned. Deadlines run on while a Call waits for its turn. A turn passes
once all that follows from the last answer has been done, so a Call that answer made needless is
never sent. An attempt that was cancelled has lost its turn, even if it takes a moment to end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from temporalio import workflow

_out_of_turn: ContextVar[bool] = ContextVar("braid_out_of_turn", default=False)


@contextmanager
def out_of_turn() -> Iterator[None]:
    """Let what is sent inside take no turn: one waits for an outside job as for people."""
    token = _out_of_turn.set(True)
    try:
        yield
    finally:
        _out_of_turn.reset(token)


def needs_turn() -> bool:
    """Say whether what is sent here takes a turn."""
    return not _out_of_turn.get()


class Turns:
    """Those who wait to send something, in the order they came; whoever is first has the turn."""

    def __init__(self) -> None:
        self._line: list[object] = []

    async def take(self) -> Callable[[], None]:
        """Wait for the turn; call what is given to pass it on."""
        mine, task = object(), asyncio.current_task()
        self._line.append(mine)
        before = task.cancelling() if task else 0
        try:
            while True:
                try:
                    await workflow.wait_condition(lambda: self._line[0] is mine)
                    return partial(self._line.remove, mine)
                except asyncio.CancelledError:
                    # The SDK raises it also when only the workflow was cancelled, not this task:
                    # an undo that waits for its turn goes on.
                    if task is None or task.cancelling() > before:
                        raise
        except BaseException:
            self._line.remove(mine)
            raise

    async def within(self, send: Callable[[], Awaitable[Any]]) -> Any:
        """Send something in its turn, and give the answer."""
        leave = await self.take()
        try:
            return await send()
        finally:
            leave()
