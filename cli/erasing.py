"""`erase`: what a closed case holds of people goes, from store and Temporal, with a proof."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from cli.commands import out
from cli.errors import BadInput, Trouble
from cli.session import Session, say
from store.blobs import named_in
from store.database import Store
from store.erasing import Eraser

PATIENCE, PAUSE = 90.0, 0.2
"""Seconds Temporal may take to delete a history (30 where not tuned), and between two looks."""


@dataclass(frozen=True)
class Erased:
    """What was erased of a case, and what a second look found: the proof is that all is 0.

    `runs` are histories in Temporal; `held` and `left` count rows of the store by table.
    """

    case: str
    at: str
    runs: int
    runs_left: int
    held: dict[str, int]
    left: dict[str, int]

    def whole(self) -> bool:
        """Say whether nothing is left."""
        return not self.runs_left and not any(self.left.values())


async def erase(here: Session, case: str, *, sure: bool) -> Erased:
    """Erase a case if `sure`; else tell what would go. Raises BadInput."""
    root = (await here.handle(case)).id
    runs = await _runs(here.client, root)
    async with Store.opened(here.settings.database) as store:
        eraser = Eraser(store)
        documents = await _only_theirs(here.client, runs)
        held = await eraser.holds(root, documents)
        if not sure:
            return Erased(root, "", len(runs), len(runs), held, held)
        await eraser.erase(root, documents)
        for run in runs:
            await _delete(here.client, run)
        left = await eraser.holds(root, documents)
    still = [run for run in runs if not await _is_gone(here.client, run)]
    return Erased(root, datetime.now(UTC).isoformat(), len(runs), len(still), held, left)


def tell(found: Erased, to: Path | None, *, as_json: bool) -> None:
    """Show what was erased, or would be, and keep the proof. Raises Trouble if some is left."""
    plain = asdict(found)
    if as_json:
        out(plain)
    else:
        for name in ("held", "left"):
            plain[name] = ", ".join(f"{t} {n}" for t, n in plain[name].items() if n) or "nothing"
        for name, value in plain.items():
            say(f"{name.replace('_', ' ')}: {value or 'nothing'}")
    if not found.at:
        say("nothing was erased: say so with --yes; it cannot be undone")
        return
    if to is not None:
        to.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
    if not found.whole():
        raise Trouble(f"{found.case}: something is left; erase it again in a while")


async def _runs(client: Client, root: str) -> list[WorkflowExecution]:
    """List every run of a case and of what it started. Raises BadInput if it is no whole case."""
    told = await client.get_workflow_handle(root).describe()
    if told.parent_id is not None:
        raise BadInput(f"{root} is part of {told.parent_id}, which names it too; erase that")
    found = [run async for run in client.list_workflows(f"WorkflowId = '{root}'")]
    fresh = list(found)
    while fresh:
        started = " OR ".join(f"ParentWorkflowId = '{run.id}'" for run in fresh)
        known = {(run.id, run.run_id) for run in found}
        children = [run async for run in client.list_workflows(started)]
        fresh = [run for run in children if (run.id, run.run_id) not in known]
        found += fresh
    for run in found:
        if run.status is WorkflowExecutionStatus.RUNNING and await _runs_now(client, run):
            raise BadInput(f"{run.id} still runs; cancel it, or wait for its end, then erase")
    return found


async def _runs_now(client: Client, run: WorkflowExecution) -> bool:
    """Ask a run itself: the list lags a little behind."""
    told = await client.get_workflow_handle(run.id, run_id=run.run_id).describe()
    return told.status is WorkflowExecutionStatus.RUNNING


async def _only_theirs(client: Client, runs: Sequence[WorkflowExecution]) -> set[str]:
    """Give the documents that these histories name and no other history does."""
    ours = {(run.id, run.run_id) for run in runs}
    named: set[str] = set()
    for run in runs:
        named |= await _documents(client, run)
    if not named:
        return named
    say(f"looking whether other cases need one of {len(named)} documents ...")
    async for other in client.list_workflows():
        if (other.id, other.run_id) not in ours:
            named -= await _documents(client, other)
    return named


async def _documents(client: Client, run: WorkflowExecution) -> set[str]:
    handle = client.get_workflow_handle(run.id, run_id=run.run_id)
    found: set[str] = set()
    async for event in handle.fetch_history_events():
        found |= named_in(event.SerializeToString())
    return found


async def _delete(client: Client, run: WorkflowExecution) -> None:
    request = DeleteWorkflowExecutionRequest(namespace=client.namespace)
    request.workflow_execution.workflow_id = run.id
    request.workflow_execution.run_id = run.run_id
    try:
        await client.workflow_service.delete_workflow_execution(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise Trouble(f"{run.id} cannot be deleted: {error.message}") from error


async def _is_gone(client: Client, run: WorkflowExecution) -> bool:
    """Wait until Temporal no longer knows a run, for a while."""
    handle = client.get_workflow_handle(run.id, run_id=run.run_id)
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while loop.time() < end:
        try:
            await handle.describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return True
            raise Trouble(f"{run.id}: {error.message}") from error
        await asyncio.sleep(PAUSE)
    return False
