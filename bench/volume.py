"""Measure a batch of many cases: the worker's memory, events and bytes of history per case, cases a
second.

`.venv/bin/python -m bench.volume` runs 20,000 cases in each grade, each of one call that takes no
time, and prints a table, `--json` an object; `--cases 1000 5000` runs a batch of each size. The
server is the embedded one on disk; server, worker and bench share the machine, so cases a second
are a lower bound; memory, events and bytes are not.
"""

import argparse
import asyncio
import json
import logging
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from temporalio.common import Priority

from cli.batch.starting import CHUNKS
from runtime import server
from runtime.logs import configure
from runtime.processes import leave
from tests.flows.volume import LOTS, Appraised, Lot, appraise_lot
from tests.support.flows import Killable, killable
from workflows.data.case_batch import BatchInputs, CaseBatch, CaseBatchResult
from workflows.data.chunk import ItemSource
from workflows.data.spread import SpreadProgress, SpreadRef, Tolerance
from workflows.grades import Grade
from workflows.patterns.spread_work import Child, work_order

QUARTERS = 4
WINDOW = 50
Figures = dict[str, Any]


def order(name: str, grade: Grade, count: int) -> CaseBatch:
    """Give the batch of so many lots in a grade."""
    child: Child[Lot, Appraised] = Child("appraisal", Lot, Appraised)
    return CaseBatch(
        process="appraisal",
        work=work_order(child if grade is Grade.VISIBLE else appraise_lot),
        inputs=BatchInputs(name="lots", sha256="0" * 64, taken=count),
        source=ItemSource(page=work_order(LOTS), about={"count": count}),
        ref=SpreadRef(scope=name, spread="cases"),
        window=WINDOW,
        chunk=CHUNKS["child" if grade is Grade.VISIBLE else "step"],
        tolerance=Tolerance(count=0),
    )


def resident(pid: int) -> float:
    """Give the resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


async def measured(worker: Killable, grade: Grade, count: int) -> Figures:
    """Run a batch to its end in a worker of its own; give its figures."""
    name = f"bench-{grade}"
    first = order(f"{name}-first", grade, 1)  # when it has ended, the worker serves
    await (await worker.flows.start("batch", first, id=f"{name}-first")).result()
    given = order(name, grade, count)
    started = time.perf_counter()
    handle = await worker.flows.start("batch", given, id=name, priority=Priority(priority_key=5))
    ended = asyncio.ensure_future(handle.result())
    assert worker.process is not None
    memory: list[float] = []
    while not ended.done():
        await asyncio.wait({ended}, timeout=0.25)
        progress = SpreadProgress.model_validate(await handle.query("progress"))
        if progress.done >= count * (len(memory) + 1) / QUARTERS:
            memory.append(round(resident(worker.process.pid), 1))
            print(f"{grade}: {progress.done} done, {memory[-1]} MB", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - started
    result = CaseBatchResult.model_validate(await ended)
    assert (result.spread.succeeded, result.spread.failed) == (count, 0)
    return {
        "grade": str(grade),
        "cases": count,
        "seconds": round(seconds, 1),
        "per_second": round(count / seconds, 1),
        "memory_mb": memory,
        "events": await events(worker, name, given.chunk, result.spread.chunks),
    }


async def events(worker: Killable, name: str, size: int, chunks: int) -> Figures:
    """Count events of history: of a chunk and its items (with bytes), of a case, of each run of
    the batch.
    """
    client = worker.flows.client

    async def found(id: str) -> tuple[int, int]:
        """Give events and bytes of a history."""
        told = await client.get_workflow_handle(id).describe()
        size = told.raw_description.workflow_execution_info.history_size_bytes
        return told.history_length, size

    runs = [r async for r in client.list_workflows(f"WorkflowId = '{name}'")]
    some = [await found(f"{name}.{n}") for n in (2, chunks // 2, chunks - 1)]
    cases = [r async for r in client.list_workflows("WorkflowType = 'appraisal'", limit=3)]
    return {
        "batch_runs": len(runs),
        "batch_run_most": max(r.history_length for r in runs),
        "chunk_per_case": [round(events / size, 2) for events, _ in some],
        "chunk_bytes_per_case": [round(bytes / size) for _, bytes in some],
        "case": [r.history_length for r in cases],
    }


async def main(options: argparse.Namespace) -> None:
    """Measure every grade on a server of its own, and print."""
    found: list[Figures] = []
    grades = Grade if not options.grade else (Grade(options.grade),)
    for grade, count in product(grades, options.cases):
        async with (
            server.for_a_while() as (address, data),
            killable(address, "bench.volume_world", data) as worker,
        ):
            found.append(await measured(worker, grade, count))
    if options.json:
        print(json.dumps(found, indent=2))
        return
    show(found)


def show(found: list[Figures]) -> None:
    """Print a table."""
    table = Table(title="batches", title_justify="left")
    heads = ("grade", "cases", "s", "cases/s", "worker MB, by quarters", "events a case in chunks")
    for head in (*heads, "bytes", "events of its own", "batch: runs, events at most"):
        table.add_column(head)
    for line in found:
        counted = line["events"]
        table.add_row(
            line["grade"],
            f"{line['cases']:,}",
            str(line["seconds"]),
            str(line["per_second"]),
            " ".join(map(str, line["memory_mb"])),
            " ".join(map(str, counted["chunk_per_case"])),
            " ".join(map(str, counted["chunk_bytes_per_case"])),
            " ".join(map(str, counted["case"])) or "0",
            f"{counted['batch_runs']}, {counted['batch_run_most']}",
        )
    Console(width=140).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, nargs="+", default=[20_000])
    parser.add_argument("--grade", choices=[*Grade])
    parser.add_argument("--json", action="store_true")
    configure("text", level=logging.CRITICAL)
    asyncio.run(main(parser.parse_args()))
    leave(0)
