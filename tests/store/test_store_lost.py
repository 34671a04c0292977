"""A store whose connections are cut, whose server dies, or which is full: nothing lost or twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from runtime.settings import Settings, SettingsError
from store.admission import Admission
from store.answers import AnswerBook, KeptAnswer
from store.blobs import Blobs
from store.database import Store
from store.errors import StoreAway, StoreError
from store.fairness import Need
from store.journal import CallEntry, Claim, Journal, StoredReply
from store.lasting import until_written
from tests.support.postgres import CUT, Postgres, rows_of
from workflows.data.limits import Limits

pytestmark = pytest.mark.server

SOCKET = ".s.PGSQL.5432"
REPLY = StoredReply(200, {}, b"paid", datetime(2026, 11, 27, tzinfo=UTC), True)


def entry(key: str) -> CallEntry:
    return CallEntry(key, "case-1", "credit", "ask_model", "w", "openai", "m")


@pytest.fixture
async def lost(postgres: Postgres) -> AsyncIterator[Store]:
    store = await Store.open(await postgres.emptied())
    yield store
    await store.close()


async def claimed(store: Store) -> list[str]:
    return [row.key for row in await Journal(store).calls("case-1")]


async def test_connections_cut_between_transactions_are_made_anew(
    lost: Store, postgres: Postgres
) -> None:
    await Journal(lost).claim(entry("a"))
    await postgres.run(CUT)
    assert await claimed(lost) == ["a"]
    await postgres.run(CUT)
    await Journal(lost).claim(entry("b"))
    assert await claimed(lost) == ["a", "b"]
    book, answer = AnswerBook(lost), KeptAnswer("k", "case-1", "", "c", "w", value="1")
    for _ in range(2):
        await postgres.run(CUT)
        await book.keep(answer)
    await postgres.run(CUT)
    assert await book.read("k") == answer


async def test_a_transaction_that_is_cut_writes_nothing_and_says_so(
    lost: Store, postgres: Postgres
) -> None:
    journal = Journal(lost)

    async def cut_in_between() -> None:
        async with lost.writing() as connection:
            await journal.open(connection, entry("a"))
            await postgres.run(CUT)
            await journal.open(connection, entry("b"))

    with pytest.raises(StoreAway, match=r"postgresql.*shared.* cannot be used now"):
        await cut_in_between()
    assert await claimed(lost) == []
    await journal.claim(entry("c"))
    assert await claimed(lost) == ["c"]


class Line:
    """A line to the server that breaks at the next COMMIT once it is `armed`: just before the
    server has `heard` it, or just after.
    """

    def __init__(self, url: str, folder: Path, *, heard: bool) -> None:
        self.url = str(make_url(url).update_query_dict({"host": str(folder)}))
        self._server = f"{make_url(url).query['host']}/{SOCKET}"
        self._socket, self._heard = folder / SOCKET, heard
        self.armed = False

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[None]:
        async with await asyncio.start_unix_server(self._serve, self._socket):
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_unix_connection(self._server)
        back = asyncio.create_task(self._back(answers, writer))
        while data := await reader.read(65536):
            if self.armed and b"COMMIT;" in data:
                self.armed = False
                back.cancel()
                await asyncio.wait([back])
                if self._heard:
                    server.write(data)
                    await answers.read(1)
                break
            server.write(data)
        for each in (server, writer):
            each.close()
            await each.wait_closed()

    async def _back(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await answers.read(65536):
            writer.write(data)
        writer.close()


@pytest.mark.parametrize("heard", [True, False])
async def test_a_commit_whose_answer_is_lost_is_looked_up(
    postgres: Postgres, tmp_path: Path, heard: bool
) -> None:
    url = await postgres.emptied()
    line = Line(url, tmp_path, heard=heard)
    async with line.laid(), Store.opened(line.url) as store:
        line.armed = True
        if heard:
            claim = await Journal(store).claim(entry("a"))
            assert isinstance(claim, Claim)
        else:
            with pytest.raises(StoreAway):
                await Journal(store).claim(entry("a"))
        assert not line.armed
        assert await claimed(store) == ["a"] * heard
    assert await rows_of(url, "SELECT count(*) FROM braid_commits") == [(0,)]


async def test_a_server_that_dies_and_comes_back_loses_nothing_and_doubles_nothing(
    lost: Store, postgres: Postgres
) -> None:
    journal = Journal(lost)
    admission = Admission(lost, lambda _service, _model: Limits(concurrency=4), "w")
    begun = 0

    async def call(number: int) -> None:
        nonlocal begun
        key = entry(f"key-{number}")

        async def take(connection: object) -> tuple[bool, Claim]:
            return True, await journal.open(connection, key)  # type: ignore[arg-type]

        while True:
            try:
                permit, claim = await admission.enter(Need("openai", "m"), take)
                break
            except StoreAway:
                continue
        assert permit is not None
        begun += 1
        await until_written(lambda: journal.settle(claim, REPLY))
        await until_written(permit.close)

    calls = [asyncio.create_task(call(n)) for n in range(60)]
    for stop in (5, 30):
        while begun < stop:
            await asyncio.sleep(0)
        postgres.kill()
        await asyncio.to_thread(postgres.start)
    await asyncio.gather(*calls)
    await admission.close()
    settled = [row.key for row in await journal.calls("case-1") if row.state == "settled"]
    assert sorted(settled) == sorted(f"key-{n}" for n in range(60))
    assert await journal.repeated_paid("case-1") == 0
    async with lost.reading() as connection:
        flying = await connection.scalar(text("SELECT sum(flying) FROM pools"))
        assert flying == 0
        assert await connection.scalar(text("SELECT count(*) FROM permits")) == 0


async def test_a_full_store_says_so_and_goes_on_when_there_is_room(file_url: str) -> None:
    async with Store.opened(file_url) as store:
        journal = Journal(store)
        claim = await journal.claim(entry("a"))
        assert isinstance(claim, Claim)
        async with store.reading() as connection:
            pages = await connection.scalar(text("PRAGMA page_count"))
        await limit(store, pages)
        big = StoredReply(200, {}, b"x" * 100_000, REPLY.received_at, True)
        with pytest.raises(StoreAway, match="it is full; make room"):
            await journal.settle(claim, big)
        keeping = asyncio.create_task(until_written(lambda: journal.settle(claim, big)))
        await limit(store, 1_000_000)
        await keeping
        found = await journal.read("a")
        assert found is not None
        assert found.body == big.body


async def test_a_file_grows_as_far_as_it_may(tmp_path: Path) -> None:
    """BRAID_STORE_MOST_MB: what is more waits, as on a full disk."""
    bounded = Settings.from_env({"BRAID_DATA": str(tmp_path), "BRAID_STORE_MOST_MB": "1"})
    async with Store.opened(bounded.database) as store:
        await Blobs(store).put(b"x" * 300_000)
        with pytest.raises(StoreAway, match="it is full; make room"):
            await Blobs(store).put(b"y" * 1_000_000)
    async with Store.opened(Settings(data=tmp_path).database) as store:
        await Blobs(store).put(b"y" * 1_000_000)
    with pytest.raises(SettingsError, match="BRAID_STORE_MOST_MB='lots': write whole megabytes"):
        Settings.from_env({"BRAID_STORE_MOST_MB": "lots"})


async def limit(store: Store, pages: int) -> None:
    """All of a test's writes use the one connection of the pool that is free."""
    async with store.reading() as connection:
        await connection.execute(text(f"PRAGMA max_page_count={pages}"))


async def test_the_password_is_read_from_its_file_for_each_connection(
    postgres: Postgres, tmp_path: Path
) -> None:
    secret, url = tmp_path / "password", make_url(await postgres.emptied())
    url = url.set(username="guarded").update_query_dict({"password_file": str(secret)})
    for password in ("s3cret-1", "s3cret-2"):
        await postgres.guard("guarded", password)
        secret.write_text("wrong\n")
        with pytest.raises(StoreError, match="cannot be opened") as caught:
            await Store.open(str(url))
        assert "s3cret" not in str(caught.value)
        secret.write_text(f"{password}\n")
        async with Store.opened(str(url)) as store:
            assert await claimed(store) == []


async def test_a_server_that_is_not_there_is_told_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.postgres.PATIENCE", 0.0)
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    url = f"postgresql+asyncpg://braid@/braid?host={tmp_path}&password_file={secret}"
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        await Store.open(url)
    assert "s3cret" not in str(caught.value)
