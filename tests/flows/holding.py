"""Work that is under way for sure when its worker is killed: it never ends, the first time."""

import asyncio
from contextlib import suppress
from pathlib import Path

from tests.support.flows import Handle


def hold(log: Path, name: str) -> Path:
    """Have work of this name held, once, in a worker that writes to `log`."""
    mark = log.parent / f"hold-{name}"
    mark.touch()
    return mark


async def held(log: Path, name: str) -> None:
    """Never end if this work is to be held. Called by the work itself, which takes the mark."""
    with suppress(FileNotFoundError):
        (log.parent / f"hold-{name}").unlink()
        await asyncio.Event().wait()


async def until_held(handle: Handle, mark: Path) -> None:
    """Wait until the work that is to be held has begun."""
    while mark.exists():  # noqa: ASYNC240 - a test's own file
        assert (await handle.describe()).close_time is None, "closed before its time"
