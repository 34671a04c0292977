"""One run, explained: two clocks, branches, cost, and parallel against sequential."""

from collections.abc import Container, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NotRequired, TypedDict, Unpack

from pydantic import AwareDatetime, Field
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from insight.graph.causality import causes
from insight.graph.clocks import Stretch, clipped, merged, total
from insight.graph.critical import flow
from insight.graph.flow import Flow
from insight.history.book import CLOSED_AS, spans, when
from insight.history.decided import decided
from insight.history.payloads import Question
from insight.history.reader import NotAHistory, ordered
from insight.history.spans import CALLS, WORK, Span, SpanKind, SpanState, Status, WorkflowTask
from insight.history.tasks import tasks
from workflows.data.blueprints.decided import Decided
from workflows.data.common import BranchState, Record


class BranchLine(Record):
    """One branch of a run; the spans of no branch share the line with the empty name.

    `started` is when its first span was scheduled, `ended` when its last one closed (None while
    one is open). `machine` is the time in which at least one of its activities was open,
    `waiting` the rest of its time. `attempts` counts those a history records, so a call that is
    still open adds none. A history shows calls, not policies: `state` tells how the last
    call or child to close came out, and never `defaulted`.
    """

    name: str
    started: AwareDatetime
    ended: AwareDatetime | None
    machine: timedelta
    waiting: timedelta
    calls: int
    attempts: int
    usd: Decimal
    state: BranchState
    input_tokens: int = 0
    output_tokens: int = 0
    window_share: float | None = None
    """The largest share of a model's window that one of its calls took."""


class Report(Record):
    """One run of a process, explained.

    The two clocks: `machine` is the time in which at least one activity was open (scheduled to
    closed, so queue, back-off and earlier attempts are in it); `waiting` is the rest of the run,
    when only people, timers, signals or children could move it. Together they are exactly the
    time from `started` to `ended`, or to now for a run still open.

    `sequential` is what the same work would have taken one after the other: the sum of its
    durations from scheduled to closed, of activities, Nexus operations and children (of those that
    are explained themselves, their own work). `parallel` is what it did take, the time in which any
    of it was open. `speedup` is sequential / parallel, 1 if there was none. Local activities count
    as one after the other: some SDKs write down when each ended, but not when it began. `usd` is
    what model replies cost, a reply read back from the journal counted once; `events` is the length
    of the history.
    """

    case: str
    process: str
    status: Status
    started: AwareDatetime
    ended: AwareDatetime | None
    until: AwareDatetime
    """The end of the time explained: `ended`, or now for a run still open."""
    spans: tuple[Span, ...]
    branches: tuple[BranchLine, ...]
    machine: timedelta
    waiting: timedelta
    sequential: timedelta
    parallel: timedelta
    speedup: float
    usd: Decimal
    events: int
    input_tokens: int = 0
    output_tokens: int = 0
    window_share: float | None = None
    """The largest share of a model's window that one call took."""
    tasks: tuple[WorkflowTask, ...] = ()
    flow: Flow = Flow()
    decided: Decided | None = Field(default=None, exclude_if=lambda decided: decided is None)
    """What a run by choices decided on its way."""


def report(
    history: WorkflowHistory | Iterable[HistoryEvent],
    *,
    case: str = "",
    now: datetime | None = None,
    paid: set[Question] | None = None,
) -> Report:
    """Explain one run. Raises NotAHistory if there are no events.

    `case` is the workflow id, for histories that do not say it. `now` (aware) bounds a run that
    is still open; without it the last event does. Runs of one case share what they `paid` for, so
    that a reply one of them reads back from the journal is counted once.
    """
    events = ordered(history)
    if not events:
        raise NotAHistory("the history has no events")
    closing = [event for event in events if event.event_type in CLOSED_AS]
    ended = when(closing[-1]) if closing else None
    started, until = _bounds(events, ended, now)
    found, turns = spans(events, paid), tasks(events)
    why = causes(events, found)
    times = {event.event_id: when(event) for event in events}
    return whole(
        case=case or _case(history, events),
        process=_process(events),
        status=CLOSED_AS[closing[-1].event_type] if closing else Status.RUNNING,
        started=started,
        ended=ended,
        until=until,
        spans=found,
        tasks=turns,
        flow=flow(found, turns, why.edges, started, until, times, why.left_out),
        events=len(events),
        decided=decided(events[-1:]),
    )


class Found(TypedDict):
    """What of a report is found out, not summed up."""

    case: str
    process: str
    status: Status
    started: datetime
    ended: datetime | None
    until: datetime
    spans: tuple[Span, ...]
    tasks: tuple[WorkflowTask, ...]
    flow: Flow
    events: int
    decided: NotRequired[Decided | None]


