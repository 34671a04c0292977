"""Causes are read from ids alone: what a workflow task saw before it gave its commands."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType as E

from insight.graph.causality import causes
from insight.graph.flow import END, START, Certainty, Edge
from insight.graph.news import FAR
from insight.history.book import spans
from insight.report import report
from tests.insight.builder import Run, payload

Causes = dict[int, list[int]]


def found(run: Run) -> tuple[Edge, ...]:
    events = tuple(run.events)
    return causes(events, spans(events)).edges


def certain(run: Run) -> Causes:
    return by_effect(e for e in found(run) if e.certainty is Certainty.CERTAIN)


def possible(run: Run) -> Causes:
    return by_effect(e for e in found(run) if e.certainty is Certainty.POSSIBLE)


def likely(run: Run) -> dict[int, int]:
    known = found(run)
    assert set(Counter(e.effect for e in known if e.likely).values()) <= {1}
    assert {e.effect for e in known if e.likely} == {e.effect for e in known}
    return {e.effect: e.cause for e in known if e.likely}


def by_effect(given: Iterable[Edge]) -> Causes:
    causes: Causes = {}
    for edge in given:
        causes.setdefault(edge.effect, []).append(edge.cause)
    return causes


def ended(run: Run, key: int, ms: int, *results: Payload) -> int:
    run.start(key, ms)
    return run.complete(key, ms, *results)


def test_one_news_is_the_certain_cause_of_all_that_its_task_did() -> None:
    run = Run()
    run.turn(1)
    one, two = run.schedule("one", 1), run.timer("two", 1)
    brought = ended(run, one, 5)
    run.turn(6)
    three = run.schedule("three", 6)
    run.fire(two, 7)
    run.turn(8)  # it waits for both, so it gives no command
    ended(run, three, 9)
    run.turn(10)
    run.finish(10)
    assert certain(run) == {one: [START], two: [START], three: [one], END: [three]}
    assert not possible(run)
    assert [e.event for e in found(run) if e.effect == three] == [brought]


def two_at_once(*, second: bool = True) -> tuple[Run, int, int]:
    """Make a run in which two activities end before one workflow task begins."""
    run = Run()
    run.turn(1)
    one = run.schedule("one", 1, branch="left")
    two = run.schedule("two", 1, branch="right")
    ended(run, one, 5, payload({"reference": "account-4711"}))
    asked = run.ask(5)
    if second:
        ended(run, two, 6)
    run.done(asked, run.take(asked, 7), 8)
    return run, one, two


def test_of_several_news_each_is_possible_and_the_last_is_likely_for_a_join() -> None:
    run, one, two = two_at_once()
    run.finish(8)
    assert possible(run)[END] == [one, two]
    assert likely(run)[END] == two


def test_effects_follow_their_news_in_order() -> None:
    run, one, two = two_at_once()
    after = [run.schedule(f"after-{n}", 8) for n in range(4)]
    assert [likely(run)[key] for key in after] == [one, one, two, two]


def test_a_branch_follows_itself_and_what_is_around_or_within_it() -> None:
    run, one, two = two_at_once()
    inner, other = run.schedule("x", 8, branch="right/inner"), run.schedule("y", 8, branch="left")
    assert likely(run)[inner] == two
    assert likely(run)[other] == one
    assert sorted(possible(run)[inner]) == [one, two]


def test_data_of_a_result_found_in_an_input_tells_its_cause() -> None:
    run, one, _ = two_at_once()
    fed = run.schedule("use", 8, inputs=[payload(["account-4711", 1])])
    assert likely(run)[fed] == one


def test_what_followed_for_certain_before_is_likely_again() -> None:
    run = Run()
    run.turn(1)
    fetches = [run.schedule("fetch", 1) for _ in range(3)]
    ended(run, fetches[0], 2)
    run.turn(2)
    run.schedule("parse", 2)
    slow = run.schedule("slow", 2)
    ended(run, fetches[1], 5)
    ended(run, slow, 6)
    run.turn(7)
    parse = run.schedule("parse", 7)
    assert likely(run)[parse] == fetches[1]


def test_news_that_came_while_a_task_ran_is_for_the_next() -> None:
    """The server writes it after the task's end, and so after the commands."""
    run = Run()
    run.turn(1)
    one, two = run.schedule("one", 1), run.schedule("two", 1)
    ended(run, one, 5)
    run.turn(9)
    after_one = run.schedule("after", 9)
    ended(run, two, 7)  # at 7 by the clock, but buffered
    run.turn(10)
    after_two = run.schedule("after", 10)
    assert certain(run) == {one: [0], two: [0], after_one: [one], after_two: [two]}


