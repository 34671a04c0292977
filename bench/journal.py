"""Measure what a Call inside a fused step costs: answered, kept before the step goes on, read back.

`.venv/bin/python -m bench.journal` (about half a minute) prints a table, `--json` an object. No
server: the step's activity runs on a real store on disk (SQLite, WAL, synchronous=NORMAL: survives
SIGKILL, not the loss of power), and its Calls take no time. Beside it stand its controls of the
same run: the Calls alone, without a journal, and the rows alone, written by sqlite3 in as few
commits as the width allows. Judge by ratios; CPU is that of all threads.
"""

import argparse
import asyncio
import json
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, event
from temporalio.testing import ActivityEnvironment

from activities.doors import door
from activities.steps import StepActivities
from store.database import Store
from store.sqlite import PRAGMAS
from workflows.calls import RUN_STEP, Call, ask, open_door
from workflows.data.common import Record
from workflows.data.steps import StepOrder
from workflows.grades import step

WIDTHS = (1, 10, 100, 1000)
CALLS, FEW = 4000, 1000
"""How many Calls a run makes; one after the other, fewer do."""
INSERT = "INSERT INTO answers VALUES (?, ?, '', 'bench_nothing', 'unknown', ?, '', ?)"
Figures = dict[str, Any]


class Lanes(Record):
    """So many Calls, so many of them at once."""

    calls: int
    at_once: int


class Number(Record):
    """One Call's request and answer."""

    number: int


NOTHING = Call("bench_nothing", Number, Number, timeout=timedelta(seconds=30), attempts=20)


@step("bench_lanes", Lanes, Lanes)
async def run_lanes(given: Lanes) -> Lanes:
    """Make the Calls in lanes, one after the other in each."""

    async def lane(first: int) -> None:
        for number in range(first, given.calls, given.at_once):
            await ask(NOTHING, Number(number=number))

    await asyncio.gather(*(lane(first) for first in range(given.at_once)))
    return given


async def nothing(request: Number) -> Number:
    """Answer at once."""
    return request


async def bare(given: Lanes) -> None:
    """Answer the Calls without a journal."""

    async def answered(_call: Call[Any, Any], request: Record) -> Record:
        assert isinstance(request, Number)
        return await nothing(request)

    with open_door(answered):
        await run_lanes(given)


async def rows(file: Path, given: Lanes) -> None:
    """Write the rows alone, a commit for those at once."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for pragma in PRAGMAS:
            connection.execute(pragma)
        scope, at = token_hex(8), "2026-11-27T20:00:00.000000+00:00"
        for first in range(0, given.calls, given.at_once):
            some = range(first, min(first + given.at_once, given.calls))
            values = [(token_hex(32), scope, f'{{"number":{n}}}', at) for n in some]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(INSERT, values)
            connection.execute("COMMIT")


async def journalled(store: Store, given: Lanes, scope: str, attempt: int = 1) -> None:
    """Run the step as its activity does, in attempt `attempt` of the case `scope`."""
    activities = StepActivities(store, [run_lanes], {NOTHING.name: nothing})
    order = StepOrder(step=run_lanes.name, version=1, given=given.model_dump(mode="json"))
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, workflow_id=scope, attempt=attempt)
    await environment.run(door(RUN_STEP, activities.run_step), order)


async def timed(work: Awaitable[None]) -> tuple[float, float]:
    """Give the seconds `work` took, and those of CPU."""
    started, used = time.perf_counter(), time.process_time()
    await work
    return time.perf_counter() - started, time.process_time() - used


async def width(file: Path, given: Lanes, repeat: int) -> Figures:
    """Measure the ways in turns."""
    async with Store.opened(f"sqlite+aiosqlite:///{file}") as store:
        scope = ""

        async def first() -> None:
            nonlocal scope
            scope = token_hex(8)
            await journalled(store, given, scope)

        ways: dict[str, Callable[[], Awaitable[None]]] = {
            "kept": first,
            "read back": lambda: journalled(store, given, scope, attempt=2),
            "Calls alone": lambda: bare(given),
            "rows alone": lambda: rows(file, given),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(repeat):
            for name, way in ways.items():
                taken[name].append(await timed(way()))
    found: Figures = {}
    for name, each in taken.items():
        found[f"{name}/s"] = round(given.calls / median(wall for wall, _ in each))
        found[f"{name} us CPU"] = round(median(cpu for _, cpu in each) / given.calls * 1e6, 1)
    return found


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count the statements SQLite runs on connections opened inside, by their first word."""
    done: Counter[str] = Counter()

    def tell(connection: Any, _entry: object) -> None:
        connection.driver_connection._conn.set_trace_callback(
            lambda sql: done.update([sql.split(maxsplit=1)[0]])
        )

    event.listen(Engine, "connect", tell)
    try:
        yield done
    finally:
        event.remove(Engine, "connect", tell)


async def counted(file: Path, given: Lanes) -> Figures:
    """Count what SQLite does for a Call; a statement outside a transaction is a commit, too."""
    with counting() as done:
        async with Store.opened(f"sqlite+aiosqlite:///{file}") as store:
            scope = token_hex(8)
            done.clear()
            await journalled(store, given, scope)
            kept = done.copy()
            done.clear()
            await journalled(store, given, scope, attempt=2)
    return {
        "statements": round(kept.total() / given.calls, 3),
        "commits": round((kept["COMMIT"] or kept["INSERT"]) / given.calls, 3),
        "statements, read back": round(done.total() / given.calls, 3),
    }


async def measure(repeat: int) -> Figures:
    """Measure each width in a store of its own."""
    found: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for at_once in WIDTHS:
            given = Lanes(calls=FEW if at_once == 1 else CALLS, at_once=at_once)
            file = Path(folder) / f"{at_once}.db"
            measured = await width(file, given, repeat)
            found[f"{at_once} at once"] = measured | await counted(file, given)
    return found


def table(found: Figures) -> Table:
    """Lay the figures out, a column a width."""
    drawn = Table("", *found)
    for name in next(iter(found.values())):
        drawn.add_row(name, *(f"{one[name]:,}" for one in found.values()))
    return drawn


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.journal", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="runs of each way (5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    found = asyncio.run(measure(options.repeat))
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        Console().print(table(found))


if __name__ == "__main__":
    main()
