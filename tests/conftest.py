"""Fixtures of the real tests: one embedded server a session, one world a test."""

import gc
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import pytest_asyncio
import typer.main
import typer.testing

from runtime import server
from runtime.processes import stop
from tests.support.world import World, world

if TYPE_CHECKING:
    from tests.support.postgres import Postgres

signal.signal(signal.SIGINT, signal.default_int_handler)
"""A shell's background job begins with Ctrl-C ignored, and so would all commands we start."""

hypothesis.settings.register_profile("braid", deadline=None)
hypothesis.settings.load_profile("braid")
"""No example has a deadline of its own: on a busy machine that would be a test of the clock."""

typer.main.get_command = cache(typer.main.get_command)
typer.testing._get_command = typer.main.get_command  # type: ignore[attr-defined]
"""Two hundred tests call commands, and each call would make all commands anew."""

gc.disable()
"""Until all modules are there: none of them goes, however often they are looked through."""

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


LONGEST = (
    "chaos",
    "every_process",
    "flows_rows",
    "stack_supervision",
    "timeskip",
    "flows_steps",
    "flows_gateway",
    "stack_crash",
    "stack_commands",
    "stack_traps",
    "stack_encryption",
)
"""Files whose few tests take from twenty seconds to two minutes, the longest first; all others by
how many tests they have.
"""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m server`, import no module without such tests: that took half of the start."""
    if config.option.markexpr != "server" or not collection_path.match("test_*.py"):
        return None
    return None if b"mark.server" in collection_path.read_bytes() else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: begun last, one would keep the others waiting."""
    many = Counter(item.path for item in items)

    def place(item: pytest.Item) -> tuple[int, int]:
        name = item.path.stem.removeprefix("test_")
        return LONGEST.index(name) if name in LONGEST else len(LONGEST), -many[item.path]

    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=place)


def pytest_collection_finish() -> None:
    """From here on collect garbage of tests only: what was imported took seconds at each look."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of third-party test data; absent, tests skip (with CI=true and a `shared`
    folder present, a missing file fails where it is read)."""
    if not SHARED.is_dir():
        if os.environ.get("CI") == "true" and SHARED.parent.is_dir():
            pytest.fail(f"{SHARED} is missing although its parent is there")
        pytest.skip("../shared/data is not here")
    return SHARED


@pytest.fixture(autouse=True)
def _no_surprises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide TEMPORAL_*, OTEL_*, vendor keys and BRAID_* of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith(("TEMPORAL_", "BRAID_", "OTEL_")) and name != "BRAID_SOAK":
            monkeypatch.delenv(name)
        if name.endswith("_API_KEY"):
            monkeypatch.delenv(name)


@pytest_asyncio.fixture(scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[server.Ports]:
    """The embedded server, on a file of its own."""
    data = tmp_path_factory.mktemp("server")
    ports = server.Ports.choose(data / "ports.json")
    process, _ = await server.begin(data, ports)
    yield ports
    await stop(process, 5, hard=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator["Postgres"]:
    """A real PostgreSQL, started when first asked for."""
    from tests.support.postgres import Postgres

    running = Postgres()
    yield running
    running.stop()


@pytest.fixture
def address(temporal: server.Ports) -> str:
    """Where the embedded server answers."""
    return f"127.0.0.1:{temporal.grpc}"


@pytest_asyncio.fixture
async def here(address: str, tmp_path: Path) -> AsyncIterator[World]:
    """A world of this test's own."""
    async with world(address, tmp_path) as made:
        yield made
