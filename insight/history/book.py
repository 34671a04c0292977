"""Turn the events of a run into spans, one table row per kind of event."""

from collections.abc import Mapping

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from insight.history import calls, local, payloads
from insight.history.calls import MODEL_CALL as MODEL_CALL
from insight.history.drafts import Book, Handler, ending
from insight.history.drafts import when as when
from insight.history.reader import Events
from insight.history.spans import Span, SpanKind, SpanState, Status

CLOSED_AS: Mapping[int, Status] = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: Status.COMPLETED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: Status.FAILED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: Status.TIMED_OUT,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: Status.CANCELLED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: Status.TERMINATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: Status.CONTINUED,
}
"""The events that end a run."""


def spans(events: Events, paid: set[payloads.Question] | None = None) -> tuple[Span, ...]:
    """Read the spans of one run, ascending by id. Events it does not know are passed over.

    `paid` are questions to models that earlier runs of the case paid for; those of this one join
    them.
    """
    book = Book(paid=set() if paid is None else paid)
    for event in events:
        if event.event_type in CLOSED_AS:
            book.closed = True
        if (handle := _HANDLERS.get(event.event_type)) is not None:
            handle(book, event)
    return book.frozen()


def _timer(book: Book, event: HistoryEvent) -> None:
    timer = event.timer_started_event_attributes
    book.begin(SpanKind.TIMER, timer.timer_id, event, started=when(event))


def _signal(book: Book, event: HistoryEvent) -> None:
    sent = event.workflow_execution_signaled_event_attributes
    now, key = when(event), event.event_id
    instant = {"started": now, "ended": now, "state": SpanState.COMPLETED, "closing": key}
    book.begin(SpanKind.SIGNAL, sent.signal_name, event, sent.header, **instant)


def _child(book: Book, event: HistoryEvent) -> None:
    asked = event.start_child_workflow_execution_initiated_event_attributes
    queue = asked.task_queue.name
    book.begin(SpanKind.CHILD, asked.workflow_type.name, event, asked.header, queue=queue)


def _child_started(book: Book, event: HistoryEvent) -> None:
    begun = event.child_workflow_execution_started_event_attributes
    run = begun.workflow_execution.run_id
    news = {"started": when(event), "attempt": 1, "taken": event.event_id}
    book.change(SpanKind.CHILD, begun.initiated_event_id, **news, child=run)


def _nexus(book: Book, event: HistoryEvent) -> None:
    asked = event.nexus_operation_scheduled_event_attributes
    name = ".".join(word for word in (asked.service, asked.operation) if word)
    book.begin(SpanKind.NEXUS, name, event, queue=asked.endpoint)


def _nexus_started(book: Book, event: HistoryEvent) -> None:
    begun = event.nexus_operation_started_event_attributes
    news = {"started": when(event), "attempt": 1, "taken": event.event_id}
    book.change(SpanKind.NEXUS, begun.scheduled_event_id, **news)


def _signal_sent(book: Book, event: HistoryEvent) -> None:
    sent = event.signal_external_workflow_execution_initiated_event_attributes
    book.begin(SpanKind.SENT, sent.signal_name, event, sent.header, started=when(event))


def _cancel_sent(book: Book, event: HistoryEvent) -> None:
    book.begin(SpanKind.SENT, "cancel", event, started=when(event))


def _turn_scheduled(book: Book, event: HistoryEvent) -> None:
    """A task right after another was closed goes on with the same stretch of work."""
    if event.event_id != book.turned + 1:
        book.turn = None


def _turn_started(book: Book, event: HistoryEvent) -> None:
    book.turn = book.turn or when(event)


def _turn_completed(book: Book, event: HistoryEvent) -> None:
    book.turned = event.event_id


def _update_admitted(book: Book, event: HistoryEvent) -> None:
    request = event.workflow_execution_update_admitted_event_attributes.request
    book.begin(SpanKind.UPDATE, request.input.name, event, request.input.header)
    book.updates[request.meta.update_id] = event.event_id


