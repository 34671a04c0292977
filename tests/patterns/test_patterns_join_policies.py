"""The join contract on virtual time: what a failure means. Rows 17, 18, 26 and 28."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from tests.patterns.joining import (
    Work,
    asking,
    broken,
    flaky,
    refused,
    said,
    seconds,
    states,
    statuses,
    timed,
)
from tests.patterns.virtual import DAY, Trail, elapsed, run
from workflows.data.common import Decision, Record, Verdict
from workflows.errors import CoverageTooLow, DeadlinePassed, Misuse, ScopeClosed
from workflows.patterns import failure
from workflows.patterns.branch import Branch
from workflows.patterns.desk import Desk
from workflows.patterns.failure import Known
from workflows.patterns.gate import GateResult
from workflows.patterns.join import join
from workflows.patterns.outcome import Covered, Joined
from workflows.patterns.until import all_settled, all_succeed, at_least, first_success

WRONG: Any = 3


def ago(days: float) -> datetime:
    """Give a time before the loop started."""
    return datetime.fromtimestamp(-days * DAY, UTC)


# ---- row 17: earlier results ---------------------------------------------------------------


@pytest.mark.parametrize("by_timeout", [False, True])
def test_row_17_an_earlier_result_stands_in_and_is_marked_stale(by_timeout: bool) -> None:
    earlier = failure.last_known(seconds(3 * DAY), Known("old", ago(2)))
    work = Trail().work("a", DAY if by_timeout else 2, error=broken())
    joined, at = run(timed(join([Branch("a", work, earlier, seconds(2))])))
    found = joined["a"]
    assert (found.status, found.stale, found.value, at) == ("stale", True, "old", 2)
    assert found.age == seconds(2 * DAY + 2)
    assert isinstance(found.error, DeadlinePassed) is by_timeout
    assert (joined.reason, joined.values, joined.failed) == ("complete", {"a": "old"}, ())


@pytest.mark.parametrize(("days", "fits"), [(2, True), (2.01, False)])
def test_row_17_older_than_max_age_counts_as_failed(days: float, fits: bool) -> None:
    earlier = failure.last_known(seconds(2 * DAY), Known("old", ago(days)))
    work = Trail().work("a", 0, error=broken())
    joined = run(join([Branch("a", work, earlier)], until=all_settled()))
    assert statuses(joined) == ("a:stale" if fits else "a:failed")
    assert joined["a"].age == (seconds(2 * DAY) if fits else None)


def test_row_17_nothing_held_fails_under_the_default_of_the_join() -> None:
    branch = Branch("a", Trail().work("a", 1, error=broken()), failure.last_known(seconds(9), None))
    error, _ = run(refused(join([branch])))
    assert "no luck" in error.message
    assert statuses(run(join([branch], until=all_settled()))) == "a:failed"


@pytest.mark.parametrize("found", [Known("old", ago(1)), None, broken("archive is down")])
def test_row_17_what_finds_the_earlier_result_may_take_its_time_or_fail(found: Any) -> None:
    async def look() -> Known | None:
        await asyncio.sleep(5)
        if isinstance(found, Exception):
            raise found
        held: Known | None = found
        return held

    branch = Branch(
        "a", Trail().work("a", 1, error=broken()), failure.last_known(seconds(9 * DAY), look)
    )
    joined, at = run(timed(join([branch, Branch("b", Trail().work("b", 2))], until=all_settled())))
    assert (statuses(joined), at) == (
        f"a:{'stale' if found == Known('old', ago(1)) else 'failed'} b:succeeded",
        6,
    )
    assert joined.require("b") == "B"


def test_row_17_a_stale_value_counts_as_success() -> None:
    earlier = failure.last_known(seconds(9 * DAY), Known("old", ago(1)))
    stale = Branch("a", Trail().work("a", 1, error=broken()), earlier)
    joined, at = run(timed(join([stale, Branch("b", Trail().work("b", 9))], until=at_least(1))))
    assert (joined.reason, statuses(joined), at) == ("enough", "a:stale b:cancelled", 1)


# ---- row 18: asking people -----------------------------------------------------------------


class Grade(Record):
    """What a person supplies."""

    grade: int


ANSWERS: dict[str, tuple[Verdict, Any]] = {
    "a": (Verdict.RETRY, None),
    "b": (Verdict.SKIP, None),
    "c": (Verdict.SUPPLY, {"grade": 7}),
}


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_row_18_each_answer_reaches_its_own_branch_in_any_order(order: tuple[str, ...]) -> None:
    async def case() -> Joined:
        desk, trail = Desk(), Trail()
        branches = [
            Branch(
                n, flaky(trail, n, 1), failure.ask(asking(f"task {n}", supplies=Grade), desk.open)
            )
            for n in "abc"
        ]
        people = [
            asyncio.ensure_future(said(desk, 5 * i + 5, f"task {n}", *ANSWERS[n]))
            for i, n in enumerate(order)
        ]
        joined = await join([*branches, Branch("d", trail.work("d", 1))], until=all_settled())
        await asyncio.gather(*people)
        assert desk.names() == ()
        return joined

    joined = run(case())
    assert statuses(joined) == "a:succeeded b:skipped c:succeeded d:succeeded"
    assert joined.values == {"a": "A", "c": Grade(grade=7), "d": "D"}
    assert [o.attempts for o in joined.branches.values()] == [2, 1, 1, 1]
    assert [o.via for o in joined.branches.values()] == ["", "", "task c", ""]


def test_row_18_a_person_is_told_why_and_asked_again_when_it_fails_again() -> None:
    async def case() -> Joined:
        desk = Desk()
        asked = failure.ask(asking("task"), desk.open)
        joined = asyncio.ensure_future(join([Branch("a", flaky(Trail(), "a", 2), asked)]))
        for at in (5, 10):
            await said(desk, at - elapsed(), "task", Verdict.RETRY)
        assert [d.proposal for d in desk.views()] == []
        return await joined

    found = run(case())["a"]
    assert (found.value, found.attempts) == ("A", 3)


def test_row_18_the_reason_of_the_failure_is_shown() -> None:
    async def case() -> list[str]:
        desk = Desk()
        asked = Branch(
            "a", Trail().work("a", 1, error=broken()), failure.ask(asking("task"), desk.open)
        )
        joined = asyncio.ensure_future(join([asked], until=all_settled()))
        await asyncio.sleep(2)
        shown = [view.proposal for view in desk.views()]
        await said(desk, 0, "task", Verdict.SKIP)
        await joined
        return shown

    assert run(case()) == ["Broken: no luck"]


@pytest.mark.parametrize("strict", [True, False])
def test_row_18_a_gate_whose_deadline_passed_leaves_the_branch_failed(strict: bool) -> None:
    asked = failure.ask(asking("task", hours=1), Desk().open)
    branch = Branch("a", Trail().work("a", 1, error=broken()), asked)
    if strict:
        error, at = run(refused(join([branch])))
        assert (error.message, at) == ("branch 'a' failed: Broken: no luck", 3601)
    else:
        joined, at = run(timed(join([branch], until=all_settled())))
        assert (statuses(joined), at) == ("a:failed", 3601)


def test_row_18_a_join_that_ends_withdraws_its_questions() -> None:
    async def case() -> tuple[str, tuple[str, ...]]:
        desk = Desk()
        asked = Branch(
            "a", Trail().work("a", 1, error=broken()), failure.ask(asking("task"), desk.open)
        )
        joined = await join([asked, Branch("b", Trail().work("b", 3))], until=at_least(1))
        assert elapsed() == 3
        return statuses(joined), desk.names()

    assert run(case()) == ("a:cancelled b:succeeded", ())


def test_row_18_an_answer_that_comes_after_the_end_changes_nothing() -> None:
    async def deaf(_spec: object) -> GateResult:
        try:
            await asyncio.sleep(DAY)
        except asyncio.CancelledError:
            await asyncio.sleep(3)
        return GateResult((Decision(verdict=Verdict.SKIP, by="ann", gate="task"),))

    branch = Branch("a", Trail().work("a", 1, error=broken()), failure.ask(asking("task"), deaf))
    joined, at = run(timed(join([branch, Branch("b", Trail().work("b", 2))], until=at_least(1))))
    assert (statuses(joined), at) == ("a:cancelled b:succeeded", 5)


def test_row_18_two_branches_may_not_ask_at_one_gate() -> None:
    asked = failure.ask(asking("task"), Desk().open)
    branches = [
        Branch("a", Trail().work("a", 1), asked),
        Branch("b", Trail().work("b", 1), failure.retry(1, seconds(1), then=failure.hold(asked))),
    ]
    with pytest.raises(Misuse, match=r"ask at one gate: task; name a gate for each"):
        run(join(branches))


def test_row_18_while_one_is_asked_others_use_its_slot_unless_it_holds_them() -> None:
    for holds, b_starts in ((False, 1), (True, 6)):
        trail = Trail()

        async def case(holds: bool = holds, trail: Trail = trail) -> None:
            desk = Desk()
            asked = failure.ask(asking("task"), desk.open)
            branch = Branch("a", flaky(trail, "a", 1), failure.hold(asked) if holds else asked)
            person = asyncio.ensure_future(said(desk, 5, "task", Verdict.RETRY))
            await join([branch, Branch("b", trail.work("b", 1))], limit=1)
            await person

        run(case())
        assert (b_starts, "b starts") in trail.log
        assert trail.most == 1


# ---- row 26: repeating a branch ------------------------------------------------------------


def test_row_26_a_branch_is_repeated_while_its_siblings_go_on() -> None:
    trail = Trail()
    again = failure.retry(3, seconds(2))
    branches = [Branch("a", flaky(trail, "a", 2), again), Branch("b", trail.work("b", 4))]
    joined, at = run(timed(join(branches)))
    assert (statuses(joined), joined["a"].attempts, joined["b"].attempts) == (
        "a:succeeded b:succeeded",
        3,
        1,
    )
    assert [t for t, what in trail.log if what == "a starts"] == [0, 3, 8]
    assert at == 9
    assert joined["a"].started == datetime.fromtimestamp(0, UTC)


def test_row_26_after_the_last_repeat_the_next_policy_applies() -> None:
    works = dict.fromkeys("abc", 9)
    then = {
        "a": None,
        "b": failure.default(0),
        "c": failure.fallback(Branch("s", Trail().work("s", 1))),
    }
    branches = [
        Branch(n, flaky(Trail(), n, works[n]), failure.retry(2, seconds(0), then[n])) for n in works
    ]
    joined = run(join(branches, until=all_settled()))
    assert statuses(joined) == "a:failed b:defaulted c:succeeded"
    assert [o.attempts for o in joined.branches.values()] == [3, 3, 4]
    assert joined["c"].via == "s"
    error, _ = run(refused(join(branches[:1])))
    assert error.details[0]["a"] == {"status": "failed", "attempts": 3, "why": "Broken: no luck"}


def test_row_26_a_timeout_is_repeated_too_and_bounds_each_attempt() -> None:
    trail = Trail()
    branch = Branch("a", trail.work("a", 5), failure.retry(1, seconds(1)), seconds(3))
    joined, at = run(timed(join([branch], until=all_settled())))
    assert (joined["a"].status, joined["a"].attempts, at) == ("failed", 2, 7)
    assert trail.log == [(0, "a starts"), (3, "a cancelled"), (4, "a starts"), (7, "a cancelled")]


@pytest.mark.parametrize("kind", [Misuse, ScopeClosed])
def test_row_26_what_another_attempt_cannot_mend_is_not_repeated(kind: type[Misuse]) -> None:
    trail = Trail()
    work = trail.work("a", 1, error=kind("wrong"))
    joined = run(join([Branch("a", work, failure.retry(5, seconds(1)))], until=all_settled()))
    assert (joined["a"].status, joined["a"].attempts) == ("failed", 1)


def test_row_26_a_join_that_ends_stops_repeating() -> None:
    trail = Trail()
    again = failure.retry(9, seconds(1))
    for b in (3.5, 4.5):  # in the middle of an attempt, and of a pause
        branches = [Branch("a", flaky(trail, "a", 99), again), Branch("b", trail.work("b", b))]
        joined, at = run(timed(join(branches, until=first_success())))
        assert (statuses(joined), at) == ("a:cancelled b:succeeded", b)
        assert joined["a"].attempts == 2


@pytest.mark.parametrize(("holds", "b_starts"), [(False, 1), (True, 4)])
def test_row_26_other_branches_wait_only_for_one_that_holds_them(
    holds: bool, b_starts: float
) -> None:
    trail = Trail()
    again = failure.retry(1, seconds(2))
    branch = Branch("a", flaky(trail, "a", 1), failure.hold(again) if holds else again)
    run(join([branch, Branch("b", trail.work("b", 5))], limit=1))
    assert (b_starts, "b starts") in trail.log
    assert trail.most == 1


def test_row_26_repeats_come_before_branches_not_yet_begun() -> None:
    trail = Trail()
    branches = [Branch("a", flaky(trail, "a", 1), failure.retry(1, seconds(0)))]
    branches += [Branch(n, trail.work(n, 1)) for n in "bc"]
    run(join(branches, limit=1))
    starts = [what for what in trail.words if "starts" in what]
    assert starts == ["a starts", "a starts", "b starts", "c starts"]


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: failure.retry(0, seconds(1)), "repeats nothing"),
        (lambda: failure.retry(1, seconds(-1)), "must not be negative"),
        (lambda: failure.hold(failure.default(1)), "goes round retry"),
        (lambda: failure.last_known(seconds(0), None), "positive age"),
        (lambda: Known(1, datetime(2026, 1, 1)), "time zone"),  # noqa: DTZ001 - that is the point
        (lambda: Covered(1, 1.5), "from 0 to 1"),
        (lambda: Covered(1, confidence=-0.1), "from 0 to 1"),
        (lambda: Branch("a", Trail().work("a", 1), min_coverage=2), "min_coverage goes from 0"),
        (lambda: Branch(" ", Trail().work("a", 1)), "needs a name"),
        (lambda: Branch("a", WRONG), "give a function"),
        (lambda: Branch("a", Trail().work("a", 1), WRONG), "write a policy, as tolerate"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_when_built(build: Any, says: str) -> None:
    with pytest.raises(Misuse, match=says):
        build()


def test_a_gate_that_asks_something_else_is_refused_when_built() -> None:
    spec = replace(asking("task"), verdicts=(Verdict.APPROVE, Verdict.RETRY))
    with pytest.raises(Misuse, match="offers approve"):
        failure.ask(spec, Desk().open)


def test_row_26_nothing_is_left_behind_of_attempts_pauses_and_clocks() -> None:
    """An earlier attempt that still tidies up is awaited, though a later one succeeded."""
    trail, first = Trail(), [True]

    async def slow_once() -> str:
        if first.pop() if first else False:
            try:
                await asyncio.sleep(DAY)
            finally:
                await trail.work("tidying", 4)()
        return "second"

    async def case() -> Joined:
        branches: list[Branch[Any]] = [
            Branch("a", slow_once, failure.retry(1, seconds(1)), timeout=seconds(2)),
            Branch("b", flaky(trail, "b", 9), failure.retry(9, seconds(DAY))),
        ]
        joined = await join(branches, until=first_success(), deadline=seconds(9 * DAY))
        assert len(asyncio.all_tasks()) == 1
        assert elapsed() == 6
        return joined

    joined = run(case())
    assert (statuses(joined), joined.values) == ("a:succeeded b:cancelled", {"a": "second"})


# ---- row 28: coverage ----------------------------------------------------------------------


def covering(coverage: float, confidence: float | None = None) -> Work:
    async def do() -> Covered[str]:
        return Covered("part", coverage, confidence)

    return do


def test_row_28_too_little_coverage_counts_as_failed() -> None:
    branches = [
        Branch("a", covering(0.6, 0.9), min_coverage=0.5),
        Branch("b", covering(0.4, 0.1), min_coverage=0.5),
        Branch("c", covering(1, 0.8)),
        Branch("d", covering(0.99)),
        Branch("e", covering(0.99), min_coverage=0.5),
    ]
    joined = run(join(branches, until=all_settled()))
    assert statuses(joined) == "a:partial b:failed c:succeeded d:failed e:partial"
    assert joined.values == {"a": "part", "c": "part", "e": "part"}
    assert (joined.coverage, joined.confidence) == (0.6, 0.8)
    assert (joined["b"].coverage, joined["b"].confidence) == (0.4, 0.1)
    assert isinstance(joined["b"].error, CoverageTooLow)
    assert "'b' covers 0.4, but must 0.5" in joined["b"].error.message


def test_row_28_a_partial_branch_counts_and_its_minimum_is_enough() -> None:
    joined = run(join([Branch("a", covering(0.5), min_coverage=0.5)], until=at_least(1)))
    assert (joined.reason, statuses(joined)) == ("enough", "a:partial")


def test_row_28_its_policy_applies_and_what_stands_in_has_no_such_gap() -> None:
    branch = Branch("a", covering(0.1, 0.2), failure.default("all"), min_coverage=0.5)
    joined = run(join([branch]))
    assert (statuses(joined), joined.coverage, joined.confidence) == ("a:defaulted", 1.0, None)
    error, _ = run(refused(join([Branch("a", covering(0.1), min_coverage=0.5)])))
    assert states(error) == {"a": "failed"}


def test_row_28_a_join_of_nothing_or_of_plain_values_is_covered() -> None:
    assert run(join({})).coverage == 1.0
    joined = run(join({"a": Trail().work("a", 1)}, until=all_succeed()))
    assert (joined.coverage, joined.confidence) == (1.0, None)


# ---- policies inside policies --------------------------------------------------------------


def test_policies_follow_one_another_down_to_the_last() -> None:
    earlier = failure.last_known(seconds(9 * DAY), Known("old", ago(1)))
    spare = Branch("spare", flaky(Trail(), "spare", 9), failure.retry(1, seconds(1), then=earlier))
    main = Branch(
        "a", flaky(Trail(), "a", 9), failure.retry(1, seconds(1), failure.fallback(spare))
    )
    joined, at = run(timed(join([main])))
    found = joined["a"]
    assert (found.name, found.status, found.value, found.via) == ("a", "stale", "old", "spare")
    assert (found.attempts, at) == (4, 6)


def test_of_fallbacks_behind_one_another_the_one_that_answered_is_named() -> None:
    bad = Trail().work("bad", 1, error=broken())
    two = Branch("two", Trail().work("two", 1))
    one = Branch("one", bad, failure.fallback(two))
    found = run(join([Branch("a", bad, failure.fallback(one))]))["a"]
    assert (found.value, found.via, found.attempts) == ("TWO", "two", 3)


def test_a_branch_whose_policy_itself_breaks_has_failed() -> None:
    async def shut(_spec: object) -> Any:
        raise broken("no desk")

    branch = Branch("a", Trail().work("a", 1, error=broken()), failure.ask(asking("task"), shut))
    joined = run(join([branch], until=all_settled()))
    assert (statuses(joined), str(joined["a"].error)) == ("a:failed", "Broken: no desk")
