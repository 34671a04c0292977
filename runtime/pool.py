"""Processes for what computes long: the event loop, and with it every heartbeat, goes on."""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from runtime.processes import die_with_parent

T = TypeVar("T")
SIZE = max(1, min(4, (os.cpu_count() or 2) // 2))
"""Processes of one worker: half its processors, and no more than four, for each holds its lists."""


class PoolBroken(Exception):
    """A process died while it computed: killed, or out of memory. Another try gets a new one."""


class Pool:
    """The processes of one worker, begun when first needed. Close it at the end."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._executor: ProcessPoolExecutor | None = None

    async def run(self, function: Callable[..., T], *given: object) -> T:
        """Call a module's own function in another process; all it takes and gives is pickled.

        Raises what it raises, and PoolBroken.
        """
        executor = self._executor = self._executor or self._begun()
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, function, *given)
        except BrokenProcessPool as broken:
            if self._executor is executor:
                self._executor = None
            executor.shutdown(wait=False)
            raise PoolBroken(f"the process that ran {function.__name__} died") from broken

    def close(self) -> None:
        """End the processes; one that computes ends when it is done, or with this one."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

    def _begun(self) -> ProcessPoolExecutor:
        # Spawned: a fork would copy the threads' locks of the Temporal SDK as they happen to stand.
        context = get_context("spawn")
        return ProcessPoolExecutor(self._size, mp_context=context, initializer=_begin)


def _begin() -> None:
    """Leave Ctrl-C to the worker, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
