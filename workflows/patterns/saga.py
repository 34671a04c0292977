"""Saga: steps that register their undo; on failure or cancellation all is undone in reverse."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from workflows.calls import told
from workflows.errors import Misuse, reason
from workflows.patterns.clock import shielded

T = TypeVar("T")
REFUSED = "EffectRefused"
"""Type of an error that says the other side did nothing: there is nothing to undo."""


@dataclass(frozen=True)
class Undone:
    """What became of one undo; `error` empty means done."""

    step: str
    error: str = ""


class Saga:
    """Use as `async with Saga() as saga`, then `await saga.step(name, do, undo)`.

    An undo must be idempotent and must not mind that its step never took effect: a step that
    failed without a clear refusal may have worked, so its undo runs too. The error that broke the
    saga is raised again after undoing; `undone` says what was undone and what could not be.
    """

    def __init__(self) -> None:
        self._undos: list[tuple[str, Callable[[], Awaitable[Any]]]] = []
        self._names: set[str] = set()
        self.undone: tuple[Undone, ...] = ()

    async def step(
        self,
        name: str,
        do: Callable[[], Awaitable[T]],
        undo: Callable[[], Awaitable[Any]] | None = None,
    ) -> T:
        """Do a step. Its undo is registered once it succeeded, or may have.

        Raises Misuse when the name is taken; a step that was refused may be tried again.
        """
        if name in self._names:
            raise Misuse(f"saga step {name!r} stands there twice; rename one")
        self._names.add(name)
        refused = False
        try:
            return await do()
        except (Exception, asyncio.CancelledError) as error:
            refused = _refused(error)
            raise
        finally:
            if refused:
                self._names.discard(name)
            elif undo is not None:
                self._undos.append((name, undo))

    async def undo(self) -> tuple[Undone, ...]:
        """Undo every registered step in reverse order, past failures, once."""
        done: list[Undone] = []
        while self._undos:
            name, undo = self._undos.pop()
            done.append(await _undo(name, undo))
        self.undone += tuple(done)
        return self.undone

    @property
    def left_over(self) -> tuple[Undone, ...]:
        """Undos that failed for good: tasks for a person."""
        return tuple(u for u in self.undone if u.error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        # Not when an evicted workflow is closed (GeneratorExit): it goes on elsewhere.
        if isinstance(error, (Exception, asyncio.CancelledError)):
            await shielded(self.undo())


async def _undo(name: str, undo: Callable[[], Awaitable[Any]]) -> Undone:
    try:
        await undo()
    except (Exception, asyncio.CancelledError) as error:
        if workflow.in_workflow():
            workflow.logger.error("undo failed", extra=told(step=name))
        return Undone(name, reason(error))
    return Undone(name)


def _refused(error: BaseException) -> bool:
    """Say whether this very call was refused; deeper causes may stand beside other effects."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return isinstance(cause, ApplicationError) and cause.type == REFUSED
