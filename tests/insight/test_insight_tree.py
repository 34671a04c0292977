"""Runs that belong together are one report: a chain follows itself, a path leads into children."""

from datetime import timedelta
from decimal import Decimal

import pytest
from temporalio.api.enums.v1 import EventType as E

from cli.histories import explained
from insight.graph.flow import END, START, Wait
from insight.history.links import Place, links, trees
from insight.history.reader import Events, ordered
from insight.history.spans import RUN, SpanKind
from insight.report import Report
from tests.insight.builder import Run, at, model_answer, payload
from workflows.data.blueprints.decided import Decided


def turn(run: Run, ms: int) -> int:
    """Add a whole workflow task; give the id of its completion."""
    scheduled = run.add(E.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, ms)
    scheduled.workflow_task_scheduled_event_attributes.SetInParent()
    started = run.add(E.EVENT_TYPE_WORKFLOW_TASK_STARTED, ms)
    started.workflow_task_started_event_attributes.scheduled_event_id = scheduled.event_id
    done = run.add(E.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, ms)
    done.workflow_task_completed_event_attributes.scheduled_event_id = scheduled.event_id
    done.workflow_task_completed_event_attributes.started_event_id = started.event_id
    return done.event_id


def work(run: Run, name: str, task: int, begin: int, end: int, branch: str = "") -> None:
    key = run.schedule(name, begin, branch=branch)
    asked = run.events[-1].activity_task_scheduled_event_attributes
    asked.workflow_task_completed_event_id = task
    run.start(key, begin)
    run.complete(key, end)


def begins(run: Run, own: str, before: str = "") -> None:
    first = run.events[0].workflow_execution_started_event_attributes
    first.original_execution_run_id, first.continued_execution_run_id = own, before


def completes(run: Run, task: int, ms: int) -> None:
    run.finish(ms)
    last = run.events[-1].workflow_execution_completed_event_attributes
    last.workflow_task_completed_event_id = task


def shifted(run: Run, ms: int) -> Events:
    for event in run.events:
        event.event_time.FromDatetime(event.event_time.ToDatetime(at(0).tzinfo) + _ms(ms))
    return ordered(run.events)


def _ms(ms: int) -> timedelta:
    return timedelta(milliseconds=ms)


def child(own: str, case: str = "child", branch: str = "") -> Run:
    """A run of 100 ms whose one activity takes 80 of them."""
    run = Run("Small", case)
    begins(run, own)
    work(run, "inner", turn(run, 10), 10, 90, branch)
    completes(run, turn(run, 100), 100)
    return run


def starts(run: Run, task: int, own: str, begin: int, started: int, end: int, branch: str) -> None:
    """Start a child and see it through."""
    asked = run.add(E.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED, begin)
    wanted = asked.start_child_workflow_execution_initiated_event_attributes
    wanted.workflow_type.name, wanted.workflow_task_completed_event_id = "Small", task
    if branch:
        wanted.header.fields["braid-branch"].CopyFrom(payload(branch))
    begun = run.add(E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED, started)
    told = begun.child_workflow_execution_started_event_attributes
    told.initiated_event_id = asked.event_id
    told.workflow_execution.workflow_id, told.workflow_execution.run_id = "child", own
    turn(run, started)
    done = run.add(E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED, end)
    closed = done.child_workflow_execution_completed_event_attributes
    closed.initiated_event_id, closed.started_event_id = asked.event_id, begun.event_id


def parent(branch: str = "") -> Run:
    """A run of 200 ms that works, starts a child, waits for it, and works again."""
    run = Run("Large", "case-1")
    begins(run, "root")
    work(run, "first", turn(run, 0), 0, 20)
    starts(run, turn(run, 20), "kid", 20, 30, 130, branch)
    work(run, "last", turn(run, 130), 130, 190)
    completes(run, turn(run, 190), 200)
    return run


def named(known: Report) -> list[tuple[str, Wait, int]]:
    """Give the critical path: of whom, what, for how many milliseconds."""
    names = {span.id: span.name for span in known.spans} | {0: ""}
    return [
        (names[part.span], part.wait, round((part.end - part.start) / _ms(1)))
        for part in known.flow.path
    ]


def joined(*histories: Events) -> list[Report]:
    return list(explained(histories))


def test_the_critical_path_leads_into_a_child() -> None:
    whole = parent("checks")
    told = whole.events[-1].workflow_execution_completed_event_attributes.result.payloads
    told.append(payload({"decided": {"lost": 3}}))
    (known,) = joined(ordered(whole.events), shifted(child("kid"), 30))
    assert known.decided == Decided(lost=3), "what the run decided is told of the tree"
    run = Wait.RUN
    assert [part for part in named(known) if part[1] is run and part[0] != "Small"] == [
        ("first", run, 20),
        ("inner", run, 80),
        ("last", run, 60),
    ]
    lengths = sum((part.end - part.start for part in known.flow.path), timedelta())
    assert lengths == known.until - known.started == _ms(200)
    assert known.events == len(parent().events) + len(child("kid").events)
    steps = {step.span: step for step in known.flow.steps}
    inner = next(span for span in known.spans if span.name == "inner")
    assert inner.id > RUN
    assert (steps[inner.id].critical, steps[inner.id].slack) == (_ms(80), timedelta())
    assert known.machine == known.sequential == _ms(20 + 80 + 60)
    assert known.flow.lower_bound <= _ms(200)
    assert known.flow.peak == 1, "a child that is there counts by its own work"