@pytest.mark.parametrize(
    "kind", [E.EVENT_TYPE_WORKFLOW_TASK_FAILED, E.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT]
)
def test_a_task_that_failed_leaves_its_news_to_the_next(kind: E.ValueType) -> None:
    run = Run()
    run.turn(1)
    one, two = run.schedule("one", 1), run.schedule("two", 1)
    ended(run, one, 5)
    run.take(run.ask(5), 5)
    run.add(kind, 6)
    ended(run, two, 7)
    run.turn(8)
    after = run.schedule("after", 8)
    assert possible(run) == {after: [one, two]}


def test_an_update_causes_what_follows_its_acceptance_only() -> None:
    run = Run()
    run.turn(1)
    one = run.schedule("one", 1)
    ended(run, one, 5)
    run.turn(6)
    before = run.schedule("before", 6)
    told = run.update("decide", 6)
    after = run.schedule("after", 6)
    run.turn(7)  # for the update alone: nothing else is new
    alone = run.update("decide", 7)
    last = run.schedule("last", 7)
    assert certain(run) == {one: [START], before: [one], last: [alone]}
    assert possible(run) == {after: [one, told]}


def marker(run: Run, ms: int, scheduled: int, *, name: str = "core_local_activity") -> int:
    event = run.add(E.EVENT_TYPE_MARKER_RECORDED, ms)
    said = event.marker_recorded_event_attributes
    said.marker_name, said.workflow_task_completed_event_id = name, run.task
    moment = {"seconds": int(event.event_time.seconds), "nanos": scheduled * 1_000_000}
    told = {"activity_type": "look", "original_schedule_time": moment, "complete_time": None}
    said.details["data"].payloads.append(payload(told))
    return event.event_id


def test_local_activities_are_machine_time_but_never_speed_up() -> None:
    """Two that overlap and one by itself: some SDKs do not say when one began."""
    run = Run()
    run.turn(90)
    for ends, begins in ((20, 1), (40, 10), (80, 60)):
        marker(run, ends, begins)
    told = report(run.events)
    busy = timedelta(milliseconds=39 + 20)
    assert (told.machine, told.sequential, told.speedup) == (busy, busy, 1.0)


def test_local_activities_of_one_task_cause_what_comes_after_their_markers() -> None:
    run = Run()
    run.turn(1)
    first = marker(run, 20, 1)
    second = marker(run, 40, 30)
    beside = marker(run, 40, 31)
    call = run.schedule("call", 40)
    marker(run, 40, 0, name="Version")  # no activity, so no cause
    known = likely(run)
    assert certain(run) == {first: [START]}
    assert known == {first: START, second: first, beside: first, call: beside}
    assert possible(run)[call] == [START, first, second, beside]


def test_a_long_local_activity_goes_on_over_tasks_that_see_nothing_new() -> None:
    run = Run()
    run.turn(1)
    one = run.schedule("one", 1)
    ended(run, one, 5)
    run.turn(6)
    run.turn(7)
    local = marker(run, 9, 6)
    after = run.schedule("after", 9)
    assert certain(run) == {one: [START], local: [one], after: [local]}


def test_a_local_activity_may_have_been_under_way_before_the_news_its_task_saw() -> None:
    run = Run()
    run.turn(1)
    one = run.schedule("one", 1)
    asked = run.ask(1)  # a heartbeat: the server goes on at once
    taken = run.take(asked, 1)
    run.done(asked, taken, 900)
    run.start(one, 5)
    run.complete(one, 10)  # it came meanwhile, and was kept back until the task closed
    asked = run.ask(900)
    run.done(asked, run.take(asked, 900), 950)
    long = marker(run, 950, 1)
    run.schedule("after", 950)
    assert possible(run)[long] == [START, one]
    assert likely(run)[long] == START  # by its worker's clock it had begun before the other
    two = run.schedule("two", 990)
    ended(run, two, 1500)
    run.turn(1500)  # asked for by news: nothing was under way
    quick = marker(run, 1510, 1)
    assert certain(run)[quick] == [two]


