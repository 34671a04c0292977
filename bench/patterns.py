"""Measure the patterns: W1, W2 and W5 in both grades, what a join costs, what a branch leaves.

`.venv/bin/python -m bench.patterns` (about two minutes) prints a table, `--json` an object. The
server is the embedded one on disk (SQLite, WAL, synchronous=NORMAL: survives SIGKILL, not the
loss of power). Judge by ratios: every figure stands beside its control of the same run.
"""

import argparse
import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from temporalio.service import RPCError

from bench import world
from bench.flows import ByBraid, ByHand, Stages
from runtime import server
from runtime.logs import configure
from runtime.processes import leave, stop
from tests.support.flows import Flows, Killable, flowing, killable
from workflows.grades import GRADE, Grade
from workflows.patterns.join import join

W1 = Stages(stages=((2.0, 1.5, 1.0, 0.5), (0.5,)))
W2 = Stages(stages=((0.1,) * 3,) * 5)
W5 = Stages(stages=((0.3,),) * 10)
WIDTHS = (3, 30, 300)
Figures = dict[str, Any]


def say(text: str) -> None:
    """Tell the progress."""
    print(text, file=sys.stderr, flush=True)


def ideal(work: Stages) -> float:
    """Give the seconds the work takes if nothing else costs anything."""
    return sum(max(stage) for stage in work.stages)


async def bare(work: Stages) -> None:
    """Do the work with asyncio alone."""
    for stage in work.stages:
        await asyncio.gather(*(asyncio.sleep(seconds) for seconds in stage))


async def timed(work: Awaitable[object]) -> float:
    """Give the seconds `work` took."""
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def ran(here: Flows, workflow: type, work: Stages, grade: Grade = Grade.VISIBLE) -> Any:
    """Run a workflow to its end; give its handle."""
    handle = await here.start(workflow, work, memo={GRADE: grade})
    await handle.result()
    return handle


async def ratios(here: Flows, work: Stages, repeat: int) -> Figures:
    """Measure a workload four ways, in turns; ratios are wall time over the ideal."""
    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "bare asyncio": partial(bare, work),
        "hand-written": partial(ran, here, ByHand, work),
        "visible": partial(ran, here, ByBraid, work),
        "fused": partial(ran, here, ByBraid, work, Grade.FUSED),
    }
    for way in ways.values():
        await way()  # the first one warms caches
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeat):
        for name, way in ways.items():
            seconds[name].append(await timed(way()))
    return {name: round(median(taken) / ideal(work), 3) for name, taken in seconds.items()}


