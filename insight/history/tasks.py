"""Workflow tasks: the turns of a workflow's own code, and how they ended."""

from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from insight.history import payloads
from insight.history.drafts import attributes, when
from insight.history.reader import Events
from insight.history.spans import WorkflowTask

_E = EventType
_ENDS = frozenset(
    {
        _E.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
        _E.EVENT_TYPE_WORKFLOW_TASK_FAILED,
        _E.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
    }
)


def tasks(events: Events) -> tuple[WorkflowTask, ...]:
    """Read the workflow tasks of one run, ascending by id."""
    drafts: dict[int, dict[str, Any]] = {}
    for event in events:
        if event.event_type == _E.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
            drafts[event.event_id] = {"id": event.event_id, "scheduled": when(event)}
        elif event.event_type == _E.EVENT_TYPE_WORKFLOW_TASK_STARTED:
            key = event.workflow_task_started_event_attributes.scheduled_event_id
            drafts.get(key, {}).update(started=when(event))
        elif event.event_type in _ENDS:
            key = getattr(attributes(event), "scheduled_event_id", 0)
            drafts.get(key, {}).update(_end(event))
    return tuple(WorkflowTask(**draft) for draft in drafts.values())


def _end(event: HistoryEvent) -> dict[str, object]:
    if event.event_type == _E.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
        return {"ended": when(event), "completed": event.event_id}
    return {"ended": when(event), "error": _why(event)}


def _why(event: HistoryEvent) -> str:
    if event.event_type == _E.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
        return payloads.timeout(event.workflow_task_timed_out_event_attributes.timeout_type)
    return payloads.why(event.workflow_task_failed_event_attributes)
