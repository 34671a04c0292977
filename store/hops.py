"""SQLite on a thread, a statement a hop: done, fetched and closed there in one go.

aiosqlite goes to its thread and back four times for each statement, which costs more than the
statement: a call under the journal makes some twenty.
"""

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiosqlite


@dataclass(frozen=True)
class _Done:
    """What a statement brought."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: list[Any] = field(default_factory=list)


class _Cursor:
    """The part of a cursor that SQLAlchemy uses. It holds all rows: results are never streamed."""

    def __init__(self, connection: "_Connection") -> None:
        self._connection, self._done, self.arraysize = connection, _Done(), 1

    async def __aenter__(self) -> "_Cursor":
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> None:
        self._done = await self._connection.hop(sqlite3.Connection.execute, sql, parameters)

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> None:
        self._done = await self._connection.hop(sqlite3.Connection.executemany, sql, parameters)

    async def fetchall(self) -> list[Any]:
        return self._done.rows

    async def close(self) -> None:
        """Nothing is left to close."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._done, name)


class _Connection(aiosqlite.Connection):
    def cursor(self) -> Any:
        return _Cursor(self)

    async def hop(self, run: Callable[..., sqlite3.Cursor], sql: str, parameters: Any) -> _Done:
        whole = partial(_whole, partial(run, self._conn, sql, parameters))
        done: _Done = await self._execute(whole)  # type: ignore[no-untyped-call]
        return done


def _whole(run: Callable[[], sqlite3.Cursor]) -> _Done:
    cursor = run()
    try:
        rows = cursor.fetchall() if cursor.description else []
        return _Done(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
    finally:
        cursor.close()


async def connect(database: str, **options: Any) -> aiosqlite.Connection:
    """Open a database file as `sqlite3.connect` does."""
    connection = _Connection(partial(sqlite3.connect, database, **options), iter_chunk_size=64)
    connection._thread.daemon = True  # a process that ends does not wait for it
    return await connection
