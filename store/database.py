"""The open store: connections, transactions, and its schema brought up to date."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Dialect, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store.clock import Clock, utc_now, written
from store.errors import StoreAway, StoreError
from store.migrations import MIGRATIONS, Migration, apply, found_version, missing
from store.postgres import Postgres
from store.sealed import parted, seal_with
from store.sqlite import Sqlite


class Database(Protocol):
    """What SQLite and PostgreSQL do each in their own way. `where` shows no password."""

    where: str
    engine: AsyncEngine

    def opening(self) -> AbstractAsyncContextManager[None]:
        """Let one process at a time make or migrate the store."""

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a transaction that only reads, one moment's state."""

    def writing(self, *, alone: bool) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a transaction that writes; if `alone`, no other of that kind is open anywhere."""

    async def single(
        self, sql: str, values: Sequence[object], *, writes: bool
    ) -> Sequence[Sequence[Any]]:
        """Run one statement by itself, with a value for each `?`; give its rows."""

    def away(self, trouble: Exception) -> str | None:
        """Say why another try may help after this error; None if it will not."""

    async def forget(self) -> None:
        """Overwrite what was deleted, as far as this database can."""

    async def close(self) -> None:
        """Close all connections, after the writes under way."""


class Store:
    """An open store. One per process; close it at the end."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self.clock = database, clock

    @staticmethod
    async def open(
        url: str, *, migrations: Sequence[Migration] = MIGRATIONS, clock: Clock = utc_now
    ) -> "Store":
        """Open the store at the SQLAlchemy address `url`, making or migrating it first.

        Several processes may open one store at once. Raises StoreError when it is newer than
        this code, not a store, or cannot be written.
        """
        store = Store(_database(url), clock)
        try:
            await store._migrate(migrations)
        except (SQLAlchemyError, OSError, StoreAway) as trouble:
            await store.close()
            cause = getattr(trouble, "orig", None) or trouble
            raise StoreError(
                f"the store {store.where} cannot be opened: {cause};"
                " mend it, or name another one with BRAID_STORE or BRAID_DATA"
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
        await self._database.close()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads, one moment's state. Raises StoreAway."""
        with self._told():
            async with self._database.reading() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self, *, alone: bool = True) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that writes; it is committed when the block ends well.

        Nobody else writes meanwhile, in any process, so what was read stays true. Only what needs
        no such promise (single statements that may be repeated) may be written not `alone`.
        Raises StoreAway, after which surely nothing was written.
        """
        with self._told():
            async with self._database.writing(alone=alone) as connection:
                yield connection

    async def single(
        self, sql: str, values: Sequence[object], *, writes: bool
    ) -> Sequence[Sequence[Any]]:
        """Run one statement by itself, with a value for each `?`; give its rows.

        It is written, if it `writes`, when this returns. It is the quickest way, for what is done
        often; it may be repeated. Raises StoreAway, after which it may have been written.
        """
        with self._told():
            return await self._database.single(sql, values, writes=writes)

    @property
    def dialect(self) -> Dialect:
        """What `single` needs to seal and open what it writes and reads by itself."""
        return self._database.engine.dialect

    async def forget(self) -> None:
        """Overwrite what was deleted, as far as the database can (docs/operations/privacy.md).

        Raises StoreAway while others hold it for too long; what was deleted is gone all the same.
        """
        with self._told():
            await self._database.forget()

    @property
    def where(self) -> str:
        """Where it is, without a password."""
        return self._database.where

    def now(self) -> str:
        """Read the clock, as the store writes time."""
        return written(self.clock())

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell errors that may pass from those that will not."""
        try:
            yield
        except (SQLAlchemyError, OSError) as trouble:
            if (why := self._database.away(trouble)) is None:
                raise
            raise StoreAway(
                f"the store {self.where} cannot be used now: {why};"
                " what was not written is tried again (docs/operations/database.md)"
            ) from trouble

    async def _migrate(self, migrations: Sequence[Migration]) -> None:
        async with self._database.opening():
            async with self.reading() as connection:
                found = await connection.run_sync(found_version)
            for migration in missing(found, migrations, self.where):
                async with self.writing() as connection:
                    await connection.run_sync(apply, migration, self.now())


def _database(url: str) -> Database:
    address, keys = parted(make_url(url))
    database = (Sqlite if address.get_backend_name() == "sqlite" else Postgres)(address)
    if keys:
        from runtime.keys import KeyRing  # runtime knows stores; this is the one way round

        seal_with(database.engine, KeyRing(Path(keys)))
    return database
