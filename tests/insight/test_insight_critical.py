"""The critical path is the whole run, and each stretch of it is named by what it was spent on."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.api.enums.v1 import EventType as E

from insight.graph.flow import END, Flow, Step, Wait
from insight.graph.portions import awaited
from insight.history.reader import read_histories
from insight.report import Report, report
from tests.insight.builder import Run, at, failure, model_answer

Part = tuple[int, Wait, int, int]


def ms(length: timedelta) -> int:
    return round(length / timedelta(milliseconds=1))


def path(known: Report) -> list[Part]:
    """Give the path as (span, wait, from, to) in milliseconds; it must be the whole run."""
    checked(known)
    start = known.started
    return [(s.span, s.wait, ms(s.start - start), ms(s.end - start)) for s in known.flow.path]


def checked(known: Report) -> Flow:
    """Hold what is true of every flow."""
    flow, whole = known.flow, known.until - known.started
    assert all(one.end == two.start for one, two in pairwise(flow.path))
    assert all(part.start < part.end for part in flow.path)
    assert sum((part.end - part.start for part in flow.path), timedelta()) == whole
    assert sum(flow.on_path.values(), timedelta()) == whole
    assert timedelta() <= flow.lower_bound <= whole
    assert all(flow.waits[wait] >= time for wait, time in flow.on_path.items())
    likely = [edge.effect for edge in flow.edges if edge.likely]
    assert len(likely) == len(set(likely)) == len({edge.effect for edge in flow.edges})
    assert 0 <= flow.utilisation <= 1
    assert flow.peak == max((level.open for level in flow.levels), default=0)
    assert len(flow.steps) == len(known.spans)
    for step in flow.steps:
        assert step.slack is None or step.slack >= timedelta()
        assert step.slack in (None, timedelta()) or not step.critical
        assert step.join >= timedelta()
    return flow


def steps(known: Report) -> dict[int, Step]:
    return {step.span: step for step in known.flow.steps}


def waits(known: Report) -> dict[Wait, int]:
    return {wait: ms(length) for wait, length in known.flow.waits.items()}


def call(run: Run, key: int, start: int, end: int) -> None:
    run.start(key, start)
    run.complete(key, end)


def joined() -> tuple[Run, int, int, int]:
    """Make a run: two calls at once, the quick one lying there for 60 ms, then a third."""
    run = Run()
    run.turn(10)
    quick, slow = run.schedule("quick", 10), run.schedule("slow", 10)
    call(run, quick, 12, 40)
    run.turn(42)
    call(run, slow, 30, 100)
    run.turn(105)
    last = run.schedule("last", 105)
    call(run, last, 106, 200)
    run.turn(210)
    run.finish(210)
    return run, quick, slow, last


def test_a_path_goes_back_through_what_ended_last() -> None:
    run, _, slow, last = joined()
    assert path(report(run.events)) == [
        (0, Wait.TASK, 0, 10),
        (slow, Wait.QUEUE, 10, 30),
        (slow, Wait.RUN, 30, 100),
        (0, Wait.TASK, 100, 105),
        (last, Wait.QUEUE, 105, 106),
        (last, Wait.RUN, 106, 200),
        (0, Wait.TASK, 200, 210),
    ]


def test_slack_is_how_much_later_it_could_have_ended() -> None:
    run, quick, slow, last = joined()
    known = steps(report(run.events))
    assert (ms(known[quick].slack or timedelta()), ms(known[quick].join)) == (60, 60)
    assert (known[slow].slack, known[last].slack) == (timedelta(), timedelta())
    assert ms(known[slow].critical) == 90
    assert known[slow].share == pytest.approx(90 / 210)
    assert waits(report(run.events))[Wait.JOIN] == 60


def test_slack_is_handed_back_along_a_branch() -> None:
    """Of two branches, the shorter has one slack in all its steps."""
    run = Run()
    run.turn(0)
    one, two = run.schedule("one", 0), run.schedule("two", 0)
    call(run, one, 0, 10)
    run.turn(10)
    after = run.schedule("after", 10)
    call(run, after, 10, 30)
    run.turn(30)
    call(run, two, 0, 100)
    run.turn(100)
    run.finish(100)
    known = steps(report(run.events))
    assert [ms(known[key].slack or timedelta()) for key in (one, after, two)] == [70, 70, 0]
    assert [ms(known[key].join) for key in (one, after, two)] == [0, 70, 0]


def test_the_lower_bound_keeps_work_and_leaves_out_false_waits() -> None:
    """The quick one ran 28 ms, the slow one 70: together with the last (94) that is 164 ms."""
    run, _, _, _ = joined()
    assert ms(report(run.events).flow.lower_bound) == 70 + 94


def test_the_lower_bound_waits_for_work_that_waits_had_hidden() -> None:
    run = Run()
    run.turn(0)
    worked, queued = run.schedule("worked", 0), run.schedule("queued", 0)
    call(run, worked, 0, 80)
    run.turn(80)
    call(run, queued, 90, 100)
    run.turn(100)
    run.finish(100)
    assert ms(report(run.events).flow.lower_bound) == 80


def test_retries_limits_and_timers_have_their_names() -> None:
    run = Run()
    run.turn(0)
    key = run.schedule("ask_model", 0)
    run.start(key, 600, attempt=3, after="down")
    run.complete(key, 1_000, model_answer("0.1"))
    run.turn(1_000)
    timer = run.timer("1", 1_000)
    run.fire(timer, 1_500)
    run.turn(1_500)
    run.finish(1_500)
    known = report(run.events)
    assert path(known) == [
        (key, Wait.RETRY, 0, 600),
        (key, Wait.RUN, 600, 1_000),
        (timer, Wait.TIMER, 1_000, 1_500),
    ]
    assert [ms(step.retry) for step in known.flow.steps] == [600, 0]
    assert ms(known.flow.lower_bound) == 900


def test_a_permit_waited_for_is_no_run() -> None:
    run = Run()
    run.turn(0)
    key = run.schedule("ask_model", 0)
    run.start(key, 100)
    answer = model_answer("0.1")
    answer.data = answer.data.replace(b'{"text"', b'{"waited": 0.25, "text"')
    run.complete(key, 1_000, answer)
    run.turn(1_000)
    run.finish(1_000)
    assert path(report(run.events)) == [
        (key, Wait.QUEUE, 0, 100),
        (key, Wait.LIMITER, 100, 350),
        (key, Wait.RUN, 350, 1_000),
    ]


@pytest.mark.parametrize(
    ("name", "wait"),
    [
        ("decide", Wait.PERSON),
        ("approveOrder", Wait.PERSON),
        ("manager_review", Wait.PERSON),
        ("event", Wait.EVENT),
        ("reference_reply", Wait.EVENT),
        ("preview", Wait.EVENT),
    ],
)
def test_a_wait_for_a_message_is_a_persons_or_not_by_its_name(name: str, wait: Wait) -> None:
    assert awaited(name) is wait
    run = Run()
    run.turn(0)
    key = run.schedule("one", 0)
    call(run, key, 0, 100)
    run.turn(100)
    run.signal(name, 900)
    run.turn(900)
    run.finish(1_000)
    known = report(run.events)
    assert path(known) == [
        (key, Wait.RUN, 0, 100),
        (0, wait, 100, 900),
        (0, Wait.TASK, 900, 1_000),
    ]
    assert waits(known)[wait] == 800
    assert ms(known.flow.lower_bound) == 900


def test_a_wait_for_a_decision_begins_where_it_was_asked_for_whatever_was_refused() -> None:
    """The first update says nothing that counts: it leads to no command."""
    run = Run()
    run.turn(0)
    reminder = run.timer("1", 0)
    run.turn(300)
    run.update("decide", 300)
    run.turn(500)
    run.update("decide", 500)
    run.finish(500)
    assert path(report(run.events)) == [(0, Wait.PERSON, 0, 500)]
    assert steps(report(run.events))[reminder].slack is None


def test_an_update_was_waited_for_until_its_task_was_asked_for() -> None:
    """Its event is written when that task closes, however long no worker took it."""
    run = Run()
    run.turn(0)
    asked = run.ask(300)
    run.done(asked, run.take(asked, 700), 750)
    run.update("decide", 750)
    run.finish(750)
    known = report(run.events)
    assert path(known) == [(0, Wait.PERSON, 0, 300), (0, Wait.TASK, 300, 750)]
    assert ms(known.flow.lower_bound) == 300


def test_work_that_is_still_open_is_not_taken_for_the_beginning_of_a_wait() -> None:
    run = Run()
    run.turn(0)
    long, short = run.schedule("long", 0), run.schedule("short", 0)
    call(run, short, 0, 50)
    run.turn(50)
    run.signal("go", 100)
    run.turn(100)
    run.finish(100)
    assert path(report(run.events)) == [(0, Wait.EVENT, 0, 100)]
    assert steps(report(run.events))[long].slack is None


def test_a_request_to_cancel_ends_a_wait() -> None:
    run = Run()
    run.turn(0)
    key = run.schedule("one", 0)
    call(run, key, 0, 50)
    run.turn(50)
    run.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED, 80)
    run.turn(90)
    run.finish(90)
    assert path(report(run.events)) == [
        (key, Wait.RUN, 0, 50),
        (0, Wait.EVENT, 50, 80),
        (0, Wait.TASK, 80, 90),
    ]


def test_an_open_run_leads_to_the_work_begun_last_or_to_the_wait_for_a_message() -> None:
    run = Run()
    run.turn(0)
    first = run.schedule("first", 0)
    call(run, first, 0, 100)
    run.turn(100)
    idle = report(run.events, now=at(500))
    assert path(idle) == [(first, Wait.RUN, 0, 100), (0, Wait.EVENT, 100, 500)]
    asked = run.timer("2", 100, summary="review: reminder or deadline")
    assert path(report(run.events, now=at(500)))[-1] == (0, Wait.PERSON, 100, 500)
    second = run.schedule("second", 100)
    known = report(run.events, now=at(500))
    assert path(known)[-1] == (second, Wait.RUN, 100, 500)
    assert steps(known)[second].slack is None
    assert steps(known)[asked].slack is None
    assert ms(known.flow.lower_bound) == 500


def test_an_open_run_whose_own_code_does_not_go_on_waits_for_its_task() -> None:
    run = Run()
    run.turn(0)
    first = run.schedule("first", 0)
    call(run, first, 0, 100)
    run.turn(100)
    run.signal("go", 300)
    asked = run.ask(300)
    run.take(asked, 350)
    run.add(E.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT, 400)
    told = run.events[-1].workflow_task_timed_out_event_attributes
    told.scheduled_event_id = asked
    run.ask(400)
    known = report(run.events, now=at(900))
    assert path(known)[1:] == [(0, Wait.EVENT, 100, 300), (0, Wait.TASK, 300, 900)]
    assert ms(known.flow.lower_bound) == 300


def test_a_run_the_server_ended_is_walked_from_what_it_left() -> None:
    run = Run()
    run.turn(0)
    key = run.schedule("first", 0)
    run.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, 700)
    assert path(report(run.events)) == [(key, Wait.RUN, 0, 700)]


def test_without_workflow_tasks_each_span_follows_the_last_news() -> None:
    run = Run()
    one = run.call("one", 0, 100)
    two = run.call("two", 150, 300)
    run.finish(400)
    known = report(run.events)
    assert known.flow.edges == ()
    assert path(known) == [
        (one, Wait.RUN, 0, 100),
        (0, Wait.TASK, 100, 150),
        (two, Wait.RUN, 150, 300),
        (0, Wait.EVENT, 300, 400),
    ]


def test_a_run_asked_to_begin_later_waits_for_a_timer() -> None:
    run = Run()
    run.turn(997)
    run.finish(1_100)
    known = report(run.events)
    assert path(known) == [(0, Wait.TIMER, 0, 997), (0, Wait.TASK, 997, 1_100)]
    checked(known)


def test_how_many_are_at_work_and_how_well_they_use_their_places() -> None:
    run, _, _, _ = joined()
    flow = report(run.events).flow
    assert [(ms(level.at - at(0)), level.open) for level in flow.levels] == [
        (10, 2),
        (40, 1),
        (100, 0),
        (105, 1),
        (200, 0),
    ]
    assert flow.peak == 2
    assert flow.utilisation == pytest.approx((30 + 90 + 95) / (2 * (90 + 95)))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_clocks_that_go_back_and_lost_events_make_no_negative_time(data: st.DataObject) -> None:
    run, _, _, _ = joined()
    late = data.draw(st.lists(st.integers(-50, 50), min_size=len(run.events), max_size=60))
    for event, off in zip(run.events, late, strict=False):
        event.event_time.FromDatetime(event.event_time.ToDatetime() + timedelta(milliseconds=off))
    gone = data.draw(st.sets(st.integers(1, len(run.events)), max_size=8))
    left = [event for event in run.events if event.event_id not in gone]
    checked(report(left, now=at(300)))


def test_a_failed_call_is_on_the_path_as_a_good_one() -> None:
    run = Run()
    run.turn(0)
    key = run.schedule("one", 0)
    run.start(key, 0)
    run.fail(key, 100, failure("gone", "Rejected"))
    run.turn(100)
    run.finish(100)
    known = report(run.events)
    assert path(known) == [(key, Wait.RUN, 0, 100)]
    assert [(e.cause, e.effect) for e in known.flow.edges] == [(0, key), (key, END)]


def test_every_history_at_hand_has_a_path_as_long_as_the_run(shared_data: Path) -> None:
    recorded = Path(__file__).parents[1] / "replay"
    files = [*shared_data.glob("histories/**/*.json"), *recorded.glob("*.json")]
    assert len(files) > 90
    for file in files:
        for events in read_histories(file.read_bytes()):
            checked(report(events))
