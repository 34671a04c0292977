"""Batches and background calls on the real server, their worker killed where it hurts."""

import asyncio
import secrets
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from runtime.connection import connect_to
from runtime.processes import spawn, stop
from runtime.release import release
from runtime.settings import ROOT, Settings
from simulator.config import Fault, FaultKind, SimulatorConfig
from simulator.server import running
from store.database import Store
from store.journal import GONE_ON, Journal
from tests.flows.batch import OneReference, Order, References, Told
from tests.support.control import Control
from tests.support.flows import Flows, lasting
from workflows.data.batch import ItemEnd
from workflows.data.llm import ModelAnswer, ModelRef

pytestmark = pytest.mark.server

VENDORS = {"openai": "gpt-6.1-terra", "anthropic": "claude-sonnet-5-5"}
OPENAI = 'base_url = "https://api.openai.com/v1"'
"""A line of the catalogue's entry of OpenAI."""
COUNT = 40
SPEED = 100.0
"""At which a batch lasts some seconds."""


@dataclass
class Here(Control):
    """The flows, the simulator's control address, and the worker process that may be killed."""

    flows: Flows
    control: httpx.AsyncClient
    data: Path
    address: str
    suffix: str
    number: int = 0
    process: asyncio.subprocess.Process | None = None

    @property
    def identity(self) -> str:
        return f"worker{self.suffix}-{self.number}"

    async def start(self) -> None:
        self.number += 1
        command = [sys.executable, "-m", "tests.support.deployed_process", self.address]
        command += [self.suffix, self.identity, "tests.flows.batch_world", str(self.data)]
        command += [str(self.control.base_url)]
        self.process = await spawn(command, log=self.data / "worker.log")

    async def kill(self) -> None:
        """SIGKILL the worker, release what it held, and start another."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()
        await release(self.flows.client, self.identity)
        await self.start()

    async def calls(self, scope: str) -> tuple[dict[str, int], int]:
        """Count the calls of a case by what became of them, and those paid again."""
        store = await Store.open(Settings(data=self.data).database)
        journal = Journal(store)
        calls = await journal.calls(scope)
        states = Counter(": ".join(filter(None, (call.state, call.reason))) for call in calls)
        again = await journal.repeated_paid(scope)
        await store.close()
        return dict(states), again


@asynccontextmanager
async def killable(address: str, data: Path) -> AsyncIterator[Here]:
    suffix = f"-{secrets.token_hex(4)}"
    client: Client = await connect_to(address, f"client{suffix}")
    flows = Flows(client, f"braid{suffix}", [References, OneReference])
    config = SimulatorConfig(seed=7, speed=SPEED, error_rate=0)
    async with running(config) as url, httpx.AsyncClient(base_url=url, timeout=60) as control:
        here = Here(flows, control, data, address, suffix)
        await here.start()
        try:
            yield here
        finally:
            await flows.end_all()
            if here.process is not None:
                await stop(here.process, 5, hard=True)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_batch_is_sent_once_and_paid_once_whenever_the_worker_is_killed(
    address: str, tmp_path: Path, vendor: str
) -> None:
    """Killed when the vendor has taken the batch and not yet said so, and again in a look at it.

    Both answers take longer than anybody waits, so that the worker is killed meanwhile.
    """
    async with killable(address, tmp_path) as here:
        await here.faults(*(held(vendor, path) for path in ("batches", "batches/")))
        model = ModelRef(vendor=vendor, model=VENDORS[vendor])
        handle = await here.flows.start(References, Order(model=model, count=COUNT))
        taken = await here.book(lambda book: vendor in book["batches"])
        await here.kill()
        asked = taken["requests"][vendor]
        await here.book(lambda book: book["requests"][vendor] > asked + 1)  # looked for, and at
        await here.kill()
        assert (await handle.describe()).close_time is None, "over before it could be killed"

        told = Told.model_validate(await handle.result())
        book = await here.book()
        assert (book["batches"], book["batched"], book["billed"]) == (
            {vendor: 1},
            {vendor: COUNT},
            {},
        )
        assert (set(told.ends.values()), told.missing) == ({ItemEnd.ANSWERED}, {})
        assert told.favourable == COUNT
        assert told.saved == told.usd > 0
        events = lasting(await handle.fetch_history())
        assert events < 30, "however often it was looked at"
        await here.flows.replayed(handle)

        assert await here.calls(handle.id) == ({"settled": COUNT}, 0)


def held(service: str, path: str) -> Fault:
    """Make the next answer from a path come when its worker is long dead."""
    return Fault(service=service, kind=FaultKind.SLOW, path=path, times=1, seconds=600)


async def test_a_background_call_is_paid_once_when_the_worker_is_killed(
    address: str, tmp_path: Path
) -> None:
    """The next worker fetches the answer to the question the dead one asked."""
    catalogue = (ROOT / "llm.toml").read_text(encoding="utf-8")
    with_quirk = catalogue.replace(OPENAI, f'{OPENAI}\nquirks = ["background"]')
    (tmp_path / "llm.toml").write_text(with_quirk, encoding="utf-8")
    async with killable(address, tmp_path) as here:
        await here.faults(held("openai", "responses/"))
        model = ModelRef(vendor="openai", model=VENDORS["openai"])
        handle = await here.flows.start(OneReference, model)
        await here.book(lambda book: book["requests"].get("openai", 0) >= 2)  # asked, looked at
        await here.kill()
        answer = ModelAnswer.model_validate(await handle.result())
        assert (answer.simulated, answer.reused, answer.usd > 0) == (True, False, True)
        assert (await here.book())["billed"] == {"openai": 1}
        assert await here.calls(handle.id) == ({f"refused: {GONE_ON}": 1, "settled": 1}, 0)
