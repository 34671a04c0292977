"""The two clocks add up, and parallel is held against sequential fairly."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.api.enums.v1 import EventType as E

from insight.graph.clocks import gaps, merged, total
from insight.history.reader import NotAHistory
from insight.history.spans import Status
from insight.report import BranchLine, Report, report
from insight.shown.scale import scale
from tests.insight.builder import START, Run, at, failure, model_answer
from workflows.data.common import BranchState

MS = timedelta(milliseconds=1)
property_test = settings(print_blob=True, deadline=None, max_examples=150)
moments = st.integers(min_value=0, max_value=5_000)
pairs = st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair)))


def due_diligence() -> Run:
    run = Run()
    run.call("company_register", 100, 400, branch="identity")
    key = run.schedule("filings", 100, branch="credit")
    run.start(key, 700, attempt=2, after="busy")
    run.complete(key, 900)
    run.call("ask_model", 900, 1_900, model_answer("0.0125"), branch="credit")
    run.signal("decide", 5_000)
    run.call("account_service", 5_000, 5_200)
    run.finish(5_300)
    return run


def test_a_case_is_explained() -> None:
    explained = report(due_diligence().events)
    assert (explained.case, explained.process) == ("case-1", "DueDiligence")
    assert (explained.status, explained.started, explained.ended) == (
        Status.COMPLETED,
        START,
        at(5_300),
    )
    assert explained.machine == explained.parallel == 2_000 * MS
    assert explained.waiting == 3_300 * MS
    assert explained.sequential == 2_300 * MS
    assert explained.speedup == pytest.approx(1.15)
    assert explained.usd == Decimal("0.0125")
    assert explained.events == len(due_diligence().events)


def test_a_branch_has_its_own_clocks() -> None:
    identity, credit, case = report(due_diligence().events).branches
    assert credit == BranchLine(
        name="credit",
        started=at(100),
        ended=at(1_900),
        machine=1_800 * MS,
        waiting=timedelta(),
        calls=2,
        attempts=3,
        usd=Decimal("0.0125"),
        state=BranchState.SUCCEEDED,
    )
    assert (identity.name, identity.machine, identity.usd) == ("identity", 300 * MS, Decimal(0))
    assert (case.name, case.calls, case.waiting) == ("", 1, timedelta())


def test_a_running_case_is_explained_up_to_now() -> None:
    run = Run()
    run.call("filings", 0, 100, branch="credit")
    run.schedule("facts", 200, branch="credit")
    until_now = report(run.events, now=at(1_000))
    assert (until_now.status, until_now.ended, until_now.until) == (
        Status.RUNNING,
        None,
        at(1_000),
    )
    assert (until_now.machine, until_now.waiting) == (900 * MS, 100 * MS)
    assert until_now.branches[0].ended is None
    assert until_now.branches[0].state is BranchState.RUNNING
    assert report(run.events).until == at(200)
    assert report(run.events, now=at(50)).until == at(200)


def test_now_changes_nothing_once_the_case_has_ended() -> None:
    events = due_diligence().events
    assert report(events, now=at(99_999)) == report(events)


def test_a_branch_waiting_for_a_timer_is_waiting() -> None:
    run = Run()
    run.call("send_mail", 0, 10, branch="references")
    run.timer("1", 10, summary="references: deadline")
    (line,) = report(run.events, now=at(500)).branches
    assert (line.state, line.waiting, line.machine) == (BranchState.WAITING, 490 * MS, 10 * MS)


def test_a_fallback_that_worked_saves_its_branch() -> None:
    run = Run()
    key = run.schedule("sanctions_search", 0, branch="background")
    run.fail(key, 10, failure("down", "SourceDown"))
    assert report(run.events).branches[0].state is BranchState.FAILED
    run.call("sanctions_list_file", 10, 30, branch="background")
    assert report(run.events).branches[0].state is BranchState.SUCCEEDED


def test_a_branch_the_case_left_behind_is_cancelled() -> None:
    run = Run()
    run.call("filings", 0, 20, branch="credit")
    run.schedule("facts", 30, branch="credit")
    run.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED, 130)
    explained = report(run.events)
    assert explained.status is Status.CANCELLED
    assert explained.branches[0].state is BranchState.CANCELLED
    assert explained.machine == 120 * MS


def test_an_empty_history_is_refused() -> None:
    with pytest.raises(NotAHistory, match="no events"):
        report([])


def test_a_report_survives_its_json() -> None:
    explained = report(due_diligence().events)
    assert Report.model_validate(explained.model_dump(mode="json")) == explained


@property_test
@given(st.lists(pairs, max_size=12), moments)
def test_the_clocks_add_up(calls: list[tuple[int, int]], end: int) -> None:
    run = Run()
    for number, (begin, done) in enumerate(calls):
        run.call("filings", begin, done, branch=f"b{number % 3}")
    run.finish(end)
    explained = report(run.events)
    assert explained.machine + explained.waiting == end * MS
    slots = range(end)  # milliseconds counted one by one: the slow way to the same numbers
    assert explained.machine == MS * sum(any(a <= ms < b for a, b in calls) for ms in slots)
    assert explained.sequential == MS * sum(max(0, min(b, end) - min(a, end)) for a, b in calls)
    assert timedelta() <= explained.machine <= explained.sequential or not calls
    assert explained.speedup >= 1 - 1e-9
    assert explained.speedup <= max(1, len(calls)) + 1e-9
    for line in explained.branches:
        assert timedelta() <= line.waiting
        assert timedelta() <= line.machine <= explained.machine


def stretch(pair: tuple[int, int]) -> tuple[datetime, datetime]:
    return at(pair[0]), at(pair[1])


@property_test
@given(st.lists(pairs.map(stretch), max_size=8), pairs.map(stretch))
def test_busy_and_gaps_fill_the_whole(
    busy: list[tuple[datetime, datetime]], within: tuple[datetime, datetime]
) -> None:
    free = gaps(busy, within)
    inside = [(max(a, within[0]), min(b, within[1])) for a, b in merged(busy)]
    covered = [(a, b) for a, b in inside if a < b]
    assert total(free) + total(covered) == within[1] - within[0]
    assert merged([*free, *covered]) == ([within] if within[0] < within[1] else [])


@property_test
@given(
    st.lists(pairs.map(stretch), max_size=8),
    pairs.map(stretch),
    st.integers(min_value=1, max_value=120),
    st.lists(moments, min_size=2, max_size=2),
)
def test_the_scale_keeps_order_and_stays_in_the_row(
    busy: list[tuple[datetime, datetime]],
    within: tuple[datetime, datetime],
    cells: int,
    two: list[int],
) -> None:
    inside = [s for s in busy if within[0] <= s[0] and s[1] <= within[1]]
    drawn = scale(inside, within, cells)
    early, late = (drawn.at(at(ms)) for ms in sorted(two))
    assert -1e-9 <= early <= late + 1e-9
    assert late <= cells + 1e-9
    assert 0 <= drawn.cell(at(two[0])) < cells
    assert all(end - start > total(merged(inside)) for start, end in drawn.cuts)
    assert drawn.at(within[0]) == 0


@pytest.mark.parametrize(("wait", "cut"), [(100, False), (101, True)])
def test_only_a_wait_longer_than_all_work_is_cut(wait: int, cut: bool) -> None:
    within = at(0), at(100 + wait)
    drawn = scale([(at(0), at(60)), (at(60 + wait), at(100 + wait))], within, 40)
    assert drawn.cuts == (((at(60), at(60 + wait)),) if cut else ())
    assert drawn.at(at(60 + wait)) - drawn.at(at(60)) == (3 if cut else 20)


def test_the_fullest_window_is_told_by_branch_and_for_the_case() -> None:
    run = Run()
    for branch, tokens in (("a", (100, 100)), ("a", (700, 100)), ("b", (300, 100))):
        answer = model_answer("0.01", tokens=tokens, window=1_000)
        run.call("ask_model", 0, 10, answer, branch=branch)
    run.call("company_register", 0, 10, branch="c")
    known = report(run.events)
    told = {b.name: (b.input_tokens, b.output_tokens, b.window_share) for b in known.branches}
    assert told == {"a": (800, 200, 0.8), "b": (300, 100, 0.4), "c": (0, 0, None)}
    assert (known.input_tokens, known.output_tokens, known.window_share) == (1_100, 300, 0.8)
    assert report(run.events).model_dump(mode="json")["branches"][0]["window_share"] == 0.8
