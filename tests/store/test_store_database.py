"""The store as a whole: opened by many, migrated, refused, and outliving its process."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, make_url, text

from runtime.settings import ROOT
from store.database import Store
from store.errors import StoreError
from store.journal import CallEntry, Journal, call_key
from store.migrations import FIRST, MIGRATIONS, TYPES, Migration
from store.schema import metadata
from store.schema_estimates import estimates
from store.schema_runs import ratings, runs
from tests.support.postgres import rows_of
from workflows.data.llm import Usage

pytestmark = pytest.mark.server

KEY = call_key("case-1", "ask_model", 1, {}, 0)


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite+aiosqlite:///"))


async def test_each_connection_is_prepared(file_url: str) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 1, "busy_timeout": 10_000, "foreign_keys": 1}
    async with Store.opened(file_url) as store, store.reading() as connection:
        found = {name: await connection.scalar(text(f"PRAGMA {name}")) for name in wanted}
    assert found == wanted


def shape(connection: Connection) -> dict[str, object]:
    look = inspect(connection)
    return {
        table: (
            {c["name"]: (str(c["type"]), c["nullable"]) for c in look.get_columns(table)},
            look.get_pk_constraint(table)["constrained_columns"],
            sorted(str(i["name"]) for i in look.get_indexes(table)),
            sorted(f["referred_table"] for f in look.get_foreign_keys(table)),
        )
        for table in look.get_table_names()
        if table != "braid_commits"  # PostgreSQL's own
    }


async def test_migrations_lead_to_the_schema(new_url: str) -> None:
    declared = await Store.open(new_url, migrations=(NOTHING,))
    async with declared.writing() as connection:
        await connection.run_sync(metadata.create_all)
        wanted = await connection.run_sync(shape)
        await connection.run_sync(metadata.drop_all)
    await declared.close()
    async with Store.opened(new_url) as store, store.reading() as connection:
        migrated = await connection.run_sync(shape)
    assert migrated == wanted
    assert {runs.name, ratings.name, estimates.name} <= set(migrated)


NOTHING = Migration(1, ())
CLAIM = (
    "INSERT INTO claims"
    " (key, scope, branch, call, vendor, model, worker, state, reason, claimed_at)"
    " VALUES (:key, :scope, :branch, :call, :vendor, :model, :worker, 'open', '', '')"
)


def test_migrations_are_numbered_in_order_and_know_both_databases() -> None:
    numbers = [m.version for m in MIGRATIONS]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1
    for words in TYPES.values():
        for migration in MIGRATIONS:
            assert not any("{" in s.format(**words) for s in migration.statements)


async def test_a_store_of_version_1_is_migrated_and_keeps_its_rows(new_url: str) -> None:
    old = await Store.open(new_url, migrations=(FIRST,))
    async with old.writing() as connection:
        await connection.execute(text(CLAIM), vars(entry()))
    await old.close()
    second = Migration(2, ("ALTER TABLE claims ADD COLUMN tenant TEXT NOT NULL DEFAULT ''",))
    new = await Store.open(new_url, migrations=(FIRST, second))
    async with new.reading() as connection:
        rows = (await connection.execute(text("SELECT key, tenant FROM claims"))).all()
        versions = (await connection.execute(text("SELECT version FROM schema_version"))).all()
    await new.close()
    assert [tuple(row) for row in rows] == [(KEY, "")]
    assert [row[0] for row in versions] == [1, 2]


async def test_a_migration_that_fails_leaves_the_store_as_it_was(new_url: str) -> None:
    await (await Store.open(new_url, migrations=(FIRST,))).close()
    broken = Migration(2, ("CREATE TABLE half (id INTEGER)", "NONSENSE"))
    with pytest.raises(StoreError, match="NONSENSE"):
        await Store.open(new_url, migrations=(FIRST, broken))
    again = await Store.open(new_url, migrations=(FIRST,))
    async with again.reading() as connection:
        assert "half" not in await connection.run_sync(shape)
    await again.close()


async def test_a_newer_store_is_refused(new_url: str) -> None:
    await (await Store.open(new_url, migrations=(*MIGRATIONS, Migration(99, ())))).close()
    with pytest.raises(StoreError, match=r"has schema version 99, .* BRAID_DATA") as caught:
        await Store.open(new_url)
    assert str(make_url(new_url).database) in str(caught.value)


async def test_what_is_no_store_is_refused(file_url: str) -> None:
    file_of(file_url).parent.mkdir()
    file_of(file_url).write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError, match="cannot be opened: file is not a database"):
        await Store.open(file_url)


async def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'data' / 'store.db'}")


def entry(key: str = KEY) -> CallEntry:
    return CallEntry(key, "case-1", "credit", "ask_model", "worker-1", "openai", "m")


async def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError, match="half way"):
        await write_and_fail(store)
    async with store.reading() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM settlements")) == 0


async def write_and_fail(store: Store) -> None:
    async with store.writing() as connection:
        await connection.execute(
            text("INSERT INTO effects VALUES ('k', 's', 'e', 'r', 'claimed', '', '', 't', NULL)")
        )
        await connection.execute(
            text("INSERT INTO settlements (key, reference, settled_at) VALUES ('k', 'r', 't')")
        )
        raise RuntimeError("half way")


OPENING = """
import asyncio, sys
from store.database import Store
async def main():
    sys.stdin.readline()
    store = await Store.open(sys.argv[1])
    await store.close()
