"""What a batch will cost and how long it will take, by the cases of its process that closed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from math import ceil

from temporalio.client import Client

from cli.histories import AT_ONCE, fetched
from insight.history.facts import facts
from insight.history.spans import Status
from insight.report import report
from insight.shown.words import length
from insight.statistics.runs import RunSummary, summary

LOOKED_AT = 20
"""Closed cases an estimate rests on, the newest of them."""


@dataclass(frozen=True)
class Estimate:
    """Cost in US dollars, and time, for so many cases; `highest` if all were as the dearest seen.

    The time is machine time alone, with the whole window in use: limits and people come on top.
    """

    cases: int
    usd: Decimal
    highest: Decimal
    time: timedelta

    def told(self) -> str:
        """Say it in one line."""
        return (
            f"by the last {self.cases} case(s) it will cost ${self.usd:.2f}, at most"
            f" ${self.highest:.2f}, and take some {length(self.time)} besides limits and people"
        )


UNKNOWN = "cost and time unknown: no case of this process has ended here; `run` one to know"


async def estimate(client: Client, process: str, count: int, window: int) -> Estimate | None:
    """Estimate a batch of so many cases; None if no case of the process has ended well."""
    query = f"WorkflowType = '{process}' AND ExecutionStatus = 'Completed'"
    closed = [run async for run in client.list_workflows(query, limit=LOOKED_AT)]
    turn = asyncio.Semaphore(AT_ONCE)

    async def summed(workflow: str, run: str) -> RunSummary | None:
        async with turn:
            events = await fetched(client, workflow, run)
        return summary(report(events), facts(events)) if events else None

    found = await asyncio.gather(*(summed(run.id, run.run_id) for run in closed))
    known = [run for run in found if run is not None and run.status is not Status.CONTINUED]
    return made(known, count, window) if known else None


def made(known: Sequence[RunSummary], count: int, window: int) -> Estimate:
    """Make the estimate from closed cases, at least one."""
    costs = [run.usd for run in known]
    machine = sum((run.machine for run in known), timedelta(0)) / len(known)
    return Estimate(
        cases=len(known),
        usd=sum(costs, Decimal(0)) / len(costs) * count,
        highest=max(costs) * count,
        time=machine * ceil(count / window),
    )
