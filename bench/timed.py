"""Time whole cases of due diligence, until the review opens.

`.venv/bin/python -m bench.timed` (about a minute) prints tables, `--json` an object.

A real case of `cases/`, vendors four times as quick as the simulator says by default and the
figures four times what was measured. It has what the claim of 45 minutes down to 12
(`bench/claims.py`) leaves out: parties found on the way and screened then, a synthesis that needs
all checks, and days of waiting for people (not in it).
"""

import argparse
import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from cli.cases import as_proposed
from runtime import server
from runtime.logs import configure
from runtime.processes import leave
from simulator.config import SimulatorConfig
from tests.support.world import World, case_file, world
from workflows.data.common import BranchView

SPEED = 4.0
Figures = dict[str, Any]


async def whole(address: str, data: Path, name: str) -> Figures:
    """Run a real case to the gate of its review; give seconds by the branches' own clock."""
    config = SimulatorConfig(seed=7, speed=SPEED, error_rate=0, signal_attempts=1)
    async with world(address, data / name, config=config) as here:
        handle = await here.start(case_file(name))
        started = (await handle.describe()).start_time
        await _to_review(here, handle)
        described = TypeAdapter(list[BranchView]).validate_python(await handle.query("branches"))
    return _clocks(started, [b for b in described if b.started and b.ended])


async def _to_review(here: World, handle: Any) -> None:
    """Judge hits on the way as proposed, until the gate of the review opens."""
    while True:
        gate = await here.gate(handle, "")
        if gate.name.startswith("review"):
            return
        said = as_proposed(gate, gate.may_decide[0], "timed")
        await handle.execute_update("decide", said)


def _clocks(started: datetime, branches: Sequence[BranchView]) -> Figures:
    def seconds(one: BranchView) -> float:
        assert one.started is not None
        assert one.ended is not None
        return round((one.ended - one.started).total_seconds() * SPEED, 1)

    last = max(b.ended for b in branches if b.ended)
    each = {b.name: seconds(b) for b in branches}
    return {
        "branches": each,
        "in order s": round(sum(each.values()), 1),
        "to the review s": round((last - started).total_seconds() * SPEED, 1),
    }


async def measure(cases: Sequence[str]) -> Figures:
    """Measure on an embedded server of our own."""
    async with server.for_a_while() as (address, data):
        return {name: await whole(address, data, name) for name in cases}


def tables(found: Figures, console: Console) -> None:
    """Print what was found."""
    for name, case in found.items():
        table = Table("branch", "s", title=name, title_justify="left")
        for branch, took in sorted(case["branches"].items(), key=lambda item: -item[1]):
            table.add_row(branch, f"{took:.1f}")
        for total in ("in order s", "to the review s"):
            table.add_row(total.removesuffix(" s"), f"{case[total]:.1f}", style="bold")
        console.print(table)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.timed", description=__doc__)
    parser.add_argument("--cases", default="unilever,dmgt", help="cases to run (unilever,dmgt)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    configure("text", level=logging.ERROR)
    found = asyncio.run(measure(options.cases.split(",")))
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        tables(found, Console())
    return 0


if __name__ == "__main__":
    leave(main())
