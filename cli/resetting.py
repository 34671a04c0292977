"""Take a failed case up again at the step that failed; completed steps keep their results."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError

from cli.errors import BadInput, Trouble
from cli.forking import known_of
from cli.runs import check_name
from cli.session import NO_SHADOW
from insight.again.rewind import NoSuchStep, reset_point, step, to_blame
from insight.history.spans import Span, SpanKind, SpanState, Status
from insight.report import Report
from insight.shown.words import counted, title


@dataclass(frozen=True)
class Reset:
    """Where a run is taken up again: `event` is the workflow task whose decisions are taken anew.

    `kept` are the steps whose results stay, `again` those done again, `children` those started
    again though the old ones may still run. `is_open`: the run has not ended.
    """

    case: str
    run: str
    at: Span
    event: int
    kept: tuple[Span, ...]
    again: tuple[Span, ...]
    children: tuple[Span, ...]
    is_open: bool


async def planned(client: Client, case: str, named: str = "") -> Reset:
    """Find where to reset a case to: before the step `named`, or before what made it fail.

    Raises BadInput for a step that is none, Trouble where nothing failed.
    """
    run = (await client.get_workflow_handle(case).describe()).run_id
    # The run by its id: the newest one may change between two calls.
    events, known = await known_of(client.get_workflow_handle(case, run_id=run))
    try:
        at = step(known.spans, named) if named else to_blame(events, known.spans)
    except NoSuchStep as error:
        raise BadInput(f"{case}: {error}") from error
    if at is None:
        raise Trouble(f"{case}: {_why_not(known)}; name a step with --at to go back anyhow")
    event = reset_point(events, at)
    if not event:
        raise Trouble(f"{case}: the history does not reach back to before {title(at)}")
    work = [s for s in known.spans if s.kind in (SpanKind.ACTIVITY, SpanKind.CHILD)]
    return Reset(
        case=case,
        run=run,
        at=at,
        event=event,
        kept=tuple(s for s in work if s.state is SpanState.COMPLETED and s.closing < event),
        again=tuple(s for s in work if s.id > event),
        children=tuple(s for s in work if s.kind is SpanKind.CHILD and s.id > event),
        is_open=known.status is Status.RUNNING,
    )


def _why_not(known: Report) -> str:
    if known.status is Status.FAILED:
        return "it failed by its own decision, no step's failure ended it"
    return f"it is {known.status.value.replace('_', ' ')}; nothing failed"


def told(reset: Reset) -> Sequence[str]:
    """Say what a reset does."""
    lines = [
        f"{reset.case}: back to event {reset.event}, before {title(reset.at)} at {reset.at.id}",
        f"results are kept of {counted(len(reset.kept), 'completed step')}; again from there:"
        f" {', '.join(title(s) for s in reset.again)}",
        "the scope stays: paid replies are read back, effects done are not done twice",
        "messages that came later are delivered again at once; a decision before its gate opens is"
        " refused: decide again",
    ]
    if reset.is_open:
        lines.append("it is running: that run ends now, without cleaning up")
    if reset.children:
        named = ", ".join(title(span) for span in reset.children)
        lines.append(f"children started again, see that the old ones are closed: {named}")
    return lines


async def reset(client: Client, plan: Reset, reason: str) -> str:
    """Reset the run; return the id of the new one. Raises Trouble."""
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=plan.case, run_id=plan.run),
        reason=reason or f"again from {title(plan.at)}",
        workflow_task_finish_event_id=plan.event,
        request_id=str(uuid4()),
    )
    try:
        return (await client.workflow_service.reset_workflow_execution(request)).run_id
    except RPCError as error:
        raise Trouble(
            f"{plan.case} cannot be reset to event {plan.event}: {error.message}"
        ) from error


async def failed(client: Client, process: str) -> tuple[str, ...]:
    """List the failed cases of a process, oldest first; not one that was taken up again since.

    Raises BadInput for a name no workflow type has.
    """
    check_name(process)
    query = f"WorkflowType = '{process}' AND ExecutionStatus = 'Failed' AND {NO_SHADOW}"
    rows = [row async for row in client.list_workflows(query)]
    found = []
    for row in sorted(rows, key=lambda row: row.start_time):
        newest = await client.get_workflow_handle(row.id).describe()
        if newest.run_id == row.run_id:
            found.append(row.id)
    return tuple(found)
