"""A spare: a process that has loaded its code and waits to be told who it is.

Starting Python and loading the code is most of what a dead worker's successor takes to serve.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from runtime.processes import stop
from runtime.settings import ROOT

WAITS = "--spare"
"""The argument a process is started with that shall wait."""
HERE = f"{ROOT}{os.sep}"


class Spare:
    """Keeps at most one process waiting; `begin` starts it, with a pipe as its standard input."""

    def __init__(self, begin: Callable[[], Awaitable[asyncio.subprocess.Process]]) -> None:
        self._begin = begin
        self.waiting: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def prepare(self) -> None:
        """Start a process that waits, in place of any other."""
        async with self._turn:
            await self.end()
            self.waiting = await self._begin()

    def take(self, name: str) -> asyncio.subprocess.Process | None:
        """Tell the one that waits its name and give it up; None if there is none."""
        taken, self.waiting = self.waiting, None
        if taken is None or taken.returncode is not None:
            return None
        assert taken.stdin is not None  # noqa: S101 - it was begun with a pipe
        taken.stdin.write(f"{name}\n".encode())
        taken.stdin.close()
        return taken

    async def end(self) -> None:
        """End the one that waits: it has nothing to lose."""
        if (waiting := self.waiting) is not None:
            self.waiting = None
            await stop(waiting, 5, hard=True)


def awaited_name() -> str:
    """Wait, in a spare, for its name; leave if none comes, for then its owner has ended.

    If the code has changed since it was loaded, this process begins anew, under its name.
    """
    loaded = _code()
    name = sys.stdin.readline().strip()
    if not name:
        sys.exit(0)
    if _code() != loaded:
        named = [f"--identity={name}" if given == WAITS else given for given in sys.orig_argv]
        os.execv(sys.executable, named)  # noqa: S606 - our own command line
    return name


def _code() -> dict[str, int]:
    """Give when the files of the code that is loaded were written; 0 if they are gone."""
    files = [getattr(module, "__file__", None) for module in [*sys.modules.values()]]
    return {file: _written(Path(file)) for file in files if file and file.startswith(HERE)}


def _written(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
