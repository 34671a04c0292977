"""Measure how long a large history takes to explain, and in how much memory.

`.venv/bin/python -m bench.insight` prints one JSON line: events, bytes, the seconds of each stage
(read, report, terminal, page), their sum, and the megabytes the process held at most. The history
is made once, by running a workflow on an embedded server of our own (about two minutes), and kept
in `.braid/bench`; each measurement is a process of its own.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from bench.lanes import Lanes, nap
from runtime import server
from runtime.connection import connect_to
from runtime.settings import ROOT

EVENTS = 50_000
"""The server ends a workflow at 51,200."""
KEPT = ROOT / ".braid" / "bench"


async def made(events: int) -> str:
    """Run the workflow on a server of our own and give its history as JSON."""
    async with server.for_a_while() as (address, _):
        return await _run(await connect_to(address), events)


async def _run(client: Client, events: int) -> str:
    worker = Worker(
        client,
        task_queue="bench-lanes",
        workflows=[Lanes],
        activities=[nap],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with worker:
        handle = await client.start_workflow(
            Lanes.run,
            events,
            id="bench-lanes",
            task_queue="bench-lanes",
            task_timeout=timedelta(seconds=60),
        )
        await handle.result()
    return (await handle.fetch_history()).to_json()


def measure(file: Path) -> dict[str, object]:
    """Explain a file in this process, stage by stage."""
    from rich.console import Console

    from cli.explanation import explanation
    from insight.history.reader import read_history
    from insight.report import report
    from insight.shown.html import page

    began = last = time.perf_counter()
    stages: dict[str, float] = {}

    def done(stage: str) -> None:
        nonlocal last
        now = time.perf_counter()
        stages[stage], last = round(now - last, 2), now

    events = read_history(file.read_bytes())
    done("read")
    known = report(events)
    del events  # as the command line does
    done("report")
    with Path("/dev/null").open("w") as nowhere:
        console = Console(file=nowhere, width=160)
        console.print(explanation(known, console))
    done("terminal")
    length = len(page(known))
    done("page")
    return {
        "events": known.events,
        "spans": len(known.spans),
        "edges": len(known.flow.edges),
        "left_out": known.flow.left_out,
        "bytes": file.stat().st_size,
        **stages,
        "seconds": round(time.perf_counter() - began, 2),
        "page_bytes": length,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> int:
    """Make the history if need be, measure it in a fresh process, print."""
    parser = argparse.ArgumentParser(prog="bench.insight", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help=f"events to make ({EVENTS})")
    parser.add_argument("--file", type=Path, help="explain this history instead")
    parser.add_argument("--here", action="store_true", help="in this process, which has no other")
    options = parser.parse_args()
    file = options.file or KEPT / f"history-{options.events}.json"
    if not file.exists():
        sys.stderr.write(f"running a workflow of {options.events} events ...\n")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(asyncio.run(made(options.events)), encoding="utf-8")
    if options.here:
        print(json.dumps(measure(file)))
        return 0
    fresh = [sys.executable, "-m", "bench.insight", "--here", "--file", str(file)]
    return subprocess.run(fresh, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
