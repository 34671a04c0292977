"""Turn the events of a run into spans, one table row per kind of event."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from temporalio.api.common.v1 import Header
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from insight import payloads
from insight.reader import Events
from insight.spans import Span, SpanKind, SpanState, Status

MODEL_CALL = "ask_model"
"""The activity whose answer carries `usd` and `reused`."""

CLOSED_AS: Mapping[int, Status] = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: Status.COMPLETED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: Status.FAILED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: Status.TIMED_OUT,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: Status.CANCELLED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: Status.TERMINATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: Status.CONTINUED,
}
"""The events that end a run."""


def when(event: HistoryEvent) -> datetime:
    """Give the time of an event, to the microsecond, in UTC."""
    return event.event_time.ToDatetime(UTC)


def spans(events: Events) -> tuple[Span, ...]:
    """Read the spans of one run, ascending by id. Events it does not know are passed over."""
    book = _Book()
    for event in events:
        if event.event_type in CLOSED_AS:
            book.closed = True
        if (handle := _HANDLERS.get(event.event_type)) is not None:
            handle(book, event)
    found = sorted(book.spans.values(), key=lambda span: span.id)
    return tuple(_abandoned(span) if book.closed else span for span in found)


def _abandoned(span: Span) -> Span:
    is_open = span.state is SpanState.OPEN
    return span.model_copy(update={"state": SpanState.ABANDONED}) if is_open else span


@dataclass
class _Book:
    """Spans by kind and id of the event that began them, while the events are read.

    Only samplers of several runs use an id twice; the kind keeps those apart too.
    """

    spans: dict[tuple[SpanKind, int], Span] = field(default_factory=dict)
    updates: dict[str, int] = field(default_factory=dict)
    asked: dict[int, payloads.Question] = field(default_factory=dict)
    paid: set[payloads.Question] = field(default_factory=set)
    closed: bool = False

    def begin(
        self, kind: SpanKind, name: str, event: HistoryEvent, header: Header | None = None
    ) -> None:
        self.spans[kind, event.event_id] = Span(
            kind=kind,
            name=name,
            branch=payloads.branch(event, header),
            scheduled=when(event),
            id=event.event_id,
        )

    def change(self, kind: SpanKind, begun: int, **update: object) -> None:
        if (span := self.spans.get((kind, begun))) is not None:
            self.spans[kind, begun] = span.model_copy(update=update)


def _activity(book: _Book, event: HistoryEvent) -> None:
    asked = event.activity_task_scheduled_event_attributes
    book.begin(SpanKind.ACTIVITY, asked.activity_type.name, event, asked.header)
    if asked.activity_type.name == MODEL_CALL:
        book.asked[event.event_id] = payloads.question(event)


def _activity_started(book: _Book, event: HistoryEvent) -> None:
    begun = event.activity_task_started_event_attributes
    book.change(
        SpanKind.ACTIVITY,
        begun.scheduled_event_id,
        started=when(event),
        attempt=begun.attempt,
        retried_for=payloads.reason(begun.last_failure),
    )


def _activity_completed(book: _Book, event: HistoryEvent) -> None:
    done = event.activity_task_completed_event_attributes
    key = done.scheduled_event_id
    book.change(SpanKind.ACTIVITY, key, ended=when(event), state=SpanState.COMPLETED)
    if (question := book.asked.get(key)) is None:
        return
    answer = payloads.fields(done.result.payloads)
    usd, reused = _dollars(answer.get("usd")), answer.get("reused") is True
    used = _tokens(answer)
    if reused and question in book.paid:
        usd = Decimal(0)
        used |= {"input_tokens": 0, "output_tokens": 0}
    if usd is not None:
        book.paid.add(question)
    book.change(SpanKind.ACTIVITY, key, usd=usd, reused=reused, **used)


def _tokens(answer: Mapping[str, object]) -> dict[str, object]:
    """Read the tokens a model's answer took, and what share of the model's window that is."""
    usage = answer.get("usage")
    known = usage if isinstance(usage, Mapping) else {}
    taken = {name: _count(known.get(name)) for name in ("input_tokens", "output_tokens")}
    window = _count(answer.get("window"))
    return {**taken, "window_share": sum(taken.values()) / window if window else None}


def _count(found: object) -> int:
    return found if isinstance(found, int) and found > 0 else 0


def _dollars(found: object) -> Decimal | None:
    if not isinstance(found, str | int | float) or isinstance(found, bool):
        return None
    try:
        usd = Decimal(str(found))
    except InvalidOperation:
        return None
    return usd if usd.is_finite() else None


def _timer(book: _Book, event: HistoryEvent) -> None:
    timer = event.timer_started_event_attributes
    book.begin(SpanKind.TIMER, timer.timer_id, event)
    book.change(SpanKind.TIMER, event.event_id, started=when(event))


def _signal(book: _Book, event: HistoryEvent) -> None:
    sent = event.workflow_execution_signaled_event_attributes
    book.begin(SpanKind.SIGNAL, sent.signal_name, event, sent.header)
    now = when(event)
    book.change(SpanKind.SIGNAL, event.event_id, started=now, ended=now, state=SpanState.COMPLETED)


def _child(book: _Book, event: HistoryEvent) -> None:
    asked = event.start_child_workflow_execution_initiated_event_attributes
    book.begin(SpanKind.CHILD, asked.workflow_type.name, event, asked.header)


def _child_started(book: _Book, event: HistoryEvent) -> None:
    begun = event.child_workflow_execution_started_event_attributes
    book.change(SpanKind.CHILD, begun.initiated_event_id, started=when(event), attempt=1)


def _update_admitted(book: _Book, event: HistoryEvent) -> None:
    request = event.workflow_execution_update_admitted_event_attributes.request
    book.begin(SpanKind.UPDATE, request.input.name, event, request.input.header)
    book.updates[request.meta.update_id] = event.event_id


def _update_accepted(book: _Book, event: HistoryEvent) -> None:
    accepted = event.workflow_execution_update_accepted_event_attributes
    request = accepted.accepted_request
    known = request.meta.update_id or accepted.protocol_instance_id
    if not known or known not in book.updates:
        book.begin(SpanKind.UPDATE, request.input.name, event, request.input.header)
        book.updates[known] = event.event_id
    book.change(SpanKind.UPDATE, book.updates[known], started=when(event))


def _update_completed(book: _Book, event: HistoryEvent) -> None:
    done = event.workflow_execution_update_completed_event_attributes
    failed = done.outcome.HasField("failure")
    book.change(
        SpanKind.UPDATE,
        book.updates.get(done.meta.update_id, done.accepted_event_id),
        ended=when(event),
        state=SpanState.FAILED if failed else SpanState.COMPLETED,
        error=payloads.reason(done.outcome.failure),
    )


def _ending(kind: SpanKind, state: SpanState) -> "Handler":
    """Close a span of `kind`; the failure is read where there is one."""
    link = _LINKS[kind]

    def close(book: _Book, event: HistoryEvent) -> None:
        group = event.WhichOneof("attributes")
        attributes: Any = getattr(event, group) if group else None
        failure = getattr(attributes, "failure", None)
        error = payloads.reason(failure) if failure is not None else ""
        begun: int = getattr(attributes, link, 0)
        book.change(kind, begun, ended=when(event), state=state, error=error)

    return close


Handler = Callable[[_Book, HistoryEvent], None]
_LINKS = {
    SpanKind.ACTIVITY: "scheduled_event_id",
    SpanKind.TIMER: "started_event_id",
    SpanKind.CHILD: "initiated_event_id",
}
"""The field in which a closing event names the event that began the span."""

_E, _K, _S = EventType, SpanKind, SpanState

_HANDLERS: Mapping[int, Handler] = {
    _E.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: _activity,
    _E.EVENT_TYPE_ACTIVITY_TASK_STARTED: _activity_started,
    _E.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: _activity_completed,
    _E.EVENT_TYPE_ACTIVITY_TASK_FAILED: _ending(_K.ACTIVITY, _S.FAILED),
    _E.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: _ending(_K.ACTIVITY, _S.TIMED_OUT),
    _E.EVENT_TYPE_ACTIVITY_TASK_CANCELED: _ending(_K.ACTIVITY, _S.CANCELLED),
    _E.EVENT_TYPE_TIMER_STARTED: _timer,
    _E.EVENT_TYPE_TIMER_FIRED: _ending(_K.TIMER, _S.COMPLETED),
    _E.EVENT_TYPE_TIMER_CANCELED: _ending(_K.TIMER, _S.CANCELLED),
    _E.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: _signal,
    _E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED: _update_admitted,
    _E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: _update_accepted,
    _E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED: _update_completed,
    _E.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: _child,
    _E.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED: _ending(_K.CHILD, _S.FAILED),
    _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED: _child_started,
    _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED: _ending(_K.CHILD, _S.COMPLETED),
    _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED: _ending(_K.CHILD, _S.FAILED),
    _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT: _ending(_K.CHILD, _S.TIMED_OUT),
    _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED: _ending(_K.CHILD, _S.CANCELLED),
    _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED: _ending(_K.CHILD, _S.FAILED),
}
