"""Change a record others change too: send the version read; on a conflict read and decide again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from temporalio.exceptions import ActivityError, ApplicationError

from workflows.errors import Conflict, Contested, Misuse
from workflows.scope import log, told

T = TypeVar("T")
W = TypeVar("W")

CONFLICT = Conflict.__name__
"""Type of the error a write ends with when the record is not at the version sent any more."""


@dataclass(frozen=True)
class Versioned(Generic[T]):
    """A record as it was read, and the other side's version of it (a number or an ETag)."""

    value: T
    version: int | str


@dataclass(frozen=True)
class Updated(Generic[T, W]):
    """What was decided in the end, what the write gave, and how often it was decided.

    `written` is None when there was nothing to change.
    """

    value: T
    written: W | None
    attempts: int


async def update_record(
    read: Callable[[], Awaitable[Versioned[T]]],
    decide: Callable[[T], Awaitable[T | None]],
    write: Callable[[Versioned[T]], Awaitable[W]],
    *,
    what: str,
    attempts: int = 3,
) -> Updated[T, W]:
    """Read a record, decide on its change, and write it if nobody else did meanwhile.

    `decide` gives the record as it should be, None to leave it. `write` gets that with the version
    read, and must be an effect of its own for each version (idempotent: its answer lost and asked
    again, it is no conflict with itself). Every conflict has the newest record decided again.
    Raises Contested after `attempts` conflicts; any other error of the three as it is.
    """
    if attempts < 1:
        raise Misuse(f"update of {what}: attempts is {attempts}; give 1 or more")
    for attempt in range(1, attempts + 1):
        found = await read()
        wanted = await decide(found.value)
        if wanted is None:
            return Updated(found.value, None, attempt)
        try:
            written = await write(Versioned(wanted, found.version))
        except (ActivityError, ApplicationError) as error:
            if not is_conflict(error):
                raise
            log.info("record changed meanwhile", extra=told(record=what, attempt=str(attempt)))
        else:
            return Updated(wanted, written, attempt)
    raise Contested(
        f"update of {what}: {attempts} times somebody else changed it in between; allow more"
        " attempts, or take turns with a lock (workflows/patterns/locks.py)"
    )


def is_conflict(error: BaseException) -> bool:
    """Say whether a write failed because its version was not the newest."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return isinstance(cause, ApplicationError) and cause.type == CONFLICT