def _update_accepted(book: Book, event: HistoryEvent) -> None:
    accepted = event.workflow_execution_update_accepted_event_attributes
    request = accepted.accepted_request
    known = request.meta.update_id or accepted.protocol_instance_id
    if not known or known not in book.updates:
        book.begin(SpanKind.UPDATE, request.input.name, event, request.input.header)
        book.updates[known] = event.event_id
    book.change(SpanKind.UPDATE, book.updates[known], started=when(event))


def _update_completed(book: Book, event: HistoryEvent) -> None:
    done = event.workflow_execution_update_completed_event_attributes
    failed = done.outcome.HasField("failure")
    book.change(
        SpanKind.UPDATE,
        book.updates.get(done.meta.update_id, done.accepted_event_id),
        ended=when(event),
        closing=event.event_id,
        state=SpanState.FAILED if failed else SpanState.COMPLETED,
        error=payloads.reason(done.outcome.failure),
    )


_E, _K, _S = EventType, SpanKind, SpanState

_HANDLERS: Mapping[int, Handler] = {
    _E.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED: _turn_scheduled,
    _E.EVENT_TYPE_WORKFLOW_TASK_STARTED: _turn_started,
    _E.EVENT_TYPE_WORKFLOW_TASK_COMPLETED: _turn_completed,
    _E.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: calls.scheduled,
    _E.EVENT_TYPE_ACTIVITY_TASK_STARTED: calls.started,
    _E.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: calls.completed,
    _E.EVENT_TYPE_ACTIVITY_TASK_FAILED: ending(_K.ACTIVITY, _S.FAILED),
    _E.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: ending(_K.ACTIVITY, _S.TIMED_OUT),
    _E.EVENT_TYPE_ACTIVITY_TASK_CANCELED: ending(_K.ACTIVITY, _S.CANCELLED),
    _E.EVENT_TYPE_MARKER_RECORDED: local.marker,
    _E.EVENT_TYPE_TIMER_STARTED: _timer,
    _E.EVENT_TYPE_TIMER_FIRED: ending(_K.TIMER, _S.COMPLETED),
    _E.EVENT_TYPE_TIMER_CANCELED: ending(_K.TIMER, _S.CANCELLED),
    _E.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: _signal,
    _E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED: _update_admitted,
    _E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: _update_accepted,
    _E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED: _update_completed,
    _E.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: _child,
    _E.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED: ending(_K.CHILD, _S.FAILED),
    _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED: _child_started,
    _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED: ending(_K.CHILD, _S.COMPLETED),
    _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED: ending(_K.CHILD, _S.FAILED),
    _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT: ending(_K.CHILD, _S.TIMED_OUT),
    _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED: ending(_K.CHILD, _S.CANCELLED),
    _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED: ending(_K.CHILD, _S.FAILED),
    _E.EVENT_TYPE_NEXUS_OPERATION_SCHEDULED: _nexus,
    _E.EVENT_TYPE_NEXUS_OPERATION_STARTED: _nexus_started,
    _E.EVENT_TYPE_NEXUS_OPERATION_COMPLETED: ending(_K.NEXUS, _S.COMPLETED),
    _E.EVENT_TYPE_NEXUS_OPERATION_FAILED: ending(_K.NEXUS, _S.FAILED),
    _E.EVENT_TYPE_NEXUS_OPERATION_TIMED_OUT: ending(_K.NEXUS, _S.TIMED_OUT),
    _E.EVENT_TYPE_NEXUS_OPERATION_CANCELED: ending(_K.NEXUS, _S.CANCELLED),
    _E.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: _signal_sent,
    _E.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: ending(_K.SENT, _S.FAILED),
    _E.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED: ending(_K.SENT, _S.COMPLETED),
    _E.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: _cancel_sent,
    _E.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: ending(_K.SENT, _S.FAILED),
    _E.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED: ending(_K.SENT, _S.COMPLETED),
}
