"""Measure several worker processes on one store: cases a minute, and each worker's share of calls.

`.venv/bin/python -m bench.workers` analyses 40 piles of documents with 1, 2 and 4 workers on
SQLite, `--postgres` on a PostgreSQL of its own; `--json` prints an object. The clock runs once all
workers serve. Server, simulator, database, workers and bench share the machine: where its
processors are busy, more workers bring nothing.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from runtime import server
from runtime.logs import configure
from runtime.processes import leave, spawn, stop
from runtime.settings import ROOT
from store.schema import claims
from tests.support.postgres import Postgres
from tests.support.world import World, example, world
from workflows.data.document_analysis import AnalysisCase

Figures = dict[str, Any]
CASE = "document-analysis/suppliers"


async def measured(workers: int, cases: int, database: str) -> Figures:
    """Run cases to their end with so many workers, on a server and in a store of their own."""
    async with AsyncExitStack() as stack:
        address, data = await stack.enter_async_context(server.for_a_while())
        here = await stack.enter_async_context(
            world(address, data / "world", served=False, database=database)
        )
        for number in range(workers):
            await stack.enter_async_context(serving(here, address, f"worker-{number + 1}"))
        await done(here)  # once, to have everything loaded
        before = await calls(here)
        started = time.perf_counter()
        await asyncio.gather(*(done(here) for _ in range(cases)))
        seconds = time.perf_counter() - started
        counted = await calls(here) - before
    return {
        "workers": workers,
        "cases": cases,
        "seconds": round(seconds, 1),
        "cases_per_minute": round(60 * cases / seconds, 1),
        "calls_per_second": round(counted.total() / seconds, 1),
        "shares": [round(n / counted.total(), 3) for _, n in sorted(counted.items())],
    }


async def done(here: World) -> None:
    """Run a case that needs nobody."""
    await (await here.begin("document-analysis", example(CASE, AnalysisCase))).result()


async def calls(here: World) -> Counter[str]:
    """Count the calls in the journal by the name of their worker."""
    query = select(claims.c.worker, func.count()).group_by(claims.c.worker)
    async with here.store.reading() as connection:
        found = (await connection.execute(query)).all()
    return Counter({name.rpartition("-")[0]: number for name, number in found})


@asynccontextmanager
async def serving(here: World, address: str, name: str) -> AsyncIterator[None]:
    """Run the product's own worker until the block ends."""
    env = os.environ | {
        "BRAID_DATA": str(here.settings.data),
        "BRAID_ENCRYPTION": "off",
        "BRAID_STORE": here.settings.store,
        "BRAID_SIMULATOR": here.settings.simulator,
        "BRAID_SIMULATOR_SMTP": here.settings.simulator_smtp,
    }
    log = here.settings.data / f"{name}.log"
    suffix = here.queue.removeprefix("braid-")
    options = ("--address", address, "--suffix", suffix, "--identity", name, "--die-with-parent")
    process = await spawn([sys.executable, str(ROOT / "worker.py"), *options], log=log, env=env)
    try:
        while "worker ready" not in log.read_text(encoding="utf-8"):
            assert process.returncode is None, log.read_text(encoding="utf-8")
            await asyncio.sleep(0.1)
        yield
    finally:
        await stop(process, 10)


async def main(options: argparse.Namespace) -> None:
    """Measure each number of workers, and print."""
    found: list[Figures] = []
    postgres = Postgres() if options.postgres else None
    try:
        for number in options.workers:
            database = await postgres.fresh() if postgres else ""
            found.append(await measured(number, options.cases, database))
    finally:
        if postgres:
            postgres.stop()
    if options.json:
        print(json.dumps(found, indent=2))
        return
    table = Table(
        title=f"workers on {'PostgreSQL' if postgres else 'SQLite'}", title_justify="left"
    )
    for head in ("workers", "cases", "s", "cases/min", "calls/s", "share of calls"):
        table.add_column(head)
    for line in found:
        shares = " ".join(f"{share:.0%}" for share in line["shares"])
        figures = (line[n] for n in list(line)[:5])
        table.add_row(*map(str, figures), shares)
    Console(width=100).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.workers", description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    configure("text", level=logging.WARNING)
    asyncio.run(main(given))
    leave(0)
