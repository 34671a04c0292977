"""Blobs: kept once, found by their bytes, collected only when nobody needs them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from sqlalchemy import text

from store.blobs import Blobs, Collected
from store.database import Store
from store.errors import StoreError

DAY = timedelta(days=1)


class Clock:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[Store]:
    store = await Store.open(url, clock=clock)
    yield store
    await store.close()


@pytest.mark.parametrize("size", [0, 5, 300_000])
async def test_bytes_come_back_and_are_kept_once(store: Store, size: int) -> None:
    blobs, content = Blobs(store), b"x" * size
    assert await blobs.put(content) == await blobs.put(content) == sha256(content).hexdigest()
    assert await blobs.get(sha256(content).hexdigest()) == content
    async with store.reading() as connection:
        rows = (await connection.execute(text("SELECT size FROM blobs"))).all()
    assert [row.size for row in rows] == [size]


async def test_a_missing_and_a_damaged_blob_are_told(store: Store) -> None:
    blobs = Blobs(store)
    with pytest.raises(StoreError, match=r"no document 0{64} is kept"):
        await blobs.get("0" * 64)
    key = await blobs.put(b"true")
    async with store.writing() as connection:
        await connection.execute(text("UPDATE blobs SET bytes = :b"), {"b": b"false"})
    with pytest.raises(StoreError, match=f"document {key} is damaged"):
        await blobs.get(key)


async def test_only_what_is_old_and_not_in_use_is_collected(store: Store, clock: Clock) -> None:
    blobs = Blobs(store)
    inner = await blobs.put(b"named by one in use")
    in_use, read, again = [
        await blobs.put(content) for content in (f'{{"sha256":"{inner}"}}'.encode(), b"2", b"3")
    ]
    await blobs.put(b"forgotten")
    clock.now += 2 * DAY
    await blobs.get(read)
    assert await blobs.put(b"3") == again
    fresh = await blobs.put(b"new")
    assert await blobs.collect(DAY, in_use={in_use}) == Collected(1, len(b"forgotten"))
    for key in (inner, in_use, read, again, fresh):
        await blobs.get(key)


async def test_what_was_used_within_the_hour_is_never_collected(store: Store, clock: Clock) -> None:
    blobs = Blobs(store)
    key = await blobs.put(b"1")
    clock.now += timedelta(minutes=59)
    await blobs.get(key)  # so soon, that no use is written down
    assert await blobs.collect(timedelta()) == Collected(0, 0)
    clock.now += timedelta(minutes=2)
    assert await blobs.collect(timedelta()) == Collected(1, 1)
