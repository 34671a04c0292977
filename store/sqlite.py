"""SQLite, the store of one machine: a file that any number of processes open.

Its write-ahead log lets readers and one writer work at once; with `synchronous=NORMAL` a commit
survives the kill of the process, not the loss of power.
"""

import asyncio
import fcntl
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from store import hops
from store.errors import StoreAway

BUSY_MS = 10_000
PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_MS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
)
FULL = 13
AWAY = {
    5: "another process held it for too long",
    6: "another connection held it for too long",
    8: "it may only be read",
    10: "reading or writing its file failed",
    FULL: "it is full; make room on its disk",
    14: "its file cannot be opened",
}
"""Primary result codes that may pass by themselves, or when somebody mends the machine."""


MOST_PAGES = "max_page_count"
"""In the query of the store's address: how many pages (4 KiB) the file may have at most."""


class Sqlite:
    """The store in a file. All writers take turns."""

    def __init__(self, address: URL) -> None:
        pages = address.query.get(MOST_PAGES)
        address = address.difference_update_query([MOST_PAGES])
        on_file = address.database and address.database != ":memory:"
        self._file = Path(address.database) if on_file and address.database else None
        self.where = str(self._file or address)
        self.engine = create_async_engine(address, connect_args={"async_creator_fn": hops.connect})
        bounds = (f"PRAGMA {MOST_PAGES}={int(str(pages))}",) if pages else ()
        event.listen(self.engine.sync_engine, "connect", partial(_prepare, (*PRAGMAS, *bounds)))
        event.listen(self.engine.sync_engine, "begin", _begin)
        self._writing = self.engine.execution_options(braid_writes=True)
        # SQLite lets one writer in and makes the others poll: inside a process they queue here.
        self._turn = asyncio.Lock()
        self._single_file = {True: self._turn, False: asyncio.Lock()}
        self._held: dict[bool, tuple[AsyncConnection, Any]] = {}

    @asynccontextmanager
    async def opening(self) -> AsyncIterator[None]:
        """Let one at a time make or migrate the store: turning WAL on does not wait by itself."""
        if self._file is None:
            yield
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.with_name(self._file.name + ".lock").open("w") as lock:
            # In a thread: whoever holds the lock may be another task of this event loop.
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads, one moment's state."""
        async with self.engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self, *, alone: bool) -> AsyncIterator[AsyncConnection]:  # noqa: ARG002
        """Open a transaction that writes; here each is alone."""
        async with self._turn, self._writing.begin() as connection:
            yield connection

    async def single(
        self, sql: str, values: Sequence[object], *, writes: bool
    ) -> Sequence[Sequence[Any]]:
        """Run one statement by itself, in one hop, on a connection that is held for such."""
        async with self._single_file[writes]:
            if writes not in self._held:
                connection = await self.engine.connect()
                raw = await connection.get_raw_connection()
                self._held[writes] = connection, raw.driver_connection
            _, driver = self._held[writes]
            try:
                done = await driver.hop(sqlite3.Connection.execute, sql, values)
            except sqlite3.Error as trouble:
                raise DBAPIError(None, None, trouble) from trouble
        rows: Sequence[Sequence[Any]] = done.rows
        return rows

    def away(self, trouble: Exception) -> str | None:
        """Say why another try may help; None if it will not."""
        if not isinstance(trouble, DBAPIError):
            return None
        return AWAY.get(getattr(trouble.orig, "sqlite_errorcode", 0) & 0xFF)

    async def forget(self) -> None:
        """Write the file anew without what was deleted, and empty its log."""
        if self._file is not None:
            await asyncio.to_thread(_rewrite, self._file)

    async def close(self) -> None:
        """Close all connections, after the writes under way."""
        async with self._turn:
            while self._held:
                _, (connection, _) = self._held.popitem()
                await connection.close()
            await self.engine.dispose()


def _prepare(pragmas: Sequence[str], connection: Any, _entry: ConnectionPoolEntry) -> None:
    """Take transactions out of the driver's hands, and set what each connection needs."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    """Begin; a writer takes the write lock at once, so that what it read stays true."""
    writes = connection.get_execution_options().get("braid_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _rewrite(file: Path) -> None:
    """Write a file anew and empty its log. Raises StoreAway while another process reads it."""
    try:
        with closing(sqlite3.connect(file, timeout=BUSY_MS / 1000, isolation_level=None)) as opened:
            opened.execute("VACUUM")
            [(busy, *_)] = opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as held:
        raise StoreAway(f"the store {file} cannot be written anew now: {held}; try again") from held
    if busy:
        raise StoreAway(f"the log of the store {file} is being read; try again")
