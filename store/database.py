"""The open store: connections, transactions, and its schema brought up to date.

SQLite by default. Its write-ahead log lets readers and one writer work at once; with
`synchronous=NORMAL` a commit survives the kill of the process, not the loss of power.
"""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from store import hops
from store.clock import Clock, utc_now, written
from store.errors import StoreError
from store.migrations import MIGRATIONS, Migration, apply, found_version, missing

BUSY_MS = 10_000
PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_MS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
)


class Store:
    """An open store. One per process; close it at the end."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._writing = engine.execution_options(braid_writes=True)
        # SQLite lets one writer in and makes the others poll: inside a process they queue here.
        self._turn = asyncio.Lock()
        self.clock = clock

    @staticmethod
    async def open(
        url: str, *, migrations: Sequence[Migration] = MIGRATIONS, clock: Clock = utc_now
    ) -> "Store":
        """Open the store at the SQLAlchemy address `url`, making or migrating it first.

        Several processes may open one store at once. Raises StoreError when it is newer than
        this code, not a store, or cannot be written.
        """
        address = make_url(url)
        file = _file(address)
        store = Store(_engine(address), clock)
        try:
            async with _opening(file):
                await store._migrate(migrations, str(file or address))
        except (DatabaseError, OSError) as trouble:
            await store.close()
            cause = getattr(trouble, "orig", None) or trouble
            raise StoreError(
                f"the store {file or address} cannot be opened: {cause};"
                " mend the file or folder, or name another one with BRAID_DATA"
            ) from trouble
        except BaseException:
            await store.close()
            raise
        return store

    @staticmethod
    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator["Store"]:
        """Open a store as `open` does, and close it when the block ends."""
        store = await Store.open(url)
        try:
            yield store
        finally:
            await store.close()

    async def close(self) -> None:
        """Close all connections, after the writes under way: a reply that arrived is kept."""
        async with self._turn:
            await self._engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads."""
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that writes; it is committed when the block ends well."""
        async with self._turn, self._writing.begin() as connection:
            yield connection

    def now(self) -> str:
        """Read the clock, as the store writes time."""
        return written(self.clock())

    async def _migrate(self, migrations: Sequence[Migration], where: str) -> None:
        async with self.reading() as connection:
            found = await connection.run_sync(found_version)
        for migration in missing(found, migrations, where):
            async with self.writing() as connection:
                await connection.run_sync(apply, migration, self.now())


def _file(address: URL) -> Path | None:
    on_file = address.get_backend_name() == "sqlite" and address.database
    return Path(address.database) if on_file and address.database else None


@asynccontextmanager
async def _opening(file: Path | None) -> AsyncIterator[None]:
    """Let one at a time make or migrate the store: turning WAL on does not wait by itself."""
    if file is None:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(file.name + ".lock").open("w") as lock:
        # In a thread: whoever holds the lock may be another task of this event loop.
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        yield


def _engine(address: URL) -> AsyncEngine:
    sqlite = address.get_backend_name() == "sqlite"
    options = {"async_creator_fn": hops.connect} if sqlite else {}
    engine = create_async_engine(address, pool_pre_ping=False, connect_args=options)
    if sqlite:
        event.listen(engine.sync_engine, "connect", _prepare)
        event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
    """Take transactions out of the driver's hands, and set what each connection needs."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    """Begin; a writer takes the write lock at once, so that what it read stays true."""
    writes = connection.get_execution_options().get("braid_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
