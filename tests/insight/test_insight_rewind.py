"""Steps found by name, what they caused, and where a failed run is taken up again."""

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure

from insight.again.rewind import NoSuchStep, anew, caused, reset_point, step, to_blame
from insight.graph.flow import Certainty, Edge
from insight.history.book import spans
from insight.shown.words import title
from tests.insight.builder import Run, failure


def task(run: Run, ms: int) -> int:
    """A workflow task; returns the id of its completion."""
    run.add(EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, ms)
    begun = run.add(EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED, ms)
    done = run.add(EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, ms)
    done.workflow_task_completed_event_attributes.started_event_id = begun.event_id
    return done.event_id


def fail(run: Run, ms: int, why: Failure) -> None:
    event = run.add(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED, ms)
    event.workflow_execution_failed_event_attributes.failure.CopyFrom(why)
    last = max(e.event_id for e in run.events if e.WhichOneof("attributes") == DONE)
    event.workflow_execution_failed_event_attributes.workflow_task_completed_event_id = last


DONE = "workflow_task_completed_event_attributes"


def broken(*, named: bool) -> tuple[Run, int, int]:
    """A run in which `first` completes, `second` is tolerated, `third` ends it."""
    run = Run()
    task(run, 0)
    run.call("first", 1, 2, branch="a")
    task(run, 3)
    second = run.schedule("second", 4, branch="b")
    run.start(second, 4)
    run.fail(second, 5, failure("no", "Tolerated"))
    at = task(run, 6)
    third = run.schedule("first", 7, branch="b")
    run.start(third, 7)
    run.fail(third, 8, failure("gone", "SourceDown"))
    task(run, 9)
    why = Failure(message="the case failed")
    why.application_failure_info.type = "CaseFailed"
    if named:
        why.cause.message = "Activity task failed"
        why.cause.activity_failure_info.scheduled_event_id = third
    fail(run, 10, why)
    return run, third, at


@pytest.mark.parametrize("named", [True, False])
def test_the_failure_that_ended_a_run_is_found_also_where_the_code_wrapped_it(named: bool) -> None:
    run, third, at = broken(named=named)
    events = tuple(run.events)
    blamed = to_blame(events, spans(events))
    assert blamed is not None
    assert (blamed.id, reset_point(events, blamed)) == (third, at)


def test_a_run_that_failed_of_itself_or_not_at_all_blames_nobody() -> None:
    run = Run()
    task(run, 0)
    run.call("first", 1, 2)
    task(run, 3)
    assert to_blame(tuple(run.events), spans(tuple(run.events))) is None
    fail(run, 4, failure("a rule says no", "Refused"))
    assert to_blame(tuple(run.events), spans(tuple(run.events))) is None


def test_a_step_is_found_by_each_of_its_names_and_several_are_listed() -> None:
    run, third, _ = broken(named=True)
    found = spans(tuple(run.events))
    assert {step(found, name).id for name in (str(third), "b/first", "b: first")} == {third}
    assert title(step(found, "second")) == "b: second"
    with pytest.raises(NoSuchStep, match=rf"2 steps are called 'first'.*{third} \(b: first\)"):
        step(found, "first")
    with pytest.raises(NoSuchStep, match=r"no step 'fourth'.*a: first"):
        step(found, "fourth")
    with pytest.raises(NoSuchStep) as told:
        step(found, "b")
    assert "b: first" in str(told.value)
    assert "a: first" not in str(told.value), "a branch is named: its steps are listed"


def test_what_a_step_caused_follows_likely_edges_only() -> None:
    sure, may = Certainty.CERTAIN, Certainty.POSSIBLE
    edges = (
        Edge(cause=0, effect=1, event=1, certainty=sure),
        Edge(cause=1, effect=2, event=2, certainty=sure),
        Edge(cause=1, effect=3, event=2, certainty=may, likely=False),
        Edge(cause=2, effect=4, event=3, certainty=may),
        Edge(cause=4, effect=-1, event=4, certainty=sure),
    )
    assert caused(edges, 1) == {1, 2, 4, -1}
    assert caused((), 7) == {7}


def test_calls_asked_anew_are_numbered_in_their_branch() -> None:
    run = Run()
    ids = [run.call("ask", n, n + 1, branch=b) for n, b in enumerate(("a", "b", "a", "a"))]
    marks = anew(spans(tuple(run.events)), frozenset({ids[1], ids[3]}))
    assert [(m.branch, m.name, m.number) for m in marks] == [("b", "ask", 1), ("a", "ask", 3)]
