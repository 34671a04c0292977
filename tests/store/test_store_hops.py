"""What a transaction costs: hops to SQLite's thread, and commits."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import Store
from store.grouped import Grouped

pytestmark = pytest.mark.server


async def test_a_statement_is_one_hop_and_an_error_is_told(
    file_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Store.opened(file_url) as store, store.writing() as connection:
        await connection.execute(text("CREATE TABLE t (a INTEGER PRIMARY KEY)"))
        driver: Any = (await connection.get_raw_connection()).driver_connection
        hops: list[Any] = []
        to_thread = driver._execute

        def hop(*what: Any) -> Any:
            hops.append(what)
            return to_thread(*what)

        monkeypatch.setattr(driver, "_execute", hop)
        many = [{"a": 1}, {"a": 2}]
        assert (await connection.execute(text("INSERT INTO t VALUES (:a)"), many)).rowcount == 2
        assert (await connection.scalars(text("SELECT a FROM t ORDER BY a"))).all() == [1, 2]
        with pytest.raises(IntegrityError):
            await connection.execute(text("INSERT INTO t VALUES (1)"))
        assert len(hops) == 3


async def test_what_comes_while_a_transaction_begins_goes_with_it(store: Store) -> None:
    grouped = Grouped(store)
    commits: list[object] = []

    def committed(connection: Connection) -> None:
        commits.append(connection)

    event.listen(Engine, "commit", committed)

    async def nothing(_: AsyncConnection) -> None: ...

    first = asyncio.create_task(grouped.do(nothing))
    while grouped._flushing is None:
        await asyncio.sleep(0)
    await asyncio.sleep(0)  # it begins
    await asyncio.gather(first, grouped.do(nothing))
    event.remove(Engine, "commit", committed)
    assert len(commits) == 1
