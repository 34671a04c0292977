"""What a run by choices decided on its way, for people."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from temporalio.client import WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError

from cli.session import say
from insight.history.spans import Status
from insight.learned.steps import BLUEPRINT
from insight.report import Report
from insight.shown.words import clear, counted
from workflows.data.blueprints.case import BlueprintResult
from workflows.data.blueprints.decided import Decided
from workflows.data.blueprints.replan import PERMILLE

PATIENCE = timedelta(seconds=5)
"""How long a worker may take to say what a case decided by now: the rest is known without it."""


async def by_now(handle: WorkflowHandle[Any, Any], known: Report) -> Report:
    """Add the decision record of a blueprint's run whose history does not tell it: it is open, or
    it failed. If no worker answers, that is said and the report stays as it is.
    """
    if known.process != BLUEPRINT or known.decided is not None or known.status is Status.COMPLETED:
        return known
    try:
        told = await handle.query("result_so_far", rpc_timeout=PATIENCE)
    except (RPCError, WorkflowQueryFailedError):
        say("no worker says what the run decided on its way; start one with `make worker`")
        return known
    return known.model_copy(update={"decided": BlueprintResult.model_validate(told).decided})


def decided(record: Decided) -> RenderableType:
    """Show a decision record: how it went, then a row for each turn."""
    parts: list[RenderableType] = [Text(line, style="bold") for line in _head(record)]
    if record.turns:
        table = Table(box=None, pad_edge=False)
        for column in ("at", "step", "turn", "to", "why"):
            table.add_column(column, overflow="fold")
        for turn in record.turns:
            at, kind = f"{turn.at / PERMILLE:.1f} s", turn.kind.value
            told = f"{turn.why}, instead of {turn.before}" if turn.before else turn.why
            table.add_row(at, turn.step, kind, clear(turn.way), clear(told))
        parts.append(table)
    return Group(*parts)


def _head(record: Decided) -> Iterator[str]:
    if (wish := record.wish) is not None:
        limit = wish.deadline_ms
        until = "" if limit is None else f" within {limit / PERMILLE:.1f} s"
        kept = {True: ", kept", False: ", missed", None: ""}[record.in_time]
        took = "" if record.took is None else f"; took {record.took / PERMILLE:.1f} s"
        pace = f"steps took {record.slower / PERMILLE:.2f} times as long as learned"
        yield f"by choices: {wish.objective}{until}{kept}{took}; {pace}"
    if record.lost:
        yield f"{counted(record.lost, 'turn')} more were not kept"
