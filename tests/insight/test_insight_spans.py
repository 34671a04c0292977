"""Spans carry what a history records, and never trip over what it does not."""

from datetime import timedelta
from decimal import Decimal

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType as E
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import Failure

from insight.book import spans
from insight.reader import ordered
from insight.spans import Span, SpanKind, SpanState
from tests.insight.builder import Run, at, failure, model_answer, payload


def only(run: Run) -> Span:
    (span,) = spans(ordered(run.events))
    return span


def test_an_activity_tells_its_queue_wait_from_its_run() -> None:
    run = Run()
    key = run.schedule("filings", 100, branch="credit")
    run.start(key, 130)
    run.complete(key, 500)
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
    assert {span.name for span in spans(ordered(run.events))} == {""}