asyncio.run(main())
"""


async def test_processes_may_open_a_new_store_at_once(new_url: str) -> None:
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", OPENING, new_url, cwd=ROOT, stdin=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    await asyncio.gather(*(process.communicate(b"go\n") for process in started))
    assert [process.returncode for process in started] == [0, 0, 0]
    found = await rows_of(new_url, "SELECT version FROM schema_version ORDER BY version")
    assert found == [(m.version,) for m in MIGRATIONS]


DYING = """
import asyncio, os, signal, sys
from datetime import UTC, datetime
from decimal import Decimal
from store.database import Store
from store.journal import CallEntry, Journal, StoredReply
from workflows.data.llm import Usage
async def main():
    journal = Journal(await Store.open(sys.argv[1]))
    entry = CallEntry(sys.argv[2], "case-1", "credit", "ask_model", "w", "openai", "m")
    claim = await journal.claim(entry)
    await journal.settle(claim, StoredReply(200, {"date": "now"}, b"paid", datetime.now(UTC), True,
                                            Usage(input_tokens=3), Decimal("0.25")))
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


async def test_a_committed_reply_outlives_a_killed_process(url: str) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", DYING, url, KEY, cwd=ROOT)
    assert await process.wait() == -signal.SIGKILL
    store = await Store.open(url)
    reply = await Journal(store).read(KEY)
    await store.close()
    assert reply is not None
    assert (reply.body, reply.usage) == (b"paid", Usage(input_tokens=3))
    assert str(reply.usd) == "0.25"


async def test_what_is_being_written_when_the_store_is_closed_is_kept(url: str) -> None:
    """A call that is given up leaves its reply to a task nobody waits for any more."""
    store = await Store.open(url)
    written = [asyncio.ensure_future(Journal(store).claim(entry(f"key-{n}"))) for n in range(3)]
    await asyncio.sleep(0)  # they have begun
    await store.close()
    assert await rows_of(url, "SELECT count(*) FROM claims") == [(3,)]
    await asyncio.gather(*written)


async def test_one_process_may_open_a_store_twice_at_once(url: str) -> None:
    async with asyncio.timeout(60):
        both = await asyncio.gather(Store.open(url), Store.open(url))
    for store in both:
        await store.close()


CLAIMING = """
import asyncio, sys
from store.database import Store
from store.ledger import Ledger
async def main():
    ledger = Ledger(await Store.open(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(40):
        standing = await ledger.claim(f"k{number}", "case-1", "mail", "r")
        print(type(standing).__name__, flush=True)
    await ledger._store.close()
asyncio.run(main())
"""


async def test_two_processes_claim_and_one_gets_each(url: str) -> None:
    await (await Store.open(url)).close()
    pipe = asyncio.subprocess.PIPE
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLAIMING, url, cwd=ROOT, stdin=pipe, stdout=pipe
        )
        for _ in range(2)
    ]
    for process in started:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    outputs = await asyncio.gather(*(process.communicate(b"go\n") for process in started))
    first, second = (out.decode().split() for out, _ in outputs)
    assert len(first) == len(second) == 40
    assert all({a, b} == {"Claimed", "Pending"} for a, b in zip(first, second, strict=True))


async def test_writers_in_one_process_take_turns(store: Store) -> None:
    journal = Journal(store)
    await asyncio.gather(*(journal.claim(entry(f"k{n}")) for n in range(50)))
    assert len(await journal.calls("case-1")) == 50
