"""Measure what a join costs a branch: on a plain loop, and on the server with what it leaves there.

`.venv/bin/python -m bench.patterns` (half a minute) prints a table, `--json` an object. Every
figure stands beside its control of the same run, a plain `asyncio.gather`.
"""

import argparse
import asyncio
import json
import logging
import sys
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.speed.flows import ByBraid
from bench.speed.here import Here, running, seconds
from bench.speed.records import Stages
from runtime.logs import configure
from runtime.processes import leave
from workflows.grades import Grade
from workflows.patterns.join import join

WIDTHS = (3, 30, 300)
Figures = dict[str, Any]


async def measure() -> Figures:
    """Measure joins of some widths."""
    found: Figures = {}
    async with running() as here:
        for width in WIDTHS:
            found[f"{width} branches"] = await _here(width) | await _on_server(here, width)
            print(f"{width} branches", file=sys.stderr, flush=True)
    return found


async def _here(width: int) -> Figures:
    work = {f"b{n}": _nothing for n in range(width)}
    rounds = max(5, 3000 // width)
    joined = median([await seconds(join(work)) for _ in range(rounds)])
    gathered = median([await seconds(_gathered(width)) for _ in range(rounds)])
    return {
        "join us/branch": round(joined / width * 1e6, 1),
        "gather us/branch": round(gathered / width * 1e6, 1),
    }


async def _on_server(here: Here, width: int) -> Figures:
    stage = ((0.0,) * width,)
    taken: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(3):
        for plain in taken:
            work = Stages(stages=stage, bare=plain)
            taken[plain].append(await seconds(here.braid(Grade.VISIBLE, work)))
    full, empty = await _left(here, stage), await _left(here, ())
    return {
        "server join/gather": round(median(taken[False]) / median(taken[True]), 3),
        "events/branch": round((full[0] - empty[0]) / width, 2),
        "bytes/branch": round((full[1] - empty[1]) / width),
    }


async def _left(here: Here, stages: tuple[tuple[float, ...], ...]) -> tuple[int, int]:
    """Count the events and bytes of history a case leaves."""
    handle = await here.ours.start(ByBraid, Stages(stages=stages))
    await handle.result()
    described = (await handle.describe()).raw_description.workflow_execution_info
    return described.history_length, described.history_size_bytes


async def _nothing() -> None:
    """Take no time."""


async def _gathered(width: int) -> None:
    await asyncio.gather(*(_nothing() for _ in range(width)))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.patterns", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    configure("text", level=logging.ERROR)
    found = asyncio.run(measure())
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    table = Table("", *next(iter(found.values())), title="what a join costs", title_justify="left")
    for name, row in found.items():
        table.add_row(name, *map(str, row.values()))
    Console().print(table)
    return 0


if __name__ == "__main__":
    leave(main())