async def widths(here: Flows) -> Figures:
    """Measure what a join costs a branch: on a plain loop, and on the server with its history."""
    found: Figures = {}
    for width in WIDTHS:
        work = {f"b{n}": _nothing for n in range(width)}
        rounds = max(5, 3000 // width)
        joined = median([await timed(join(work)) for _ in range(rounds)])
        gathered = median([await timed(_gathered(width)) for _ in range(rounds)])
        found[f"{width} branches"] = {
            "join us/branch": round(joined / width * 1e6, 1),
            "gather us/branch": round(gathered / width * 1e6, 1),
            **await _on_server(here, width),
        }
        say(f"join of {width}: {found[f'{width} branches']}")
    return found


async def _on_server(here: Flows, width: int) -> Figures:
    stage = ((0.0,) * width,)
    taken: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(3):
        for plain in taken:
            work = Stages(stages=stage, bare=plain)
            taken[plain].append(await timed(ran(here, ByBraid, work)))
    handle = await ran(here, ByBraid, Stages(stages=stage))
    described = (await handle.describe()).raw_description.workflow_execution_info
    empty = await ran(here, ByBraid, Stages(stages=()))
    nothing = (await empty.describe()).raw_description.workflow_execution_info
    return {
        "server join/gather": round(median(taken[False]) / median(taken[True]), 3),
        "events/branch": round((described.history_length - nothing.history_length) / width, 2),
        "bytes/branch": round((described.history_size_bytes - nothing.history_size_bytes) / width),
    }


async def _nothing() -> None:
    """Take no time."""


async def _gathered(width: int) -> None:
    await asyncio.gather(*(_nothing() for _ in range(width)))


async def killed(address: str, data: Path, grade: Grade, *, released: bool) -> Figures:
    """Run W5 with two workers and SIGKILL the one at work half way.

    `released`: as our supervisor does; else the other worker waits for the heartbeat timeout.
    """
    async with killable(address, "bench.world", data) as first:
        second = Killable(first.flows, address, "bench.world", data, number=1)
        await second.start()
        await asyncio.gather(*(ran(first.flows, ByBraid, Stages(stages=())) for _ in range(20)))
        started = time.time()
        handle = await first.flows.start(ByBraid, W5, memo={GRADE: grade})
        mine = {w.identity: w for w in (first, second)}
        busy = await _busy(first, done=4, handle=handle)
        moment = time.time()
        await mine[busy].kill(released=released)
        await handle.result()
        ended = time.time()
        if (other := mine[next(i for i in mine if i != busy)]).process is not None:
            await stop(other.process, 5, hard=True)
    told = [line.split() for line in first.lines()]
    begun = [name for name, what, *_ in told if what == "begins"]
    done = {name for name, what, _, at in told if what == "ends" and float(at) < moment}
    again = [name for name in begun if name in done and begun.count(name) > 1]
    later = [float(at) for _, what, _, at in told if what == "begins" and float(at) > moment]
    return {
        "completed run again": len(set(again)),
        "kill to next step s": round(min(later) - moment, 2),
        "total s": round(ended - started, 2),
    }


async def _busy(workers: Killable, done: int, handle: Any) -> str:
    """Wait until so many sleeps ended and another runs; give the worker it runs on."""
    while True:
        told = [line.split() for line in workers.lines()]
        ended = [name for name, what, *_ in told if what == "ends"]
        running = [who for name, what, who, _ in told if what == "begins" and name not in ended]
        if len(ended) >= done and running:
            return str(running[-1])
        with suppress(RPCError):
            assert (await handle.describe()).close_time is None, "ended before it could be killed"


async def measure(repeat: int) -> Figures:
    """Measure everything on an embedded server of our own."""
    async with server.for_a_while() as (address, data):
        return await _measured(address, data, repeat)


async def _measured(address: str, data: Path, repeat: int) -> Figures:
    found: Figures = {}
    log = data / "done.log"
    async with flowing(
        address, world.WORKFLOWS, world.answers(log), steps=world.STEPS, data=data
    ) as here:
        for name, work in (("W1", W1), ("W2", W2)):
            found[name] = await ratios(here, work, repeat)
            say(f"{name}: {found[name]}")
        found["join"] = await widths(here)
    ways = [(grade, released) for grade in Grade for released in (True, False)]
    for number, (grade, released) in enumerate(ways):
        name = f"W5 {grade}, {'released by the supervisor' if released else 'not released'}"
        found[name] = await killed(address, data / f"kill-{number}", grade, released=released)
        say(f"{name}: {found[name]}")
    return found


def tables(found: Figures, console: Console) -> None:
    """Print what was found."""
    plain = {name: row for name, row in found.items() if name != "join"}
    for title, rows in (
        ("wall time over the ideal (median)", {n: plain[n] for n in ("W1", "W2")}),
        ("SIGKILL in 10 x 0.3 s", {n: r for n, r in plain.items() if n.startswith("W5")}),
        ("what a join costs", found["join"]),
    ):
        table = Table("", *next(iter(rows.values())), title=title, title_justify="left")
        for name, row in rows.items():
            table.add_row(name, *map(str, row.values()))
        console.print(table)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.patterns", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="runs of W1 and W2 each (5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    configure("text", level=logging.ERROR)
    found = asyncio.run(measure(options.repeat))
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        tables(found, Console())
    return 0


if __name__ == "__main__":
    leave(main())