def test_signals_start_and_requests_to_cancel_are_news() -> None:
    run = Run()
    told = run.signal("go", 0)
    run.turn(1)
    one = run.schedule("one", 1)
    asked = run.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED, 5).event_id
    run.turn(6)
    clean = run.schedule("clean", 6)
    assert possible(run) == {one: [START, told]}
    assert likely(run)[one] == START  # a run begins by itself, whatever message is there already
    (edge,) = (e for e in found(run) if e.effect == clean)
    assert (edge.cause, edge.event, edge.certainty) == (START, asked, Certainty.CERTAIN)


def test_the_start_of_a_child_is_news_and_its_end_again() -> None:
    run = Run()
    run.turn(1)
    event = run.add(E.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED, 1)
    child = event.event_id
    run.events[
        -1
    ].start_child_workflow_execution_initiated_event_attributes.workflow_type.name = "Child"
    event = run.add(E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED, 3)
    event.child_workflow_execution_started_event_attributes.initiated_event_id = child
    taken = event.event_id
    run.turn(4)
    one = run.schedule("one", 4)
    event = run.add(E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED, 9)
    event.child_workflow_execution_completed_event_attributes.initiated_event_id = child
    closed = event.event_id
    run.turn(9)
    two = run.schedule("two", 9)
    brought = {edge.effect: edge.event for edge in found(run) if edge.cause == child}
    assert brought == {one: taken, two: closed}
    assert certain(run) == {child: [START], one: [child], two: [child]}


def test_the_start_of_an_activity_is_no_news() -> None:
    run = Run()
    run.turn(1)
    one, two = run.schedule("one", 1), run.schedule("two", 1)
    ended(run, one, 5)
    run.start(two, 5)
    run.turn(6)
    after = run.schedule("after", 6)
    assert certain(run)[after] == [one]


def test_news_of_unknown_origin_makes_the_other_only_possible() -> None:
    """A UI export may leave out the event that scheduled what ended."""
    run = Run()
    run.turn(1)
    one = run.schedule("one", 1)
    run.complete(4_000, 5)
    ended(run, one, 5)
    run.turn(6)
    run.finish(6)
    assert possible(run) == {END: [one]}


def test_a_missing_end_of_a_task_is_told_from_the_commands_that_name_it() -> None:
    run = Run()
    run.turn(1)
    one = run.schedule("one", 1)
    ended(run, one, 5)
    run.turn(6)
    after = run.schedule("after", 6)
    del run.events[after - 2]
    assert certain(run) == {one: [START], after: [one]}


def test_what_the_server_ended_and_what_no_task_began_have_no_cause() -> None:
    run = Run()
    run.schedule("one", 1)
    run.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, 5)
    assert found(run) == ()


def test_all_possible_causes_are_told_unless_there_are_too_many() -> None:
    run = Run()
    run.turn(1)
    calls = [run.schedule("one", 1) for _ in range(30)]
    for key in calls:
        ended(run, key, 5)
    run.turn(6)
    after = [run.schedule("after", 6) for _ in range(30)]
    known, every = likely(run), possible(run)
    assert [known[key] for key in after] == calls
    assert all(every[key] == calls for key in after)
    events = tuple(run.events)
    for most, each in ((30 + 30 * 30, 30), (30 + 30 * 8, 8), (0, 1)):
        told = causes(events, spans(events), most)
        assert len(told.edges) == 30 + 30 * each
        assert told.left_out == 30 * (30 - each)
        assert {e.effect: e.cause for e in told.edges if e.likely and e.effect in after} == dict(
            zip(after, calls, strict=True)
        )


def test_causes_too_far_back_to_be_looked_at_are_counted() -> None:
    """Each local activity may be due to all before it, which makes very many for a few thousand."""
    run = Run()
    run.turn(1)
    marks = [marker(run, 20, 0) for _ in range(FAR + 20)]
    run.finish(20)
    told = causes(tuple(run.events), spans(tuple(run.events)), 0)
    assert len(told.edges) == len(marks) + 1
    assert len(told.edges) + told.left_out == sum(range(1, len(marks) + 2))


def test_every_effect_has_one_likely_cause_whatever_the_order_of_ids() -> None:
    """Histories that mix runs or repeat ids give what they can."""
    run, _, _ = two_at_once()
    run.schedule("after", 8)
    run.events.extend(run.events[2:9])
    likely(run)
    assert json.dumps([edge.model_dump(mode="json") for edge in found(run)])
