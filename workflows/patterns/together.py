"""Small wrappers that make the traps of asyncio in workflows impossible.

`asyncio.gather` leaves the siblings of a failure running; `asyncio.wait_for` round an activity
raises ActivityError instead of a timeout; `asyncio.TaskGroup` raises an ExceptionGroup, which
leaves a workflow stuck, and cancels in the order of a set. Use `join` where failures need policies.
"""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.errors import DeadlinePassed, Misuse
from workflows.patterns.clock import CLEAN_UP, pause, shielded, wait_all
from workflows.scope import Scope, current_scope, enter_scope

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


class Group:
    """Use as `async with Group() as group`, then `group.start(coroutine)`; awaits them all.

    The first failure cancels and awaits the others, in the order they were started, and is
    raised itself. Of failures in one workflow task the first started counts.
    """

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []
        self._entered = self._left = False
        self._scope = _own_scope()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start work of the group; its result is read from the task after the block."""
        if not self._entered or self._left:
            work.close()
            raise Misuse("group.start(...) outside its `async with Group()` block; move it inside")
        task = asyncio.ensure_future(_inside(self._scope, work))
        self._tasks.append(task)
        return task

    async def __aenter__(self) -> Self:
        self._entered = True
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if error is not None and not isinstance(error, (Exception, asyncio.CancelledError)):
            return  # an evicted workflow is closed: it goes on elsewhere
        failed: BaseException | None = error
        try:
            while failed is None and (open_ := [t for t in self._tasks if not t.done()]):
                await workflow.wait(open_, return_when=asyncio.FIRST_COMPLETED)
                failed = _first_failure(self._tasks)
        except (Exception, asyncio.CancelledError):
            await self._give_up()
            raise
        failed = failed or _first_failure(self._tasks)
        await self._give_up()
        if failed is not None and failed is not error:
            raise failed

    async def _give_up(self) -> None:
        self._left = True
        await shielded(_cancelled(self._tasks, self._scope))


@overload
async def gather(a: Coroutine[Any, Any, A], b: Coroutine[Any, Any, B], /) -> tuple[A, B]: ...
@overload
async def gather(
    a: Coroutine[Any, Any, A], b: Coroutine[Any, Any, B], c: Coroutine[Any, Any, C], /
) -> tuple[A, B, C]: ...
@overload
async def gather(
    a: Coroutine[Any, Any, A],
    b: Coroutine[Any, Any, B],
    c: Coroutine[Any, Any, C],
    d: Coroutine[Any, Any, D],
    /,
) -> tuple[A, B, C, D]: ...
@overload
async def gather(*works: Coroutine[Any, Any, T]) -> tuple[T, ...]: ...
async def gather(*works: Coroutine[Any, Any, Any]) -> tuple[Any, ...]:
    """Run all at once and give their results in order; a failure cancels and awaits the rest."""
    async with Group() as group:
        tasks = [group.start(work) for work in works]
    return tuple(task.result() for task in tasks)


async def within(limit: timedelta, work: Coroutine[Any, Any, T], what: str) -> T:
    """Give the result of `work`; after `limit` cancel and await it and raise DeadlinePassed.

    `what` names the work in the error and the timer in the UI.
    """
    if not isinstance(limit, timedelta) or limit <= timedelta(0):
        work.close()
        raise Misuse(f"{what} has no time at all; use a positive timedelta, not {limit!r}")
    scope = _own_scope()
    task = asyncio.ensure_future(_inside(scope, work))
    clock = asyncio.ensure_future(pause(limit, f"{what}: limit"))
    try:
        await workflow.wait([task, clock], return_when=asyncio.FIRST_COMPLETED)
    except (Exception, asyncio.CancelledError):  # not when an evicted workflow is closed
        clock.cancel()
        await shielded(_cancelled([task], scope))
        raise
    clock.cancel()
    if task.done():
        return task.result()
    await shielded(_cancelled([task], scope))
    raise DeadlinePassed(f"{what} took longer than {limit}")


async def in_time(task: asyncio.Task[T], wait: timedelta, what: str) -> T | None:
    """Give what a soft dependency gives if it comes within `wait`, else None; it goes on.

    A wait of nothing takes only what is there already. `what` names the timer in the UI. If the
    dependency failed, its error is raised.
    """
    if not task.done() and wait > timedelta(0):
        clock = asyncio.ensure_future(pause(wait, f"{what}: in time"))
        try:
            await workflow.wait([task, clock], return_when=asyncio.FIRST_COMPLETED)
        finally:
            clock.cancel()
    return task.result() if task.done() else None


def _own_scope() -> Scope:
    """Open a scope of the same name: what is given up in it can be told to call nothing more."""
    return Scope(current_scope().name, current_scope())


async def _inside(scope: Scope, work: Coroutine[Any, Any, T]) -> T:
    enter_scope(scope)
    return await work


async def _cancelled(tasks: list[asyncio.Task[Any]], scope: Scope) -> None:
    """Cancel what still runs and wait for its end, within bounds; its errors are looked at.

    What runs on after that may call nothing more.
    """
    for task in tasks:
        task.cancel()
    await wait_all(tasks, CLEAN_UP)
    scope.closed = True
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()


def _first_failure(tasks: list[asyncio.Task[Any]]) -> BaseException | None:
    for task in (t for t in tasks if t.done()):
        if task.cancelled():  # by itself: nobody has given it up yet
            return ApplicationError("work was cancelled from inside", type="Cancelled")
        if (error := task.exception()) is not None:
            return error
    return None
