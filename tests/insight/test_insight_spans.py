"""Spans carry what a history records, and never trip over what it does not."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload, RetryPolicy
from temporalio.api.enums.v1 import EventType as E
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import Failure

from insight.history.book import spans
from insight.history.calls import planned_pauses
from insight.history.reader import ordered
from insight.history.spans import Span, SpanKind, SpanState
from insight.report import report
from tests.insight.builder import Run, at, failure, model_answer, payload


def only(run: Run) -> Span:
    (span,) = spans(ordered(run.events))
    return span


def test_an_activity_tells_its_queue_wait_from_its_run() -> None:
    run = Run()
    key = run.schedule("filings", 100, branch="credit")
    run.start(key, 130)
    closing = run.complete(key, 500)
    assert only(run) == Span(
        kind=SpanKind.ACTIVITY,
        name="filings",
        branch="credit",
        attempt=1,
        scheduled=at(100),
        started=at(130),
        ended=at(500),
        state=SpanState.COMPLETED,
        id=key,
        closing=closing,
    )
    assert only(run).queue_wait == timedelta(milliseconds=30)
    assert only(run).run == timedelta(milliseconds=370)


def test_a_retried_activity_tells_its_attempt_and_why_but_no_queue_wait() -> None:
    run = Run()
    key = run.schedule("filings", 100)
    run.start(key, 900, attempt=3, after="busy")
    run.complete(key, 950)
    span = only(run)
    assert (span.attempt, span.retried_for, span.error) == (3, "SourceDown: busy", "")
    assert (span.queue_wait, span.run) == (None, timedelta(milliseconds=50))


def test_an_activity_scheduled_only_is_open() -> None:
    run = Run()
    run.schedule("filings", 100)
    span = only(run)
    assert (span.state, span.attempt, span.started, span.ended) == (SpanState.OPEN, 0, None, None)
    assert (span.queue_wait, span.run) == (None, None)


@pytest.mark.parametrize(
    ("branch", "summary", "expected"),
    [
        ("credit", "identity: filings", "credit"),
        ("", "identity: filings", "identity"),
        ("", "credit/vote-2: filings: all", "credit/vote-2"),
        ("", "filings", ""),
        ("", "", ""),
    ],
)
def test_the_branch_is_named_by_the_header_else_by_the_summary(
    branch: str, summary: str, expected: str
) -> None:
    run = Run()
    run.schedule("filings", 0, branch=branch, summary=summary)
    assert only(run).branch == expected


@pytest.mark.parametrize(
    "broken",
    [
        Payload(metadata={"encoding": b"binary/encrypted"}, data=b"\x00\x01"),
        Payload(metadata={"encoding": b"json/plain"}, data=b"{"),
        Payload(metadata={"encoding": b"json/plain"}, data=b"\xff"),
        payload([1]),
        payload({"usd": "NaN"}),
        payload({"usd": "much"}),
        payload({"usd": True}),
        Payload(),
    ],
)
def test_a_payload_that_cannot_be_decoded_is_no_error(broken: Payload) -> None:
    run = Run()
    key = run.schedule("ask_model", 0)
    scheduled = run.events[-1].activity_task_scheduled_event_attributes
    scheduled.header.fields["braid-branch"].CopyFrom(broken)
    run.complete(key, 10, broken)
    span = only(run)
    assert (span.branch, span.usd, span.state) == ("", None, SpanState.COMPLETED)


def ask(run: Run, ms: int, question: str, answer: Payload) -> None:
    key = run.schedule("ask_model", ms, inputs=[payload(question)])
    run.complete(key, ms + 1, answer)


def test_a_reply_read_back_is_counted_once() -> None:
    run = Run()
    ask(run, 0, "a", model_answer("0.10"))
    ask(run, 10, "a", model_answer("0.10", reused=True))
    ask(run, 20, "b", model_answer("0.25", reused=True))  # paid by an attempt that was killed
    found = spans(ordered(run.events))
    assert [span.usd for span in found] == [Decimal("0.10"), Decimal(0), Decimal("0.25")]
    assert [span.reused for span in found] == [False, True, True]


def test_tokens_and_the_share_of_the_window_are_read_and_counted_once() -> None:
    run = Run()
    ask(run, 0, "a", model_answer("0.10", tokens=(900, 100), window=4_000))
    ask(run, 10, "a", model_answer("0.10", tokens=(900, 100), window=4_000, reused=True))
    ask(run, 20, "b", payload({"usd": "1", "usage": {"input_tokens": "many"}, "window": None}))
    found = spans(ordered(run.events))
    assert [(s.input_tokens, s.output_tokens) for s in found] == [(900, 100), (0, 0), (0, 0)]
    assert [s.window_share for s in found] == [0.25, 0.25, None]


def test_only_model_calls_have_a_cost() -> None:
    run = Run()
    run.call("filings", 0, 5, model_answer("9"))
    assert only(run).usd is None


def test_a_failure_is_told_by_its_innermost_cause_in_one_line() -> None:
    run = Run()
    key = run.schedule("filings", 0)
    run.fail(key, 10, failure("no such\n company", "Rejected"))
    assert (only(run).state, only(run).error) == (SpanState.FAILED, "Rejected: no such company")


def test_a_timeout_says_which() -> None:
    run = Run()
    key = run.schedule("filings", 0)
    out = run.add(E.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, 10)
    out.activity_task_timed_out_event_attributes.scheduled_event_id = key
    why = Failure(message="activity timeout")
    why.timeout_failure_info.timeout_type = TimeoutType.TIMEOUT_TYPE_HEARTBEAT
    out.activity_task_timed_out_event_attributes.failure.CopyFrom(why)
    assert (only(run).state, only(run).error) == (
        SpanState.TIMED_OUT,
        "heartbeat timeout: activity timeout",
    )


def test_timers_and_signals() -> None:
    run = Run()
    fired = run.timer("1", 0, summary="references: deadline")
    stopped = run.timer("2", 0)
    run.fire(fired, 50)
    cancel = run.add(E.EVENT_TYPE_TIMER_CANCELED, 60)
    cancel.timer_canceled_event_attributes.started_event_id = stopped
    run.signal("referee_answer", 70)
    one, two, three = spans(ordered(run.events))
    assert (one.name, one.branch, one.ended, one.state) == (
        "1",
        "references",
        at(50),
        SpanState.COMPLETED,
    )
    assert (two.ended, two.state) == (at(60), SpanState.CANCELLED)
    assert three.kind is SpanKind.SIGNAL
    assert three.name == "referee_answer"
    assert three.scheduled == three.started == three.ended == at(70)


@pytest.mark.parametrize("admitted", [False, True])
@pytest.mark.parametrize("refused", [False, True])
def test_an_update_runs_from_admission_to_answer(admitted: bool, refused: bool) -> None:
    run = Run()
    if admitted:
        first = run.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED, 10)
        request = first.workflow_execution_update_admitted_event_attributes.request
        request.meta.update_id, request.input.name = "u1", "decide"
    taken = run.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, 20)
    accepted = taken.workflow_execution_update_accepted_event_attributes
    accepted.accepted_request.meta.update_id = "u1"
    accepted.accepted_request.input.name = "decide"
    done = run.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED, 90)
    completed = done.workflow_execution_update_completed_event_attributes
    completed.meta.update_id, completed.accepted_event_id = "u1", taken.event_id
    if refused:
        completed.outcome.failure.CopyFrom(failure("too late", "Refused"))
    span = only(run)
    assert (span.kind, span.name) == (SpanKind.UPDATE, "decide")
    assert (span.scheduled, span.started, span.ended) == (
        at(10 if admitted else 20),
        at(20),
        at(90),
    )
    assert span.state is (SpanState.FAILED if refused else SpanState.COMPLETED)
    assert span.error == ("Refused: too late" if refused else "")


@pytest.mark.parametrize("starts", [True, False])
def test_a_child_ends_or_never_starts(starts: bool) -> None:
    run = Run()
    asked = run.add(E.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED, 10)
    wanted = asked.start_child_workflow_execution_initiated_event_attributes
    wanted.workflow_type.name = "Monitor"
    wanted.header.fields["braid-branch"].CopyFrom(payload("monitoring"))
    if starts:
        begun = run.add(E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED, 20)
        begun.child_workflow_execution_started_event_attributes.initiated_event_id = asked.event_id
        done = run.add(E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED, 90)
        done.child_workflow_execution_completed_event_attributes.initiated_event_id = asked.event_id
    else:
        not_begun = run.add(E.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED, 90)
        cause = not_begun.start_child_workflow_execution_failed_event_attributes
        cause.initiated_event_id = asked.event_id
    span = only(run)
    assert (span.kind, span.name, span.branch) == (SpanKind.CHILD, "Monitor", "monitoring")
    assert (span.ended, span.started) == (at(90), at(20) if starts else None)
    assert span.state is (SpanState.COMPLETED if starts else SpanState.FAILED)


def test_what_the_end_of_the_case_cuts_off_is_abandoned() -> None:
    run = Run()
    run.schedule("filings", 10)
    run.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, 50)
    assert (only(run).state, only(run).ended) == (SpanState.ABANDONED, None)


def test_unknown_events_and_loose_ends_are_passed_over() -> None:
    run = Run()
    run.start(77, 10)
    run.complete(78, 20, model_answer("1"))
    run.fire(79, 30)
    run.events.append(run.add(9_999, 40))  # type: ignore[arg-type]
    for kind in E.values():
        run.add(kind, 50)
    assert {span.name for span in spans(ordered(run.events))} == {"", "cancel"}


def begun(run: Run, kind: E.ValueType, ms: int) -> Any:
    """Add an event and give what is particular to its type."""
    event = run.add(kind, ms)
    name = E.Name(kind).removeprefix("EVENT_TYPE_").lower() + "_event_attributes"
    part = getattr(event, name)
    part.SetInParent()
    return part


@pytest.mark.parametrize(
    ("policy", "attempt", "last", "seconds"),
    [
        (RetryPolicy(), 1, None, 0),
        (RetryPolicy(), 4, None, 1 + 2 + 4),
        (RetryPolicy(), 4, 30.0, 1 + 2 + 30),
        (RetryPolicy(), 10, None, 1 + 2 + 4 + 8 + 16 + 32 + 64 + 100 + 100),
        (RetryPolicy(backoff_coefficient=1), 1_000_001, None, 1_000_000),
        (RetryPolicy(backoff_coefficient=float("nan")), 3, None, 3),
        (RetryPolicy(backoff_coefficient=float("inf")), 3, None, 101),
    ],
)
def test_the_planned_pauses_are_those_of_the_policy(
    policy: RetryPolicy, attempt: int, last: float | None, seconds: float
) -> None:
    assert planned_pauses(policy, attempt, last) == pytest.approx(seconds)


def test_a_span_tells_its_task_its_queue_its_pauses_and_the_events_that_made_it() -> None:
    run = Run()
    asked = begun(run, E.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, 0)
    asked.task_queue.name, asked.workflow_task_completed_event_id = "llm-openai", 4
    asked.activity_type.name = "filings"
    asked.retry_policy.initial_interval.FromMilliseconds(50)
    run.start(2, 400, attempt=3, after="busy")
    closing = run.complete(2, 500)
    span = only(run)
    assert (span.task, span.closing, span.queue) == (4, closing, "llm-openai")
    assert span.backoff == timedelta(milliseconds=50 + 100)
    run.events[2].event_time.FromDatetime(at(120))
    assert only(run).backoff == timedelta(milliseconds=120), "no longer than it can have been"


def test_a_model_call_names_its_model_and_what_it_waited_for_a_permit() -> None:
    run = Run()
    target = {"vendor": "openai", "model": "gpt-5"}
    key = run.schedule("ask_model", 0, inputs=[payload({"target": target})])
    run.start(key, 100)
    assert (only(run).vendor, only(run).model) == ("openai", "gpt-5"), "while it is open"
    run.complete(key, 900, payload({"usd": "1", "waited": 0.5}))
    assert only(run).limited == timedelta(milliseconds=500)
    run.events[-1].event_time.FromDatetime(at(200))
    assert only(run).limited == timedelta(milliseconds=100)


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ({"usd": "0", "reused": True}, 0),  # read from the case this one is a fork of
        ({"usd": "0", "reused": True, "cached": True}, 0),
        ({"usd": "0.1", "reused": True}, 900),  # paid by an attempt that was killed
        ({"usd": "0", "reused": True, "priced": False}, 900),
    ],
)
def test_tokens_another_case_paid_for_are_not_counted(said: dict[str, Any], counted: int) -> None:
    run = Run()
    ask(run, 0, "a", payload({**said, "usage": {"input_tokens": 900}, "window": 9_000}))
    assert (only(run).input_tokens, only(run).window_share) == (counted, 0.1)


@pytest.mark.parametrize("activity", ["run_step", "run_bulk"])
def test_a_fused_step_goes_by_its_name_and_tells_what_its_models_took(activity: str) -> None:
    run = Run()
    key = run.schedule(activity, 0, branch="credit", inputs=[payload({"step": "rate"})])
    spent = {"usd": "0.25", "input_tokens": 70, "output_tokens": 5}
    run.complete(key, 10, payload({"value": {}, "spent": spent}))
    span = only(run)
    assert (span.name, span.branch, span.usd) == ("rate", "credit", Decimal("0.25"))
    assert (span.input_tokens, span.output_tokens) == (70, 5)


CORE = {"activity_type": "look", "attempt": 4, "original_schedule_time": {"seconds": 0, "nanos": 0}}


def _core(begin: int, end: int) -> dict[str, Any]:
    times = [divmod(round(at(ms).timestamp() * 1000), 1000) for ms in (begin, end)]
    first, last = ({"seconds": s, "nanos": ms * 1_000_000} for s, ms in times)
    return {"data": CORE | {"original_schedule_time": first, "complete_time": last}}


def _java(begin: int, end: int) -> dict[str, Any]:
    first, last = (round(at(ms).timestamp() * 1000) for ms in (begin, end))
    return {"type": "look", "time": last, "meta": {"firstSkd": first, "atpt": 4, "backoff": None}}


def _go(begin: int, end: int) -> dict[str, Any]:
    ended = f"{at(end):%Y-%m-%dT%H:%M:%S.%f}789Z"
    return {"data": {"ActivityType": "look", "ReplayTime": ended, "Attempt": 4, "Backoff": 0}}


@pytest.mark.parametrize(
    ("form", "name"),
    [(_core, "core_local_activity"), (_java, "LocalActivity"), (_go, "LocalActivity")],
)
@pytest.mark.parametrize(
    ("written", "read"), [((20, 60), (20, 60)), ((20, 10), (20, 90)), ((200, 300), (90, 90))]
)
def test_a_local_activity_is_read_from_its_marker(
    form: Callable[[int, int], dict[str, Any]], name: str, written: Any, read: Any
) -> None:
    """Also where a worker's clock runs behind, or ahead of the marker's own time."""
    run = Run()
    begun(run, E.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, 10)
    begun(run, E.EVENT_TYPE_WORKFLOW_TASK_STARTED, 20)
    begun(run, E.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, 50)
    for kind in "SCHEDULED", "STARTED", "COMPLETED":  # a task right after: the same stretch
        begun(run, E.Value(f"EVENT_TYPE_WORKFLOW_TASK_{kind}"), 80)
    said = begun(run, E.EVENT_TYPE_MARKER_RECORDED, 90)
    said.marker_name = name
    for key, value in form(*written).items():
        said.details[key].payloads.append(payload(value))
    span = only(run)
    assert (span.kind, span.name, span.attempt) == (SpanKind.LOCAL, "look", 4)
    if form is _go:  # it does not say when it began
        read = (20, 60 if written[1] == 60 else 90)
    assert (span.scheduled, span.started, span.ended) == (at(read[0]), at(read[0]), at(read[1]))


def test_nexus_operations_children_and_messages_sent_tell_their_events() -> None:
    run = Run()
    nexus = begun(run, E.EVENT_TYPE_NEXUS_OPERATION_SCHEDULED, 10)
    nexus.service, nexus.operation, nexus.endpoint = "shop", "order", "there"
    begun(run, E.EVENT_TYPE_NEXUS_OPERATION_STARTED, 5).scheduled_event_id = 2  # a coarse clock
    begun(run, E.EVENT_TYPE_NEXUS_OPERATION_TIMED_OUT, 30).scheduled_event_id = 2
    begun(run, E.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED, 40)
    child = begun(run, E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED, 50)
    child.initiated_event_id, child.workflow_execution.run_id = 5, "run-7"
    sent = begun(run, E.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED, 60)
    sent.signal_name = "decide"
    lost = begun(run, E.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED, 70)
    lost.initiated_event_id, lost.cause = 7, 1
    one, two, three = spans(ordered(run.events))
    assert (one.kind, one.name, one.queue) == (SpanKind.NEXUS, "shop.order", "there")
    assert (one.started, one.taken, one.state) == (at(10), 3, SpanState.TIMED_OUT)
    assert (two.child, two.taken, two.closing) == ("run-7", 6, 0)
    assert (three.kind, three.name, three.state) == (SpanKind.SENT, "decide", SpanState.FAILED)
    assert (three.error, three.closing) == ("external workflow execution not found", 8)


def test_the_turns_of_the_workflow_tell_how_they_ended() -> None:
    run = Run()
    begun(run, E.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, 10)
    begun(run, E.EVENT_TYPE_WORKFLOW_TASK_STARTED, 20).scheduled_event_id = 2
    begun(run, E.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, 30).scheduled_event_id = 2
    begun(run, E.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, 40)
    failed = begun(run, E.EVENT_TYPE_WORKFLOW_TASK_FAILED, 50)
    failed.scheduled_event_id, failed.cause = 5, 23
    failed.failure.message = "boom"
    begun(run, E.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, 60)
    out = begun(run, E.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT, 70)
    out.scheduled_event_id, out.timeout_type = 7, 1
    one, two, three = report(run.events).tasks
    assert (one.id, one.started, one.ended, one.completed) == (2, at(20), at(30), 4)
    assert (two.started, two.completed) == (None, 0)
    assert two.error.endswith(": boom")
    assert three.error == "start to close timeout"
