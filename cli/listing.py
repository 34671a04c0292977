"""`list`: the cases of all processes; those of a batch are counted in its line."""

import asyncio
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus

from cli.commands import out
from cli.processes import PROCESSES
from cli.session import NO_SHADOW, Session

COLUMNS = ("case", "process", "status", "started", "closed")
BATCH = "batch"
AT_ONCE = 10
"""Batches whose cases are counted at the same time."""
_NO_CASE_OF_A_BATCH = "(ParentWorkflowId IS NULL OR ParentWorkflowId NOT STARTS_WITH 'batch-')"
"""The parent of such a case is a chunk, `batch-PROCESS-NUMBER.N`."""


async def show_list(here: Session, *, everything: bool = False, as_json: bool = False) -> None:
    """List the cases, newest first; with `everything` each of a batch too, and shadows."""
    rows = await listed(here.client, everything=everything)
    if as_json:
        out(rows)
        return
    table = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, no_wrap=column == "case", overflow="fold")
    for row in rows:
        counts = ", ".join(f"{count:,} {state}" for state, count in row.get("cases", {}).items())
        told = row | ({"status": f"{row['status']}: {counts}"} if counts else {})
        table.add_row(*(str(told[column] or "") for column in COLUMNS))
    Console().print(table if rows else "no cases yet; `make demo` runs one")


async def listed(client: Client, *, everything: bool) -> list[dict[str, Any]]:
    """Give a row for each case and batch; that of a batch counts its `cases` by status."""
    names = ", ".join(f"'{name}'" for name in (*(e.name for e in PROCESSES), BATCH))
    query = f"WorkflowType IN ({names})"
    if not everything:
        query += f" AND {_NO_CASE_OF_A_BATCH} AND {NO_SHADOW}"
    found = [w async for w in client.list_workflows(query) if not _goes_on(w)]
    found.sort(key=lambda w: w.start_time, reverse=True)
    turn = asyncio.Semaphore(AT_ONCE)

    async def row(w: WorkflowExecution) -> dict[str, Any]:
        if w.workflow_type != BATCH:
            return _row(w)
        async with turn:
            return _row(w) | {"cases": await _counted(client, w.id)}

    return list(await asyncio.gather(*map(row, found)))


def _goes_on(w: WorkflowExecution) -> bool:
    """Say whether a batch goes on in a later run: the last one stands for it."""
    return w.workflow_type == BATCH and w.status is WorkflowExecutionStatus.CONTINUED_AS_NEW


async def _counted(client: Client, batch: str) -> dict[str, int]:
    """Count the cases of a batch by status: workflows alone, a fused case is none."""
    query = f"WorkflowId STARTS_WITH '{batch}:' GROUP BY ExecutionStatus"
    counted = await client.count_workflows(query)
    return {str(group.group_values[0]).lower(): group.count for group in counted.groups}


def _row(w: WorkflowExecution) -> dict[str, Any]:
    def at(moment: datetime | None) -> str | None:
        return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else None

    status = w.status.name.lower() if w.status else "unknown"
    values = (w.id, w.workflow_type, status, at(w.start_time), at(w.close_time))
    return dict(zip(COLUMNS, values, strict=True))
