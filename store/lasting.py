"""Writes that are not given up: what happened outside is not forgotten for want of a store."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from store.errors import StoreAway

T = TypeVar("T")
FIRST_PAUSE, LAST_PAUSE = 0.1, 2.0

log = structlog.get_logger(__name__)


async def until_written(write: Callable[[], Awaitable[T]]) -> T:
    """Write again until the store takes it: after StoreAway surely nothing was written."""
    pause = FIRST_PAUSE
    while True:
        try:
            return await write()
        except StoreAway as away:
            log.warning("what happened is kept until the store takes it", why=str(away))
        await asyncio.sleep(pause)
        pause = min(2 * pause, LAST_PAUSE)
