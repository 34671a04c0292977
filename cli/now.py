"""What the server says of an open run besides its history: attempts, failures, heartbeats."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import PendingActivityState, PendingWorkflowTaskState
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo, PendingWorkflowTaskInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from insight.history import payloads
from insight.history.pending import Now, Pending
from insight.shown.words import length
from runtime.context import HELD_BY

LATE = timedelta(seconds=2)
"""How long a workflow task may wait for a worker before it is worth a word."""
BEAT = 40
"""Characters of a heartbeat's details that are shown."""

_AT_WORK = (
    PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
    PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED,
)


def now(
    told: DescribeWorkflowExecutionResponse,
    events: Iterable[HistoryEvent],
    *,
    gates: Iterable[str] = (),
    failure: str = "",
) -> Now:
    """Match what `describe` told with the spans of a history, by the ids of activities.

    `failure` is why the last workflow task failed, which the history tells.
    """
    ids = {
        e.activity_task_scheduled_event_attributes.activity_id: e.event_id
        for e in events
        if e.HasField("activity_task_scheduled_event_attributes")
    }
    found = {
        ids[p.activity_id]: _pending(p) for p in told.pending_activities if p.activity_id in ids
    }
    task = told.pending_workflow_task if told.HasField("pending_workflow_task") else None
    return Now(pending=found, gates=tuple(gates), task=_task(task, failure) if task else "")


def _pending(told: PendingActivityInfo) -> Pending:
    said = payloads.value(told.heartbeat_details.payloads[0]) if _beats(told) else None
    held = said.get(HELD_BY) if isinstance(said, Mapping) else None
    return Pending(
        running=told.state in _AT_WORK,
        attempt=max(told.attempt, 1),
        since=_when(told.last_started_time),
        due=_when(told.next_attempt_schedule_time) or _when(told.scheduled_time),
        failure=payloads.reason(told.last_failure),
        beat=_written(said) if not held else "",
        held=str(held or ""),
        worker=told.last_worker_identity,
    )


def _written(said: object) -> str:
    """Write what heartbeats last said: numbers and words of an object, or the value itself."""
    if said is None:
        return ""
    if isinstance(said, Mapping):
        plain = {k: v for k, v in said.items() if isinstance(v, int | float | str) and v != ""}
        text = ", ".join(f"{key} {value}".replace("_", " ") for key, value in plain.items())
    else:
        text = json.dumps(said)
    return text if len(text) <= BEAT else f"{text[: BEAT - 3]}..."


def _beats(told: PendingActivityInfo) -> bool:
    return bool(told.heartbeat_details.payloads)


def _task(task: PendingWorkflowTaskInfo, failure: str) -> str:
    """Say what is the matter with the workflow's own task; nothing if it is under way."""
    if task.attempt > 1:
        why = f": {failure}" if failure else ""
        return f"the workflow's own code fails, attempt {task.attempt}{why}"
    since = _when(task.scheduled_time)
    waited = datetime.now(UTC) - since if since else timedelta()
    if (
        task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED
        and waited > LATE
    ):
        return f"no worker has taken up the workflow's task for {length(waited)}"
    return ""


def _when(at: Timestamp) -> datetime | None:
    """Give a moment the server may have left out."""
    return at.ToDatetime(UTC) if at.seconds > 0 else None
