"""What the tests of joins share."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from tests.patterns.virtual import elapsed
from workflows.errors import JoinFailed
from workflows.patterns.join import CLEAN_UP
from workflows.patterns.outcome import Joined

Work = Callable[[], Awaitable[Any]]
BOUND = CLEAN_UP.total_seconds()


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def broken(why: str = "no luck") -> ApplicationError:
    return ApplicationError(why, type="Broken")


async def timed(work: Awaitable[Joined]) -> tuple[Joined, float]:
    """Give the result and the virtual time at which it came."""
    return await work, elapsed()


async def refused(work: Awaitable[Joined]) -> tuple[JoinFailed, float]:
    with pytest.raises(JoinFailed) as caught:
        await work
    return caught.value, elapsed()


def statuses(joined: Joined) -> str:
    return " ".join(f"{o.name}:{o.status}" for o in joined.branches.values())
