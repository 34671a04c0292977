"""PostgreSQL, the store of many machines: what differs from SQLite, and nothing else.

Writers take turns by an advisory lock that ends with the transaction, so that what holds on
SQLite holds here: no deadlock, nothing to serialise again, one order of all claims. A connection
lost while it commits leaves nobody in doubt: the first statement writes a token that is asked for
afterwards, under the same lock.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import URL, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from store.errors import StoreError

PASSWORD_FILE = "password_file"  # noqa: S105 - the name of a parameter
PATIENCE, PAUSE = 10.0, 0.1
"""Seconds a transaction waits to begin while the database is away, and between two tries."""
CONNECT_S, STATEMENT_S = 5, 60
"""Seconds after which connecting, or a statement, counts as lost."""
OF_A_SESSION = {
    "application_name": "braid",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "10s",  # who stalls must not hold up all others
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
}
COMMITS = text(
    "CREATE TABLE IF NOT EXISTS braid_commits (writer TEXT NOT NULL PRIMARY KEY,"
    " token TEXT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT now())"
)
BEGUN = text("SELECT 1")
ALONE = text(
    "INSERT INTO braid_commits (writer, token)"
    " SELECT :writer, :token FROM pg_advisory_xact_lock(7001)"
    " ON CONFLICT (writer) DO UPDATE SET token = excluded.token, at = now()"
)
WAIT = text("SELECT 1 FROM pg_advisory_xact_lock(7001)")
OPENING = text("SELECT 1 FROM pg_advisory_xact_lock(7002)")
TOKEN = text("SELECT token FROM braid_commits WHERE writer = :writer")
FORGET = text("DELETE FROM braid_commits WHERE writer = :writer OR at < now() - interval '1 day'")
AWAY = {
    "08": "the connection was lost",
    "40": "it stood in the way of another transaction",
    "53": "it lacks memory or connections",
    "57": "it is stopping or starting",
    "25006": "it may only be read",
    "25P03": "this process held a transaction for too long",
    "53100": "it is full; make room on its disk",
    "55P03": "another process held it for too long",
}
"""SQLSTATEs, or their classes, that may pass by themselves or when somebody mends the server."""

log = structlog.get_logger(__name__)


class Postgres:
    """The store in a PostgreSQL database. Writers that are alone take turns, over all machines."""

    def __init__(self, address: URL) -> None:
        self.where = address.render_as_string(hide_password=True)
        self.engine = _engine(address)
        self._committing = self.engine.execution_options(isolation_level="READ COMMITTED")
        self._outside = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._reading = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._writer, self._wrote, self._turn = token_hex(8), False, asyncio.Lock()

    @asynccontextmanager
    async def opening(self) -> AsyncIterator[None]:
        """Let one at a time make or migrate the store."""
        async with self._transaction(BEGUN) as connection:
            for unlimited in ("lock_timeout", "idle_in_transaction_session_timeout"):
                await connection.execute(text(f"SET LOCAL {unlimited} = 0"))
            await connection.execute(OPENING)
            async with self._committing.begin() as making:
                await making.execute(COMMITS)
            yield

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads, one moment's state."""
        connection = await self._begin(self._reading, BEGUN)
        try:
            yield connection
        finally:
            await asyncio.shield(connection.close())

    @asynccontextmanager
    async def writing(self, *, alone: bool) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that writes; if `alone`, no other of that kind is open anywhere."""
        if not alone:
            async with self._transaction(BEGUN) as connection:
                yield connection
                await connection.commit()
            return
        token, until = token_hex(8), _patience()  # from now, however long the turn is waited for
        async with self._turn:
            self._wrote = True
            given = {"writer": self._writer, "token": token}
            async with self._transaction(ALONE, given, until) as connection:
                yield connection
                try:
                    await connection.commit()
                except Exception as lost:
                    if self.away(lost) is None or not await self._committed(token):
                        raise

    async def single(
        self, sql: str, values: Sequence[object], *, writes: bool
    ) -> Sequence[Sequence[Any]]:
        """Run one statement by itself, again while the database is away: it may be repeated."""
        until = _patience()
        while True:
            try:
                async with self._outside.connect() as connection:
                    done = await connection.exec_driver_sql(_numbered(sql), tuple(values))
                    return [] if writes else done.fetchall()
            except Exception as trouble:
                if self.away(trouble) is None or monotonic() > until:
                    raise
            await asyncio.sleep(PAUSE)

    def away(self, trouble: Exception) -> str | None:
        """Say why another try may help; None if it will not."""
        if isinstance(trouble, PoolTimeout):
            return "all connections of this process are in use"
        if isinstance(trouble, OSError):  # a TimeoutError is one
            return str(trouble) or "it does not answer"
        if not isinstance(trouble, DBAPIError):
            return None
        state = getattr(trouble.orig, "sqlstate", None) or ""
        why = AWAY.get(state) or AWAY.get(state[:2])
        return why or (AWAY["08"] if trouble.connection_invalidated else None)

    async def forget(self) -> None:
        """Free the places of what was deleted; other writes will use them again."""
        async with self._outside.connect() as connection:
            await connection.execute(text("VACUUM"))

    async def close(self) -> None:
        """Close all connections, after the writes under way."""
        async with self._turn:
            try:
                if self._wrote:
                    async with self._committing.begin() as connection:
                        await connection.execute(FORGET, {"writer": self._writer})
            except Exception as trouble:
                if self.away(trouble) is None:
                    raise
            finally:
                await self.engine.dispose()

    @asynccontextmanager
    async def _transaction(
        self, first: TextClause, given: dict[str, str] | None = None, until: float | None = None
    ) -> AsyncIterator[AsyncConnection]:
        connection = await self._begin(self._committing, first, given, until)
        try:
            yield connection
        finally:
            await asyncio.shield(connection.close())

    async def _begin(
        self,
        engine: AsyncEngine,
        first: TextClause,
        given: dict[str, str] | None = None,
        until: float | None = None,
    ) -> AsyncConnection:
        """Begin with a statement; while the database is away, wait a little.

        Connections from before its restart are found out by that statement.
        """
        until = until or _patience()
        while True:
            try:
                return await _begun(engine, first, given or {})
            except Exception as trouble:
                if self.away(trouble) is None or monotonic() > until:
                    raise
            await asyncio.sleep(PAUSE)

    async def _committed(self, token: str) -> bool:
        """Find out, for as long as it takes, whether a transaction was committed.

        Under the lock, which the old connection keeps until its transaction has ended.
        """
        while True:
            try:
                async with self._transaction(WAIT) as connection:
                    found = await connection.scalar(TOKEN, {"writer": self._writer})
                    return bool(found == token)
            except Exception as trouble:
                if (why := self.away(trouble)) is None:
                    raise
                log.warning("a commit is in doubt", store=self.where, why=why)


@lru_cache(256)
def _numbered(sql: str) -> str:
    """Write parameters as this driver wants them."""
    first, *others = sql.split("?")
    return first + "".join(f"${place}{rest}" for place, rest in enumerate(others, 1))


def _patience() -> float:
    return monotonic() + PATIENCE


async def _begun(engine: AsyncEngine, first: TextClause, given: dict[str, str]) -> AsyncConnection:
    connection = await engine.connect()
    try:
        await connection.execute(first, given)
    except BaseException:
        await asyncio.shield(connection.close())
        raise
    return connection


def _engine(address: URL) -> AsyncEngine:
    query = dict(address.query)
    file = query.pop(PASSWORD_FILE, None)
    options: dict[str, Any] = {"server_settings": OF_A_SESSION, "timeout": CONNECT_S}
    options["command_timeout"] = STATEMENT_S
    if file is not None:
        options["password"] = partial(_password, Path(str(file)))
    address = address.set(drivername="postgresql+asyncpg", query=query)
    try:
        return create_async_engine(address, connect_args=options)
    except ModuleNotFoundError as missing:
        raise StoreError(
            "a store on PostgreSQL needs asyncpg: install it with"
            " .venv/bin/python -m pip install asyncpg"
        ) from missing


def _password(file: Path) -> str:
    """Read the password, anew for each connection, so that it may be changed."""
    return file.read_text().strip()
