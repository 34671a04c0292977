"""A store on a real file or in a real PostgreSQL; its clock moves a second at each look."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from store.database import Store
from tests.support.postgres import Postgres

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.server)]


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    """The address of a store that is not there yet, on a file."""
    return f"sqlite+aiosqlite:///{tmp_path / 'data folder' / 'store.db'}"


@pytest.fixture(params=BOTH)
async def url(request: pytest.FixtureRequest, file_url: str) -> str:
    """The address of an empty store."""
    if request.param == "sqlite":
        return file_url
    postgres: Postgres = request.getfixturevalue("postgres")
    return await postgres.emptied()


@pytest.fixture(params=BOTH)
async def new_url(request: pytest.FixtureRequest, file_url: str) -> str:
    """The address of a store that is not there yet."""
    if request.param == "sqlite":
        return file_url
    postgres: Postgres = request.getfixturevalue("postgres")
    return await postgres.fresh()


def seconds() -> Iterator[datetime]:
    return (datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=n) for n in count())


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    ticks = seconds()
    store = await Store.open(url, clock=lambda: next(ticks))
    yield store
    await store.close()
