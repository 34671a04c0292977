"""Grouped commits: what is to be written while one transaction runs goes into the next together.

A hundred calls at once cost a few commits instead of a hundred.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import Store

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]
"""Reads and writes on a connection. An error it raises reaches its own caller alone, so it raises
before it writes anything; an error of the database fails the whole group.
"""


@dataclass(frozen=True)
class _Waiting(Generic[T]):
    work: Work[T]
    done: asyncio.Future[T]


class Grouped:
    """Runs pieces of work in the transactions of one store, many in one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[_Waiting[Any]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def do(self, work: Work[T]) -> T:
        """Run the work in the next transaction; it is on disk when this returns.

        Whoever is cancelled while waiting cannot know whether it was done: shield what matters.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(work, done)
        self._waiting.append(waiting)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return await done

    async def _flush(self) -> None:
        try:
            while self._waiting:
                await self._commit()
        finally:
            self._flushing = None

    async def _commit(self) -> None:
        group: list[_Waiting[Any]] = []
        try:
            async with self._store.writing() as connection:
                # Only now: what came while the transaction began goes with it.
                group, self._waiting = self._waiting, []
                group = [one for one in group if not one.done.cancelled()]
                results = [await _run(one, connection) for one in group]
        except Exception as error:
            results = [(one, None, error) for one in group]
        for one, value, wrong in results:
            if one.done.cancelled():
                continue
            if wrong is not None:
                one.done.set_exception(wrong)
            else:
                one.done.set_result(value)


async def _run(
    one: _Waiting[Any], connection: AsyncConnection
) -> tuple[_Waiting[Any], Any, Exception | None]:
    try:
        return one, await one.work(connection), None
    except SQLAlchemyError:
        raise
    except Exception as error:
        return one, None, error
