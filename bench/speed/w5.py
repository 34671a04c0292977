"""W5: ten steps of 0.3 s, one after another; the process at work is SIGKILLed after four.

Two workers serve, so that the time is that of noticing, not of starting Python. Ours are released
as our supervisor does (`runtime/release.py`); the one by hand waits for its heartbeat's timeout.
Bare asyncio has nobody else: it is started again, and begins from the start. Once more with a
single worker of ours, whose successor waits as in the stack (`runtime/spare.py`).
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from temporalio.client import Client

from bench.speed import control
from bench.speed.flows import ByBraid
from bench.speed.here import BARE, FUSED, HAND, VISIBLE, Found, Here
from bench.speed.records import Stages
from runtime.processes import spawn, stop
from runtime.release import release
from tests.support.flows import Killable, killable
from workflows.grades import GRADE, Grade

WORK = Stages(stages=((0.3,),) * 10)
DONE = 4
"""Steps that ended when the kill comes."""
FIGURES = {
    "W5 completed steps run again": "steps",
    "W5 kill to the next step": "seconds",
    "W5 in all": "seconds",
}
ALONE = ", a single worker"

Kill = Callable[[str], Awaitable[None]]
"""Kills whoever the log names."""


@dataclass(frozen=True)
class Run:
    """The work under way: its end, how whoever is at it is killed, and the log of its steps."""

    end: Awaitable[Any]
    kill: Kill
    log: Path


Way = Callable[[Here, Path], AbstractAsyncContextManager[Run]]


@dataclass(frozen=True)
class Line:
    """A line of the log: a step begins or ends, with its worker and the seconds since the epoch."""

    step: str
    what: str
    worker: str
    at: float


async def measure(here: Here, repeat: int) -> dict[str, Found]:
    """Kill each of the four, some times in turns."""
    ways: dict[str, Way] = {
        BARE: _bare,
        HAND: _by_hand,
        VISIBLE: partial(_braid, grade=Grade.VISIBLE),
        FUSED: partial(_braid, grade=Grade.FUSED),
    }
    ways |= {grade + ALONE: partial(_alone, grade=Grade(grade)) for grade in (VISIBLE, FUSED)}
    runs: dict[str, list[Sequence[float]]] = {name: [] for name in ways}
    for number in range(repeat):
        for name, way in ways.items():
            folder = here.data / f"kill-{name}-{number}".replace(" ", "-")
            folder.mkdir()
            async with way(here, folder) as run:
                runs[name].append(await _killed(run))
    return {
        figure + kind: Found(
            unit,
            {
                name.removesuffix(ALONE): [run[place] for run in each]
                for name, each in runs.items()
                if name.endswith(ALONE) is bool(kind)
            },
        )
        for kind in ("", ALONE)
        for place, (figure, unit) in enumerate(FIGURES.items())
    }


async def _killed(run: Run) -> Sequence[float]:
    """Kill it half way; give the steps done again, the seconds to the next step, and in all."""
    started = time.time()
    ended = asyncio.ensure_future(run.end)
    worker = await _busy(run.log, ended)
    killed = time.time()
    await run.kill(worker)
    await ended
    took, told = time.time() - started, _lines(run.log)
    begun = [line.step for line in told if line.what == "begins"]
    done = {line.step for line in told if line.what == "ends" and line.at < killed}
    later = [line.at for line in told if line.what == "begins" and line.at > killed]
    return [sum(begun.count(step) > 1 for step in done), min(later) - killed, took]


async def _busy(log: Path, ended: asyncio.Future[Any]) -> str:
    """Wait until enough steps ended and another runs; give the worker it runs on."""
    while not ended.done():
        told = _lines(log)
        over = {line.step for line in told if line.what == "ends"}
        running = [line.worker for line in told if line.step not in over]
        if len(over) >= DONE and running:
            return running[-1]
        await asyncio.wait({ended}, timeout=0.005)
    raise AssertionError("it ended before it could be killed")


def _lines(log: Path) -> list[Line]:
    if not log.exists():
        return []
    rows = (row.rsplit(" ", 3) for row in log.read_text(encoding="utf-8").splitlines())
    return [Line(step, what, worker, float(at)) for step, what, worker, at in rows]


@asynccontextmanager
async def _braid(here: Here, folder: Path, grade: Grade) -> AsyncIterator[Run]:
    async with killable(here.address, "bench.speed.world", folder) as first:
        second = Killable(first.flows, here.address, "bench.speed.world", folder, number=1)
        await second.start()
        await _warm(lambda: _case(first, grade, Stages(stages=())))
        by_name = {worker.identity: worker for worker in (first, second)}
        yield Run(_case(first, grade, WORK), lambda name: by_name[name].kill(), first.log)
        for worker in by_name.values():
            if worker.process is not None:
                await stop(worker.process, 5, hard=True)


@asynccontextmanager
async def _alone(here: Here, folder: Path, grade: Grade) -> AsyncIterator[Run]:
    async with killable(here.address, "bench.speed.world", folder) as worker:
        await worker.prepare()
        await _warm(lambda: _case(worker, grade, Stages(stages=())))

        async def kill(dead: str) -> None:
            await worker.kill(released=False)
            await worker.start()
            await release(worker.flows.client, dead)

        yield Run(_case(worker, grade, WORK), kill, worker.log)


async def _case(worker: Killable, grade: Grade, work: Stages) -> None:
    await (await worker.flows.start(ByBraid, work, memo={GRADE: grade})).result()


@asynccontextmanager
async def _by_hand(here: Here, folder: Path) -> AsyncIterator[Run]:
    log, queue = folder / "done.log", folder.name
    async with AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(
                _process("bench.speed.control", here.address, queue, f"{queue}-{n}", folder=folder)
            )
            for n in range(2)
        ]
        by_pid = {str(worker.pid): worker for worker in workers}

        async def case(stages: Sequence[Sequence[float]], id: str) -> None:
            given = control.Work(stages, log=str(log))
            client: Client = here.client
            await client.execute_workflow(control.ByHand.run, given, id=id, task_queue=queue)

        names = iter(range(100))
        await _warm(lambda: case((), f"{queue}-warm-{next(names)}"))
        yield Run(case(WORK.stages, queue), lambda pid: _kill(by_pid[pid]), log)


@asynccontextmanager
async def _bare(_here: Here, folder: Path) -> AsyncIterator[Run]:
    log = folder / "done.log"
    again: list[asyncio.subprocess.Process] = []

    async def run() -> None:
        async with _process("bench.speed.bare", str(log), folder=folder) as process:
            again.append(process)
            if await process.wait():
                await run()

    yield Run(run(), lambda _pid: _kill(again[-1]), log)


async def _warm(case: Callable[[], Awaitable[None]]) -> None:
    """Let both workers take a few cases, so that they have loaded what they need."""
    await asyncio.gather(*(case() for _ in range(20)))


@asynccontextmanager
async def _process(module: str, *given: str, folder: Path) -> AsyncIterator[Any]:
    process = await spawn([sys.executable, "-m", module, *given], log=folder / "worker.log")
    try:
        yield process
    finally:
        await stop(process, 5, hard=True)


async def _kill(process: asyncio.subprocess.Process) -> None:
    process.kill()
    await process.wait()
