"""The log tells everything once, in true order, to the millisecond."""

import itertools

import pytest

from insight.report import report
from insight.shown.log import branches, log
from tests.insight.builder import Run, failure, model_answer


def agents(order: tuple[int, ...]) -> Run:
    """Three agents sent 5 ms apart that finish in the given order, 1 ms apart."""
    run = Run()
    keys = {}
    for number in (1, 2, 3):
        keys[number] = run.schedule("ask_model", number * 5, branch=f"agent-{number}")
    starts = {n: run.start(keys[n], n * 5 + 2) for n in (1, 2, 3)}
    assert len(starts) == 3
    for place, number in enumerate(order):
        run.complete(keys[number], 100 + place, model_answer("0.01"))
    run.finish(110)
    return run


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_agents_are_told_in_the_order_they_began_and_ended(order: tuple[int, ...]) -> None:
    lines = log(report(agents(order).events))
    begun = [line.written()[:36] for line in lines if line.what == "scheduled"]
    assert begun == [
        "2026-03-02 09:00:00.005  agent-1    ",
        "2026-03-02 09:00:00.010  agent-2    ",
        "2026-03-02 09:00:00.015  agent-3    ",
    ]
    ended = [line.branch for line in lines if line.what == "completed" and line.branch]
    assert ended == [f"agent-{number}" for number in order]


def test_lines_of_one_moment_stand_in_the_order_of_their_events() -> None:
    run = Run()
    first = run.schedule("a", 0)
    run.start(first, 0)
    run.complete(first, 0)
    run.schedule("b", 0)
    run.signal("c", 0)
    run.finish(0)
    told = [(line.name, line.what) for line in log(report(run.events))]
    assert told == [
        ("DueDiligence", "started"),
        *(("a", what) for what in ("scheduled", "started", "completed")),
        ("b", "scheduled"),
        ("c", "message came in"),
        ("DueDiligence", "completed"),
    ]


def test_attempts_failures_and_their_causes_are_told() -> None:
    run = Run()
    key = run.schedule("filings", 0, branch="credit")
    run.start(key, 3_000, attempt=3, after="closed")
    run.fail(key, 4_000, failure("gone", "Rejected"))
    run.finish(5_000)
    _, _, began, ended, _ = log(report(run.events))
    assert began.written().endswith("started: attempt 3, after SourceDown: closed, 3.0 s lost")
    assert ended.written().endswith("failed: attempt 3, Rejected: gone")


def test_a_branch_is_told_with_the_branches_in_it() -> None:
    run = Run()
    for branch in ("a", "a/b", "ab", ""):
        run.call("x", 0, 1, branch=branch)
    known = report(run.events)
    assert {line.branch for line in log(known, "a")} == {"a", "a/b"}
    assert branches(known) == ("a", "a/b", "ab")


def test_what_the_end_of_a_run_left_open_has_no_end_of_its_own() -> None:
    run = Run()
    run.schedule("filings", 0)
    run.finish(10)
    assert [line.what for line in log(report(run.events))] == ["started", "scheduled", "completed"]
