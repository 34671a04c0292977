"""Model calls while workers are killed: what was billed, repeated, lost, and left uncertain."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from runtime.release import release
from simulator.app import create_app
from simulator.config import SimulatorConfig
from simulator.server import serving
from store.database import Store
from store.journal import Journal
from store.uncertain import open_of
from tests.flows.gateway import Counted, Many, ManyCalls
from tests.support.flows import Killable, killable
from workflows.grades import GRADE, Grade

WORLD = "tests.flows.gateway_world"


@dataclass
class Tally:
    """What a run through kills came to. `in_flight` are the calls open at each kill, by worker."""

    calls: int = 0
    answers: int = 0
    billed: int = 0
    uncertain: int = 0
    repeated: int = 0
    seconds: float = 0.0
    in_flight: list[int] = field(default_factory=list)


@asynccontextmanager
async def simulated(data: Path, config: SimulatorConfig) -> AsyncIterator[httpx.AsyncClient]:
    """Serve a simulator whose address the workers of this data folder find."""
    async with (
        serving(create_app(config)) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as control,
    ):
        (data / "simulator.url").write_text(url, encoding="utf-8")
        yield control


async def killed_every(
    address: str, data: Path, cases: list[Many], *, seconds: float, kills: int, grade: Grade
) -> Tally:
    """Run the cases with two worker processes, one of which is killed every so many seconds.

    `kills` bounds how often. The busier one is killed, once it has a call under way, and started
    again at once, as the supervisor does.
    """
    config = SimulatorConfig(seed=7, speed=40.0, error_rate=0)
    tally, loop = Tally(calls=sum(c.calls for c in cases)), asyncio.get_running_loop()
    async with simulated(data, config) as control, killable(address, WORLD, data) as first:
        second = Killable(first.flows, address, WORLD, data, number=1_000)
        await second.start()
        store = await Store.open(f"sqlite+aiosqlite:///{data / 'store.db'}")
        try:
            began = loop.time()
            starting = (first.flows.start(ManyCalls, c, memo={GRADE: grade}) for c in cases)
            handles = await asyncio.gather(*starting)
            ending = asyncio.gather(*(handle.result() for handle in handles))
            await _kill(store, (first, second), ending, tally, seconds, kills)
            counted = [Counted.model_validate(result) for result in await ending]
            tally.seconds = round(loop.time() - began, 1)
            tally.answers = sum(c.answers for c in counted)
            await _count(store, [handle.id for handle in handles], tally)
            book = (await control.get("/_simulator/book")).json()
            tally.billed = sum(book["billed"].values())
        finally:
            await second.kill(released=False)
            await store.close()
    return tally


async def _kill(
    store: Store,
    workers: tuple[Killable, Killable],
    ending: "asyncio.Future[list[object]]",
    tally: Tally,
    seconds: float,
    kills: int,
) -> None:
    for _ in range(kills):
        await asyncio.wait([ending], timeout=seconds)
        victim, held = await _busiest(store, workers)
        while not ending.done() and held == 0:  # a kill that hits no call proves nothing
            await asyncio.wait([ending], timeout=0.05)
            victim, held = await _busiest(store, workers)
        if ending.done():
            return
        await victim.kill(released=False)
        tally.in_flight.append(await open_of(store, victim.identity))
        await release(victim.flows.client, victim.identity)
        await victim.start()


async def _busiest(store: Store, workers: tuple[Killable, Killable]) -> tuple[Killable, int]:
    """Give the worker with the most calls under way, and how many those are."""
    held = [await open_of(store, worker.identity) for worker in workers]
    return workers[held.index(max(held))], max(held)


async def _count(store: Store, scopes: list[str], tally: Tally) -> None:
    journal = Journal(store)
    for scope in scopes:
        tally.uncertain += len(await journal.uncertain(scope))
        tally.repeated += await journal.repeated_paid(scope)
