"""Build small histories event by event, with times in milliseconds from a fixed start."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
E = EventType


def at(ms: int) -> datetime:
    return START + timedelta(milliseconds=ms)


def payload(value: object) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(value).encode())


class Run:
    """A history in the making. Every method returns the id of the event it added."""

    def __init__(self, process: str = "DueDiligence", case: str = "case-1") -> None:
        self.events: list[HistoryEvent] = []
        self.task = 0
        """The id of the last WorkflowTaskCompleted: commands name it."""
        event = self.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, 0)
        begun = event.workflow_execution_started_event_attributes
        begun.workflow_type.name, begun.workflow_id = process, case

    def add(self, kind: EventType.ValueType, ms: int) -> HistoryEvent:
        event = HistoryEvent(event_id=len(self.events) + 1, event_type=kind)
        event.event_time.FromDatetime(at(ms))
        self.events.append(event)
        return event

    def ask(self, ms: int) -> int:
        """Schedule a workflow task."""
        return self.add(E.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, ms).event_id

    def take(self, asked: int, ms: int) -> int:
        """Start a workflow task: it sees all news up to here."""
        event = self.add(E.EVENT_TYPE_WORKFLOW_TASK_STARTED, ms)
        event.workflow_task_started_event_attributes.scheduled_event_id = asked
        return event.event_id

    def done(self, asked: int, taken: int, ms: int) -> int:
        """Complete a workflow task; commands added from now on are its own."""
        event = self.add(E.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, ms)
        said = event.workflow_task_completed_event_attributes
        said.scheduled_event_id, said.started_event_id = asked, taken
        self.task = event.event_id
        return event.event_id

    def turn(self, ms: int) -> int:
        """Schedule, start and complete a workflow task at once."""
        asked = self.ask(ms)
        return self.done(asked, self.take(asked, ms), ms)

    def schedule(
        self,
        name: str,
        ms: int,
        *,
        branch: str = "",
        summary: str = "",
        inputs: Iterable[Payload] = (),
    ) -> int:
        event = self.add(E.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, ms)
        asked = event.activity_task_scheduled_event_attributes
        asked.activity_type.name = name
        asked.input.payloads.extend(inputs)
        asked.workflow_task_completed_event_id = self.task
        if branch:
            asked.header.fields["braid-branch"].CopyFrom(payload(branch))
        if summary:
            event.user_metadata.summary.CopyFrom(payload(summary))
        return event.event_id

    def start(self, scheduled: int, ms: int, *, attempt: int = 1, after: str = "") -> int:
        event = self.add(E.EVENT_TYPE_ACTIVITY_TASK_STARTED, ms)
        begun = event.activity_task_started_event_attributes
        begun.scheduled_event_id, begun.attempt = scheduled, attempt
        if after:
            begun.last_failure.CopyFrom(failure(after, "SourceDown"))
        return event.event_id

    def complete(self, scheduled: int, ms: int, *results: Payload) -> int:
        event = self.add(E.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, ms)
        done = event.activity_task_completed_event_attributes
        done.scheduled_event_id = scheduled
        done.result.payloads.extend(results)
        return event.event_id

    def fail(self, scheduled: int, ms: int, why: Failure) -> int:
        event = self.add(E.EVENT_TYPE_ACTIVITY_TASK_FAILED, ms)
        event.activity_task_failed_event_attributes.scheduled_event_id = scheduled
        event.activity_task_failed_event_attributes.failure.CopyFrom(why)
        return event.event_id

    def call(self, name: str, begin: int, end: int, *results: Payload, branch: str = "") -> int:
        """Schedule, start at once and complete an activity."""
        scheduled = self.schedule(name, begin, branch=branch)
        self.start(scheduled, begin)
        self.complete(scheduled, end, *results)
        return scheduled

    def timer(self, name: str, ms: int, *, summary: str = "") -> int:
        event = self.add(E.EVENT_TYPE_TIMER_STARTED, ms)
        event.timer_started_event_attributes.timer_id = name
        event.timer_started_event_attributes.workflow_task_completed_event_id = self.task
        if summary:
            event.user_metadata.summary.CopyFrom(payload(summary))
        return event.event_id

    def fire(self, started: int, ms: int) -> None:
        event = self.add(E.EVENT_TYPE_TIMER_FIRED, ms)
        event.timer_fired_event_attributes.started_event_id = started

    def signal(self, name: str, ms: int) -> int:
        event = self.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, ms)
        event.workflow_execution_signaled_event_attributes.signal_name = name
        return event.event_id

    def update(self, name: str, ms: int) -> int:
        """Accept an update in the last workflow task."""
        event = self.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, ms)
        said = event.workflow_execution_update_accepted_event_attributes
        said.accepted_request.input.name = name
        said.accepted_request.meta.update_id = said.protocol_instance_id = f"u{event.event_id}"
        return event.event_id

    def finish(self, ms: int) -> None:
        event = self.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, ms)
        said = event.workflow_execution_completed_event_attributes
        said.workflow_task_completed_event_id = self.task


def failure(message: str, kind: str) -> Failure:
    inner = Failure(message=message)
    inner.application_failure_info.type = kind
    return Failure(message="Activity task failed", cause=inner)


def model_answer(
    usd: str, *, reused: bool = False, tokens: tuple[int, int] = (0, 0), window: int = 0
) -> Payload:
    usage = {"input_tokens": tokens[0], "output_tokens": tokens[1]}
    answer = {"text": "{}", "usd": usd, "reused": reused, "usage": usage, "window": window}
    return payload(answer)
