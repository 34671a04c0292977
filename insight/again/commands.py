"""What a workflow decided, read from a history and from the code that is run again, alike.

A workflow's decisions are commands; each that reached the server left one event. Both are read
into the same record, so that they can be laid side by side.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from insight.again import told
from insight.history import payloads
from insight.history.drafts import attributes
from insight.history.reader import Events
from workflows.data.common import BRANCH_HEADER, JSON, Record


class CommandKind(StrEnum):
    """What was decided."""

    ACTIVITY = "activity"
    LOCAL = "local activity"
    TIMER = "timer"
    CHILD = "child"
    NEXUS = "nexus operation"
    SIGNAL = "signal sent"
    CANCEL = "cancel"
    ATTRIBUTES = "search attributes"
    MEMO = "memo"
    ANSWER = "answer to an update"
    COMPLETE = "end: result"
    FAIL = "end: failure"
    CANCELLED = "end: cancelled"
    CONTINUE = "end: continue as new"


ENDS = frozenset(kind for kind in CommandKind if kind.startswith("end"))


class Command(Record):
    """One decision of a workflow.

    `event` is the id of its event (0 for one newly given), `task` the id of the event that
    started its workflow task. `id` tells it from others of its kind, `name` says what of (type of
    an activity or child, name of a signal). `inputs` are decoded values, `settings` what else
    was said of it: queue, timeouts, retries. `stack` says which lines gave it, innermost first,
    each as `file:line function`; a history does not know.
    """

    kind: CommandKind
    id: str
    name: str = ""
    branch: str = ""
    inputs: tuple[JSON, ...] = ()
    settings: Mapping[str, JSON] = Field(default_factory=dict)
    event: int = 0
    task: int = 0
    stack: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[CommandKind, str]:
        """Tell it from every other command of its run."""
        return self.kind, self.id


def recorded(events: Events) -> tuple[Command, ...]:
    """Read the commands of a history, in the order in which they were given."""
    reading = _Reading()
    found = (reading.event(event) for event in events)
    return tuple(command for command in found if command is not None)


class Given:
    """Reads newly given commands, in order: kinds without an id of their own are counted."""

    def __init__(self) -> None:
        self._counted = _Counted()

    def command(self, given: WorkflowCommand, *, task: int, stack: Iterable[str]) -> Command | None:
        """Read one command; None for what leaves no event."""
        variant = given.WhichOneof("variant") or ""
        if variant not in _VARIANTS:
            return None
        inner: Any = getattr(given, variant)
        kind, identity, name = _VARIANTS[variant]
        if kind is CommandKind.ANSWER and inner.WhichOneof("response") == "accepted":
            return None
        said = _at(inner, name)
        return Command(
            kind=kind,
            id=str(_at(inner, identity)) if identity else self._counted.next(kind),
            name=str(said) if said else "",
            branch=_branch(getattr(inner, "headers", {})),
            inputs=told.inputs(inner),
            settings=told.settings(inner),
            task=task,
            stack=tuple(stack),
        )


class _Counted:
    """Numbers the commands of each kind."""

    def __init__(self) -> None:
        self._seen: dict[CommandKind, int] = {}

    def next(self, kind: CommandKind) -> str:
        self._seen[kind] = self._seen.get(kind, 0) + 1
        return str(self._seen[kind])


class _Reading:
    """Reads a history event by event: an answer to an update names its message by the id of the
    event that accepted it.
    """

    def __init__(self) -> None:
        self._counted = _Counted()
        self._tasks: dict[int, int] = {}
        self._messages: dict[int, str] = {}

    def event(self, event: HistoryEvent) -> Command | None:
        group, inner = event.WhichOneof("attributes") or "", attributes(event)
        if group == "workflow_task_completed_event_attributes":
            self._tasks[event.event_id] = inner.started_event_id
        elif group == "workflow_execution_update_accepted_event_attributes":
            self._messages[event.event_id] = inner.protocol_instance_id
        found = _EVENTS.get(group)
        if found is None or _is_of_a_patch(inner):
            return None
        kind, identity, name = found
        if kind is CommandKind.LOCAL:
            return _local(event, self._tasks)
        said, task = _at(inner, name), getattr(inner, "workflow_task_completed_event_id", 0)
        if kind is CommandKind.ANSWER:
            which = self._messages.get(inner.accepted_event_id, inner.meta.update_id)
        else:
            which = str(_at(inner, identity)) if identity else self._counted.next(kind)
        return Command(
            kind=kind,
            id=which,
            name=str(said) if said else "",
            branch=_branch(inner.header.fields if hasattr(inner, "header") else {}),
            inputs=told.inputs(inner),
            settings=told.settings(inner),
            event=event.event_id,
            task=self._tasks.get(task, 0),
        )


_K = CommandKind
_Row = tuple[CommandKind, str, str]
_VARIANTS: Mapping[str, _Row] = {
    "schedule_activity": (_K.ACTIVITY, "activity_id", "activity_type"),
    "schedule_local_activity": (_K.LOCAL, "seq", "activity_type"),
    "start_timer": (_K.TIMER, "seq", ""),
    "start_child_workflow_execution": (_K.CHILD, "workflow_id", "workflow_type"),
    "schedule_nexus_operation": (_K.NEXUS, "", "operation"),
    "signal_external_workflow_execution": (_K.SIGNAL, "", "signal_name"),
    "request_cancel_activity": (_K.CANCEL, "", ""),
    "cancel_timer": (_K.CANCEL, "", ""),
    "cancel_child_workflow_execution": (_K.CANCEL, "", ""),
    "request_cancel_external_workflow_execution": (_K.CANCEL, "", ""),
    "request_cancel_nexus_operation": (_K.CANCEL, "", ""),
    "upsert_workflow_search_attributes": (_K.ATTRIBUTES, "", ""),
    "modify_workflow_properties": (_K.MEMO, "", ""),
    "update_response": (_K.ANSWER, "protocol_instance_id", ""),
    "complete_workflow_execution": (_K.COMPLETE, "", ""),
    "fail_workflow_execution": (_K.FAIL, "", ""),
    "cancel_workflow_execution": (_K.CANCELLED, "", ""),
    "continue_as_new_workflow_execution": (_K.CONTINUE, "", "workflow_type"),
}
"""Kind of each command, and where its id and name stand; counted where it has no id."""

_EVENTS: Mapping[str, _Row] = {
    f"{name}_event_attributes": row
    for name, row in {
        "activity_task_scheduled": (_K.ACTIVITY, "activity_id", "activity_type.name"),
        "marker_recorded": (_K.LOCAL, "", ""),
        "timer_started": (_K.TIMER, "timer_id", ""),
        "start_child_workflow_execution_initiated": (
            *(_K.CHILD, "workflow_id", "workflow_type.name"),
        ),
        "nexus_operation_scheduled": (_K.NEXUS, "", "operation"),
        "signal_external_workflow_execution_initiated": (_K.SIGNAL, "", "signal_name"),
        "activity_task_cancel_requested": (_K.CANCEL, "", ""),
        "timer_canceled": (_K.CANCEL, "", ""),
        "request_cancel_external_workflow_execution_initiated": (_K.CANCEL, "", ""),
        "nexus_operation_cancel_requested": (_K.CANCEL, "", ""),
        "upsert_workflow_search_attributes": (_K.ATTRIBUTES, "", ""),
        "workflow_properties_modified": (_K.MEMO, "", ""),
        "workflow_execution_update_completed": (_K.ANSWER, "", ""),
        "workflow_execution_completed": (_K.COMPLETE, "", ""),
        "workflow_execution_failed": (_K.FAIL, "", ""),
        "workflow_execution_canceled": (_K.CANCELLED, "", ""),
        "workflow_execution_continued_as_new": (_K.CONTINUE, "", "workflow_type.name"),
    }.items()
}


def _at(inner: Any, path: str) -> Any:
    for part in filter(None, path.split(".")):
        inner = getattr(inner, part)
    return inner if path else None


def _is_of_a_patch(inner: Any) -> bool:
    """Say whether an event only keeps a patch or another SDK's marker: not the code's decision."""
    if hasattr(inner, "marker_name"):
        return bool(inner.marker_name != "core_local_activity")
    return "TemporalChangeVersion" in getattr(
        getattr(inner, "search_attributes", None), "indexed_fields", ()
    )


def _local(event: HistoryEvent, tasks: Mapping[int, int]) -> Command:
    marker = event.marker_recorded_event_attributes
    kept = payloads.fields(marker.details["data"].payloads)
    return Command(
        kind=CommandKind.LOCAL,
        id=str(kept.get("seq")),
        name=str(kept.get("activity_type")),
        event=event.event_id,
        task=tasks.get(marker.workflow_task_completed_event_id, 0),
    )


def _branch(headers: Mapping[str, Payload]) -> str:
    return str(payloads.value(headers[BRANCH_HEADER]) or "") if BRANCH_HEADER in headers else ""
