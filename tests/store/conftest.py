"""A store on a real file, with a clock that moves a second at each look."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from store.database import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'data folder' / 'store.db'}"


def seconds() -> Iterator[datetime]:
    return (datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=n) for n in count())


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    ticks = seconds()
    store = await Store.open(url, clock=lambda: next(ticks))
    yield store
    await store.close()
