"""What a batch will cost and how long it will take: by cases of its process that closed, by an
earlier batch of it (fused cases leave no history of their own), or else by its own first cases.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from math import ceil

from temporalio.client import Client

from cli.histories import AT_ONCE, fetched
from cli.session import NO_SHADOW
from insight.history.facts import facts
from insight.history.spans import Status
from insight.report import report
from insight.shown.words import length
from insight.statistics.runs import RunSummary, summary
from workflows.data.case_batch import CaseBatchResult
from workflows.data.spread import SpreadProgress

LOOKED_AT = 20
"""Closed cases an estimate rests on, the newest of them; as many batches are looked through."""
FIRST = 20
"""Cases of a batch from which its cost is told, where nothing was known before."""


@dataclass(frozen=True)
class Estimate:
    """Cost in US dollars, and time, for so many cases; `by` says what it rests on.

    `highest` is the cost if all were as the dearest seen, None where single ones are not known.
    The time is machine time alone, with the whole window in use: limits and people come on top.
    """

    by: str
    usd: Decimal
    highest: Decimal | None
    time: timedelta

    def told(self) -> str:
        """Say it in one line."""
        most = "" if self.highest is None else f", at most ${self.highest:.2f},"
        took = length(self.time)
        return (
            f"by {self.by} it will cost ${self.usd:.2f}{most} and take some {took} besides limits"
            " and people"
        )


UNKNOWN = (
    "cost and time unknown: no case of this process has ended here; the cost is told after its"
    f" first {FIRST} cases, or `run` one to know"
)


async def estimate(client: Client, process: str, count: int, window: int) -> Estimate | None:
    """Estimate a batch of so many cases; None if none of the process has ended well, by itself or
    in a batch.
    """
    query = f"WorkflowType = '{process}' AND ExecutionStatus = 'Completed' AND {NO_SHADOW}"
    closed = [run async for run in client.list_workflows(query, limit=LOOKED_AT)]
    turn = asyncio.Semaphore(AT_ONCE)

    async def summed(workflow: str, run: str) -> RunSummary | None:
        async with turn:
            events = await fetched(client, workflow, run)
        return summary(report(events), facts(events)) if events else None

    found = await asyncio.gather(*(summed(run.id, run.run_id) for run in closed))
    known = [run for run in found if run is not None and run.status is not Status.CONTINUED]
    return made(known, count, window) if known else await by_batches(client, process, count)


async def by_batches(client: Client, process: str, count: int) -> Estimate | None:
    """Estimate by the newest batch of the process in which a case succeeded."""
    query = "WorkflowType = 'batch' AND ExecutionStatus = 'Completed'"
    async for run in client.list_workflows(query, limit=LOOKED_AT):
        handle = client.get_workflow_handle(run.id, run_id=run.run_id, result_type=CaseBatchResult)
        done: CaseBatchResult = await handle.result()
        if done.process == process and (found := by_batch(run.id, done, count)) is not None:
            return found
    return None


def by_batch(batch: str, done: CaseBatchResult, count: int) -> Estimate | None:
    """Make the estimate from a batch that ended; None if no case of its own succeeded.

    What failed cases cost is laid on the others: rather too dear than too cheap.
    """
    spread = done.spread
    cases = spread.succeeded - spread.already
    if cases == 0:
        return None
    took = (spread.ended - spread.started) / cases * count
    return Estimate(f"{cases:,} case(s) of {batch}", done.cost.usd / cases * count, None, took)


def succeeded(now: SpreadProgress) -> int:
    """Count the cases a batch has done well by now."""
    return now.done - now.already - now.failed


def by_first(now: SpreadProgress, spent: Decimal) -> str:
    """Say what a batch will cost by the cases it has done, some; what is in flight counts too."""
    left, cases = (now.total or now.done) - now.already, succeeded(now)
    return f"by its first {cases:,} case(s) it will cost some ${spent / cases * left:.2f} in all"


def made(known: Sequence[RunSummary], count: int, window: int) -> Estimate:
    """Make the estimate from closed cases, at least one."""
    costs = [run.usd for run in known]
    machine = sum((run.machine for run in known), timedelta(0)) / len(known)
    return Estimate(
        by=f"the last {len(known)} case(s)",
        usd=sum(costs, Decimal(0)) / len(costs) * count,
        highest=max(costs) * count,
        time=machine * ceil(count / window),
    )
