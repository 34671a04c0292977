"""Time and waiting that work both in a workflow and on a plain asyncio loop."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow

T = TypeVar("T")
CLEAN_UP = timedelta(seconds=10)
"""How long work that is given up may take to end."""


def now() -> datetime:
    """Give workflow time; outside a workflow, the time of the running loop."""
    if workflow.in_workflow():
        return workflow.now()
    return datetime.fromtimestamp(asyncio.get_running_loop().time(), UTC)


async def pause(duration: timedelta, summary: str) -> None:
    """Sleep durably; `summary` names the timer in the UI."""
    if workflow.in_workflow():
        await workflow.sleep(duration, summary=summary)
    else:
        await asyncio.sleep(duration.total_seconds())


async def wait_for(event: asyncio.Event, timeout: timedelta | None, summary: str) -> bool:
    """Wait durably until `event` is set; give False if `timeout` passed first."""
    limit = None if timeout is None else max(timeout.total_seconds(), 0.0)
    try:
        if workflow.in_workflow():
            await workflow.wait_condition(event.is_set, timeout=limit, timeout_summary=summary)
        else:
            await asyncio.wait_for(event.wait(), limit)
    except TimeoutError:
        return event.is_set()
    return True


async def wait_any(
    events: Sequence[asyncio.Event], timeout: timedelta | None, summary: str
) -> None:
    """Wait durably until one of the events is set, or `timeout` passed."""
    limit = None if timeout is None else max(timeout.total_seconds(), 0.0)
    if not workflow.in_workflow():
        waiting = [asyncio.ensure_future(event.wait()) for event in events]
        try:
            await asyncio.wait(waiting, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        return
    with suppress(TimeoutError):
        await workflow.wait_condition(
            lambda: any(event.is_set() for event in events), timeout=limit, timeout_summary=summary
        )


class Bell:
    """Wakes one waiter once everything that can run now has run.

    In a workflow that is the end of the workflow task's activation, so what settles in one task
    is seen together. A test loop offers the same through its method `idle`.
    """

    def __init__(self) -> None:
        self._rung = False
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Note that something changed."""
        self._rung = True
        self._event.set()

    async def wait(self) -> None:
        """Wait for a ring and for the end of everything else that is ready."""
        if workflow.in_workflow():
            await workflow.wait_condition(lambda: self._rung)
        else:
            await self._event.wait()
            idle: Callable[[], Awaitable[None]] | None
            idle = getattr(asyncio.get_running_loop(), "idle", None)
            await (idle() if idle else asyncio.sleep(0))
        self._rung = False
        self._event.clear()


async def shielded(work: Coroutine[Any, Any, T]) -> T:
    """Run clean-up to its end whatever cancellation arrives meanwhile, then let that through."""
    try:
        task = asyncio.ensure_future(work)
    except BaseException:
        work.close()  # a workflow being evicted starts nothing any more
        raise
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # noqa: S110 - task.result() below raises it
            pass
    if cancelled is not None and not task.cancelled():
        task.exception()  # looked at, so that it is not reported as lost
        raise cancelled
    return task.result()


async def wait_all(tasks: Sequence[asyncio.Task[Any]], within: timedelta) -> None:
    """Wait until all tasks ended or the time is over; errors stay in the tasks."""
    pending = [t for t in tasks if not t.done()]
    if not pending:
        return
    if workflow.in_workflow():
        await workflow.wait(pending, timeout=within.total_seconds())
    else:
        await asyncio.wait(pending, timeout=within.total_seconds())