def whole(inner: Container[int] = (), **told: Unpack[Found]) -> Report:
    """Make a report: add the branches, the two clocks and the sums to what was found out.

    `inner` are the spans that stand for runs whose own spans are there too.
    """
    found, within = told["spans"], (told["started"], told["until"])
    machine = total(merged(stretches(found, within)))
    work = stretches((span for span in found if span.id not in inner), within, WORK)
    parallel, sequential = total(merged(work)), total(work)
    return Report(
        branches=_branches(found, within),
        machine=machine,
        waiting=within[1] - within[0] - machine,
        sequential=sequential,
        parallel=parallel,
        speedup=sequential / parallel if parallel else 1.0,
        usd=_usd(found),
        **told,
        **_tokens(found),
    )


def stretches(
    found: Iterable[Span], within: Stretch, kinds: Container[SpanKind] = CALLS
) -> list[Stretch]:
    """Give the time each span of such kinds was open, cut to `within`, to whose end open ones last.

    Local activities that overlap become one stretch.
    """
    calls: list[Stretch] = []
    local: list[Stretch] = []
    for span in found:
        if span.kind in kinds:
            into = local if span.kind is SpanKind.LOCAL else calls
            into.append((span.scheduled, span.ended or within[1]))
    return clipped([*calls, *merged(local)], within)


def _bounds(
    events: Sequence[HistoryEvent], ended: datetime | None, now: datetime | None
) -> Stretch:
    times = [when(event) for event in events]
    begun = [when(e) for e in events if e.event_type == _STARTED]
    started = begun[0] if begun else min(times)
    return started, max(started, ended or max([*times, *([now] if now else [])]))


_STARTED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED


def _case(history: object, events: Iterable[HistoryEvent]) -> str:
    if isinstance(history, WorkflowHistory) and history.workflow_id:
        return history.workflow_id
    begun = (e.workflow_execution_started_event_attributes for e in events)
    return next((a.workflow_id for a in begun if a.workflow_id), "")


def _process(events: Iterable[HistoryEvent]) -> str:
    begun = (e.workflow_execution_started_event_attributes for e in events)
    return next((a.workflow_type.name for a in begun if a.workflow_type.name), "")


def _branches(found: Sequence[Span], within: Stretch) -> tuple[BranchLine, ...]:
    """Make one line per branch, in the order in which they began."""
    grouped: dict[str, list[Span]] = {}
    for span in found:
        grouped.setdefault(span.branch, []).append(span)
    return tuple(_branch(name, group, within) for name, group in grouped.items())


def _branch(name: str, group: Sequence[Span], within: Stretch) -> BranchLine:
    calls = [span for span in group if span.kind in CALLS]
    started = min(span.scheduled for span in group)
    ended = _ended(group)
    time = clipped([(started, ended or within[1])], within)[0]
    machine = total(merged(stretches(calls, time)))
    return BranchLine(
        name=name,
        started=started,
        ended=ended,
        machine=machine,
        waiting=time[1] - time[0] - machine,
        calls=len(calls),
        attempts=sum(call.attempt for call in calls),
        usd=_usd(calls),
        state=_state(group),
        **_tokens(calls),
    )


def _ended(group: Iterable[Span]) -> datetime | None:
    """Give the end of the last span; one the case left behind counts as never ended here."""
    ends = [span.ended for span in group if span.state is not SpanState.ABANDONED]
    closed = [end for end in ends if end is not None]
    return max(closed) if closed and len(closed) == len(ends) else None


_BRANCH_STATES = {
    SpanState.COMPLETED: BranchState.SUCCEEDED,
    SpanState.FAILED: BranchState.FAILED,
    SpanState.TIMED_OUT: BranchState.FAILED,
    SpanState.CANCELLED: BranchState.CANCELLED,
    SpanState.ABANDONED: BranchState.CANCELLED,
}


def _state(group: Sequence[Span]) -> BranchState:
    is_open = {span.kind for span in group if span.state is SpanState.OPEN}
    if is_open:
        working = bool(CALLS & is_open)
        return BranchState.RUNNING if working else BranchState.WAITING
    work = [span for span in group if span.kind in WORK]
    left = [span for span in work if span.state is SpanState.ABANDONED]
    if left or not work:
        return BranchState.CANCELLED if left else BranchState.SUCCEEDED
    return _BRANCH_STATES[max(work, key=lambda span: (span.ended or span.scheduled, span.id)).state]


def _usd(found: Iterable[Span]) -> Decimal:
    return sum((span.usd for span in found if span.usd is not None), Decimal(0))


class _Tokens(TypedDict):
    input_tokens: int
    output_tokens: int
    window_share: float | None


def _tokens(found: Sequence[Span]) -> _Tokens:
    shares = [span.window_share for span in found if span.window_share is not None]
    return _Tokens(
        input_tokens=sum(span.input_tokens for span in found),
        output_tokens=sum(span.output_tokens for span in found),
        window_share=max(shares, default=None),
    )
