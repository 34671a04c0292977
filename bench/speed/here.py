"""Where W1 to W5 run: one server on disk, a worker of ours, one by hand; and what a run gives."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.client import Client

from bench.speed import control, records, world
from bench.speed.flows import ByBraid
from bench.speed.records import Stages
from runtime import server
from runtime.processes import lay_aside
from runtime.settings import Settings
from store.database import Store
from tests.support.flows import Flows, flowing
from workflows.grades import GRADE, Grade

BARE, HAND, VISIBLE, FUSED = "bare asyncio", "hand-written", "visible", "fused"
AT_ONCE = 1000
"""Activities a worker takes at once, ours and the one by hand."""

Ways = Mapping[str, Callable[[], Awaitable[float]]]


@dataclass(frozen=True)
class Found:
    """The figures of a workload by subject, one a run, all of one unit."""

    unit: str
    runs: Mapping[str, list[float]]


@dataclass(frozen=True)
class Here:
    """A server's address, a folder, our worker and its client, and those written by hand."""

    address: str
    data: Path
    ours: Flows
    client: Client
    queue: str

    async def braid(self, grade: Grade, work: Stages) -> None:
        """Run the work as a case of ours to its end."""
        handle = await self.ours.start(ByBraid, work, memo={GRADE: grade})
        await handle.result()

    async def by_hand(self, work: Stages) -> None:
        """Run the work as a workflow written by hand to its end."""
        given = control.Work(work.stages, work.limit or 0)
        id, queue = f"hand-{secrets.token_hex(6)}", self.queue
        await self.client.execute_workflow(control.ByHand.run, given, id=id, task_queue=queue)


@asynccontextmanager
async def running() -> AsyncIterator[Here]:
    """Start the server and both workers."""
    async with AsyncExitStack() as stack:
        address, data = await stack.enter_async_context(server.for_a_while())
        store = await Store.open(Settings(data=data).database)
        stack.push_async_callback(store.close)
        answers = world.quiet(store)
        ours = flowing(
            address,
            world.WORKFLOWS,
            answers,
            steps=world.STEPS,
            data=data,
            at_once=AT_ONCE,
            records=[records.__name__],
        )
        flows = await stack.enter_async_context(ours)
        client, queue = await Client.connect(address), f"hand-{secrets.token_hex(4)}"
        await stack.enter_async_context(control.worker(client, queue, queue, AT_ONCE))
        lay_aside()  # as the product's worker does; the one by hand gains as much
        yield Here(address, data, flows, client, queue)


async def bare(work: Stages) -> None:
    """Do the work with asyncio alone."""
    for stage in work.stages:
        lanes = asyncio.Semaphore(work.limit or len(stage))
        await asyncio.gather(*(_nap(lanes, seconds) for seconds in stage))


async def _nap(lanes: asyncio.Semaphore, seconds: float) -> None:
    async with lanes:
        await asyncio.sleep(seconds)


async def seconds(work: Awaitable[Any]) -> float:
    """Give the seconds `work` took."""
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def in_turns(ways: Ways, repeat: int) -> dict[str, list[float]]:
    """Go each way once to warm up, then all of them `repeat` times in turns."""
    for way in ways.values():
        await way()
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeat):
        for name, way in ways.items():
            found[name].append(await way())
    return found


async def over_ideal(here: Here, work: Stages, ideal: float, repeat: int) -> Found:
    """Measure the work four ways: wall time over the `ideal` seconds, what nothing else costs."""

    async def ratio(running: Awaitable[None]) -> float:
        return await seconds(running) / ideal

    ways: Ways = {
        BARE: lambda: ratio(bare(work)),
        HAND: lambda: ratio(here.by_hand(work)),
        VISIBLE: lambda: ratio(here.braid(Grade.VISIBLE, work)),
        FUSED: lambda: ratio(here.braid(Grade.FUSED, work)),
    }
    return Found("wall time over the ideal", await in_turns(ways, repeat))
