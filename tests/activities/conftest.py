"""A store, a scripted outside world and the wire between them."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.journalled import CallDesk
from activities.sources.doors import SourceActivities
from activities.wire import Wire
from runtime.settings import Endpoint, Settings
from store.admission import Admission
from store.database import Store
from tests.activities.outside import Outside, outside_world
from workflows.data.limits import Limits


@pytest.fixture
async def world() -> AsyncIterator[Outside]:
    async with outside_world() as world:
        yield world


@pytest.fixture
def settings(world: Outside, tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, simulator=world.url, source_timeout=30.0, model_timeout=30.0)


class Keyed(Settings):
    """Settings under which every service is real, with a key, and yet the scripted world."""

    def endpoint(self, service: str) -> Endpoint:
        return Endpoint(f"{self.simulator}/{service}", simulated=False, key="me@x.example")


@pytest.fixture
def keyed(settings: Settings) -> Settings:
    return Keyed(data=settings.data, simulator=settings.simulator)


@pytest.fixture(scope="session")
async def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty store once: making one takes longer than most tests here."""
    folder = tmp_path_factory.mktemp("empty")
    await (await Store.open(Settings(data=folder).database)).close()
    return folder / "store.db"


@pytest.fixture
async def store(settings: Settings, empty_store: Path) -> AsyncIterator[Store]:
    shutil.copy(empty_store, settings.data / "store.db")
    store = await Store.open(settings.database)
    yield store
    await store.close()


@pytest.fixture
async def wire(settings: Settings) -> AsyncIterator[Wire]:
    wire = Wire(settings)
    yield wire
    await wire.close()


@pytest.fixture
async def desk_of_calls(store: Store, wire: Wire) -> AsyncIterator[CallDesk]:
    calls = CallDesk(store, wire, Admission(store, lambda *_: Limits(), "worker-of-the-test"))
    yield calls
    await calls.close()


@pytest.fixture
def sources(settings: Settings, store: Store, desk_of_calls: CallDesk) -> SourceActivities:
    return SourceActivities(settings, store, desk_of_calls)