def test_children_side_by_side_are_a_speed_up_also_where_their_runs_are_not_there() -> None:
    alone = parent()
    starts(alone, turn(alone, 20), "twin", 20, 30, 130, "")
    (known,) = joined(ordered(alone.events))
    assert known.machine == _ms(20 + 60)
    assert known.sequential == _ms(20 + 110 + 110 + 60)
    assert known.parallel == _ms(20 + 110 + 60)
    assert known.speedup == pytest.approx(300 / 190)


def test_a_child_lies_within_the_branch_of_its_span() -> None:
    kid = child("kid", branch="identity")
    (known,) = joined(ordered(parent("checks").events), shifted(kid, 30))
    assert {b.name for b in known.branches} == {"", "checks", "checks/identity"}
    (known,) = joined(ordered(parent().events), shifted(kid, 30))
    assert {b.name for b in known.branches} == {"", "Small/identity"}


def test_children_of_one_name_are_numbered() -> None:
    run = Run("Large", "case-1")
    begins(run, "root")
    task = turn(run, 0)
    starts(run, task, "a", 0, 0, 100, "")
    starts(run, task, "b", 0, 0, 100, "")
    completes(run, turn(run, 110), 110)
    (known,) = joined(ordered(run.events), *(ordered(child(own).events) for own in "ab"))
    inner = [span for span in known.spans if span.name == "inner"]
    assert [span.branch for span in inner] == ["Small-1", "Small-2"]
    assert [span.id // RUN for span in inner] == [1, 2]
    (one, two) = (span.id for span in known.spans if span.kind is SpanKind.CHILD)
    causes = {e.effect: e.cause for e in known.flow.edges}
    assert [causes[span.id] for span in inner] == [one, two]


def continued(run: Run, task: int, own: str, ms: int) -> None:
    last = run.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW, ms)
    told = last.workflow_execution_continued_as_new_event_attributes
    told.new_execution_run_id, told.workflow_task_completed_event_id = own, task


def chain() -> list[Events]:
    found = []
    for place, (own, after) in enumerate((("a", "b"), ("b", "c"), ("c", ""))):
        run = Run("Large", "case-1")
        begins(run, own, "ab"[place - 1] if place else "")
        work(run, f"work {own}", turn(run, 0), 0, 50)
        task = turn(run, 50)
        continued(run, task, after, 60) if after else completes(run, task, 60)
        found.append(shifted(run, place * 60))
    return found


def test_runs_of_a_chain_follow_one_another_in_whatever_order_they_came() -> None:
    one, two, three = chain()
    (known,) = joined(three, one, two)
    assert (known.case, known.status, known.until - known.started) == (
        "case-1",
        "completed",
        _ms(180),
    )
    ran = [part for part in named(known) if part[1] is Wait.RUN]
    assert ran == [(f"work {own}", Wait.RUN, 50) for own in "abc"]
    ids = [span.id for span in known.spans]
    assert [key // RUN for key in ids] == [0, 1, 2]
    likely = {(e.cause, e.effect) for e in known.flow.edges if e.likely}
    assert likely == {(START, ids[0]), (ids[0], ids[1]), (ids[1], ids[2]), (ids[2], END)}
    assert [task.id // RUN for task in known.tasks] == [0, 0, 1, 1, 2, 2]


def test_a_reply_a_later_run_reads_back_is_counted_once() -> None:
    found = []
    for place, (own, after) in enumerate((("a", "b"), ("b", ""))):
        run = Run()
        begins(run, own, "a" if place else "")
        key = run.schedule("ask_model", 0, inputs=[payload("is it sound?")])
        run.complete(key, 40, model_answer("0.10", reused=bool(place), tokens=(90, 10)))
        continued(run, 0, after, 50) if after else run.finish(50)
        found.append(shifted(run, place * 60))
    (known,) = joined(*found)
    assert (known.usd, known.input_tokens) == (Decimal("0.10"), 90)


def test_strangers_stay_apart_and_a_circle_ends() -> None:
    one, two, _ = chain()
    assert [k.events for k in joined(one, shifted(child("kid"), 0))] == [len(one), 11]
    ring = []
    for own, other in ("xy", "yx"):
        ring.append(Run())
        begins(ring[-1], own, other)
        continued(ring[-1], 0, other, 10)
    assert sum(known.events for known in joined(*(ordered(run.events) for run in ring))) == 4
    assert trees([links(two)]) == ((Place(0),),)
