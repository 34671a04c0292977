"""Checks of what a pattern is given: a wrong type is Misuse when built, no TypeError later."""

from collections.abc import Awaitable, Iterable
from datetime import timedelta
from inspect import isawaitable
from typing import TypeVar

from workflows.errors import Misuse

T = TypeVar("T")


def is_whole(value: object) -> bool:
    """Say whether this is an int (a bool is none)."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Say whether this is an int or a float."""
    return is_whole(value) or isinstance(value, float)


def is_time(value: object) -> bool:
    """Say whether this is a timedelta above zero."""
    return isinstance(value, timedelta) and value > timedelta(0)


def must_be(kind: type, value: object, what: str, mend: str) -> None:
    """Raise Misuse, with the mend, unless `value` is of this kind."""
    if not isinstance(value, kind):
        raise Misuse(f"{what} is of type {type(value).__name__}; {mend}")


def must_call(value: object, what: str) -> None:
    """Raise Misuse unless `value` can be called."""
    if not callable(value):
        raise Misuse(
            f"{what} is of type {type(value).__name__}; give a function, not what it returns"
        )


def listed(given: Iterable[T], kind: type[T], what: str, mend: str) -> list[T]:
    """List what must be several of one kind. Raises Misuse, with the mend, for anything else."""
    must_be(Iterable, given, what, mend)
    several = list(given)
    for one in several:
        must_be(kind, one, f"one of {what}", mend)
    return several


async def awaited(made: Awaitable[T], what: str) -> T:
    """Await what a function made. Raises Misuse if that was no `async def`."""
    if not isawaitable(made):
        raise Misuse(f"{what} gave a {type(made).__name__} at once; make it an `async def`")
    return await made
