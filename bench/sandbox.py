"""Measure what the sandbox costs a case: CPU of replaying recorded histories inside and outside it.

`.venv/bin/python -m bench.sandbox` (half a minute, no server) prints a table, `--json` an object.
Milliseconds of CPU of this process for one case from its first task to its last: a new instance,
every activation, every payload. Judge by the ratio of one run.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner

from deployed import WORKFLOWS, BraidInterceptor, runner
from runtime.conversion import DATA_CONVERTER
from runtime.processes import leave
from runtime.settings import ROOT

CASES = (
    "service_ask",
    "sentiment_week",
    "order_fulfilment_ready",
    "blueprint_invoice",
    "due_diligence_unilever",
)
COPIES = 20
FEW = 2


def history(name: str) -> WorkflowHistory:
    """Read a recorded history of the tests."""
    text = Path(ROOT, "tests", "replay", f"{name}.json").read_text(encoding="utf-8")
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], text)


async def replayed(known: WorkflowHistory, how: WorkflowRunner, copies: int) -> float:
    """Give the seconds of CPU that replaying so many copies takes, making ready included."""
    kind = known.events[0].workflow_execution_started_event_attributes.workflow_type.name
    of = [w for w in WORKFLOWS if workflow._Definition.must_from_class(w).name == kind]
    replayer = Replayer(
        workflows=of,
        workflow_runner=how,
        interceptors=[BraidInterceptor("replay")],
        data_converter=DATA_CONVERTER,
    )

    async def same() -> AsyncIterator[WorkflowHistory]:
        for _ in range(copies):
            yield known

    started = time.process_time()
    await replayer.replay_workflows(same())
    return time.process_time() - started


async def a_case(known: WorkflowHistory, how: WorkflowRunner) -> float:
    """Give the milliseconds of CPU of one more copy."""
    few = await replayed(known, how, FEW)
    return (await replayed(known, how, FEW + COPIES) - few) / COPIES * 1000


async def measured(repeat: int) -> dict[str, dict[str, float]]:
    """Measure each case in both ways, in turns."""
    ways = {"sandbox": runner(), "outside": UnsandboxedWorkflowRunner()}
    found: dict[str, dict[str, float]] = {}
    for name in CASES:
        known = history(name)
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(repeat):
            for way, how in ways.items():
                taken[way].append(await a_case(known, how))
        told = {way: round(median(ms), 2) for way, ms in taken.items()}
        events = len(known.events)
        found[name] = {
            "events": events,
            **told,
            "ratio": round(told["sandbox"] / told["outside"], 2),
        }
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.sandbox", description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[str, Any] = asyncio.run(measured(options.repeat))
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    table = Table("history", "events", "sandbox ms", "outside ms", "ratio", box=None)
    for name, row in found.items():
        table.add_row(name, *(str(value) for value in row.values()))
    Console().print(table)
    return 0


if __name__ == "__main__":
    leave(main())
