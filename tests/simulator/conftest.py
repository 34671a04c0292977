"""A simulator in this process, answered over real HTTP.

One server and one client serve the whole session, as starting a server costs 0.2 s; every test
gets a fresh world behind them.
"""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from simulator.app import create_app
from simulator.config import SimulatorConfig
from simulator.server import serving
from tests.simulator.world import FAST, Simulate


class Stage:
    """The application on show; its start and end are those of the server, not of a test."""

    def __init__(self) -> None:
        self.app = Starlette()
        self._server = Starlette()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._server if scope["type"] == "lifespan" else self.app
        await app(scope, receive, send)


@pytest.fixture(scope="session")
async def simulate() -> AsyncIterator[Simulate]:
    """Give a function that puts up a fresh simulator without referees."""
    stage = Stage()
    async with (
        serving(stage) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as client,
    ):

        def fresh(config: SimulatorConfig) -> httpx.AsyncClient:
            stage.app = create_app(config)
            return client

        yield fresh


@pytest.fixture
def client(simulate: Simulate) -> httpx.AsyncClient:
    """A client of a fresh simulator whose models never err."""
    return simulate(SimulatorConfig(seed=7, speed=FAST, error_rate=0))
