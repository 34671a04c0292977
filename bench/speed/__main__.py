"""Measure W1 to W5 in one run: `make bench`, some of them by `make bench ARGS='W2 W3'`.

Each stands beside bare asyncio and Temporal written by hand, on the same embedded server on disk
(SQLite, WAL, synchronous=NORMAL: survives SIGKILL of worker and server, not the loss of power).
Prints a table, median (least to most), and writes all to bench/results.json. Judge by ratios.
"""

import argparse
import asyncio
import json
import logging
import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.speed import w1, w2, w3, w4, w5
from bench.speed.here import BARE, FUSED, HAND, VISIBLE, Found, running
from runtime.logs import configure
from runtime.metrics import begin_runtime
from runtime.processes import leave
from runtime.settings import Settings

WORKLOADS = {"W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w5}
RESULTS = Path(__file__).parent.parent / "results.json"
REPEAT = 5


async def measured(names: list[str], repeat: int) -> dict[str, Found]:
    """Measure workloads, each on a server of its own so that no history of another weighs."""
    found: dict[str, Found] = {}
    for name in names:
        print(f"{name}: {WORKLOADS[name].__doc__}".splitlines()[0], file=sys.stderr, flush=True)
        async with running() as here:
            found |= await WORKLOADS[name].measure(here, repeat)
    return found


def results(found: Mapping[str, Found]) -> dict[str, Any]:
    """Give `{workload: {subject: {median, min, max, unit}}}`."""
    return {
        workload: {
            subject: {
                "median": round(median(runs), 3),
                "min": round(min(runs), 3),
                "max": round(max(runs), 3),
                "unit": each.unit,
            }
            for subject, runs in each.runs.items()
        }
        for workload, each in found.items()
    }


def machine() -> str:
    """Describe the machine: processors, system, versions, and how busy it was before."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"{os.cpu_count()} processors, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, temporalio {version('temporalio')},"
        f" load before {load:.1f}"
    )


def table(told: Mapping[str, Any], about: str) -> Table:
    """Show the medians, with the least and the most."""
    shown = Table("", "unit", BARE, HAND, VISIBLE, FUSED, "visible/hand-written", title=about)
    for workload, row in told.items():
        cells = [_cell(row[name]) if name in row else "-" for name in (BARE, HAND, VISIBLE, FUSED)]
        hand, visible = row.get(HAND, {"median": 0})["median"], row[VISIBLE]["median"]
        ratio = f"{visible / hand:.3f}" if hand else "-"
        shown.add_row(workload, row[VISIBLE]["unit"], *cells, ratio)
    return shown


def _cell(figure: Mapping[str, Any]) -> str:
    return f"{figure['median']:,g} ({figure['min']:,g} to {figure['max']:,g})"


def main() -> int:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="W", help="W1 to W5; all without any")
    parser.add_argument("--repeat", type=int, default=REPEAT, help=f"runs of each ({REPEAT})")
    options = parser.parse_args()
    names = [name.upper() for name in options.workloads] or [*WORKLOADS]
    if unknown := [name for name in names if name not in WORKLOADS]:
        parser.error(f"no workload {unknown[0]!r}: say {', '.join(WORKLOADS)}")
    if options.repeat < 1:
        parser.error("--repeat: say 1 or more")
    configure("text", level=logging.ERROR)
    begin_runtime(Settings())
    about = machine()
    told = results(asyncio.run(measured(names, options.repeat)))
    RESULTS.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    Console(width=160).print(table(told, about))
    print(f"all figures: {RESULTS}")
    return 0


if __name__ == "__main__":
    leave(main())
