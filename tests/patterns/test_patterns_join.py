"""The join contract, row by row, on virtual time. The name of a test names its row."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from tests.patterns.virtual import DAY, Deadlock, Trail, elapsed, run
from workflows.calls import COMPANY, ask, current_scope, open_door
from workflows.data.common import Record
from workflows.data.sources import CompanyAnswer, CompanyQuery, Identifier, Liveness, SourceState
from workflows.errors import BraidError, DeadlinePassed, JoinFailed, Misuse, ScopeClosed
from workflows.patterns import failure
from workflows.patterns.join import CLEAN_UP, Branch, join
from workflows.patterns.outcome import Joined, Outcome
from workflows.patterns.saga import Saga
from workflows.patterns.until import (
    Until,
    all_settled,
    all_succeed,
    at_least,
    first_settled,
    first_success,
    outcome,
)

Work = Callable[[], Awaitable[Any]]
BOUND = CLEAN_UP.total_seconds()


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def broken(why: str = "no luck") -> ApplicationError:
    return ApplicationError(why, type="Broken")


async def timed(work: Awaitable[Joined]) -> tuple[Joined, float]:
    """Give the result and the virtual time at which it came."""
    return await work, elapsed()


async def refused(work: Awaitable[Joined]) -> tuple[JoinFailed, float]:
    with pytest.raises(JoinFailed) as caught:
        await work
    return caught.value, elapsed()


def statuses(joined: Joined) -> str:
    return " ".join(f"{o.name}:{o.status}" for o in joined.branches.values())


# ---- rows 1 and 2: enough, impossible ------------------------------------------------------


def test_row_01_enough_successes_end_the_join_at_once_and_the_rest_is_awaited() -> None:
    trail = Trail()
    branches = {n: trail.work(n, t) for n, t in (("a", 2), ("b", 5 * DAY), ("c", 1))}
    joined, at = run(timed(join(branches, until=at_least(2))))
    assert (joined.reason, at) == ("enough", 2)
    assert statuses(joined) == "a:succeeded b:cancelled c:succeeded"
    assert joined.values == {"a": "A", "c": "C"}
    assert trail.log[-1] == (2, "b cancelled")


def test_row_01_branches_that_wait_for_a_slot_are_never_started() -> None:
    trail = Trail()
    branches = {n: trail.work(n, 1) for n in "abc"}
    joined = run(join(branches, until=first_success(), limit=1))
    assert statuses(joined) == "a:succeeded b:not_started c:not_started"
    assert trail.words == ["a starts", "a done"]
    assert joined["b"].started is None


def test_row_01_slow_clean_up_of_a_loser_is_awaited() -> None:
    async def tidy() -> None:
        try:
            await asyncio.sleep(DAY)
        finally:
            await asyncio.sleep(4)

    joined, at = run(timed(join({"a": Trail().work("a", 1), "b": tidy}, until=first_success())))
    assert (statuses(joined), at) == ("a:succeeded b:cancelled", 5)


def test_row_01_the_work_of_a_loser_with_a_timeout_is_awaited_too() -> None:
    trail = Trail()

    async def tidy() -> None:
        try:
            await asyncio.sleep(DAY)
        finally:
            await asyncio.sleep(4)
            trail.note("tidied")

    slow = Branch("b", tidy, timeout=seconds(DAY))
    joined = run(join([Branch[Any]("a", trail.work("a", 1)), slow], until=first_success()))
    assert joined["b"].status == "cancelled"
    assert trail.log[-1] == (5, "tidied")


def test_row_01_first_settled_counts_a_failure() -> None:
    trail = Trail()
    branches = {"a": trail.work("a", 9), "b": trail.work("b", 1, error=broken())}
    joined, at = run(timed(join(branches, until=first_settled())))
    assert (joined.reason, statuses(joined), at) == ("enough", "a:cancelled b:failed", 1)


def test_row_02_impossible_ends_the_join_at_that_moment() -> None:
    trail = Trail()
    branches = {n: trail.work(n, t, error=broken()) for n, t in (("a", 1), ("b", 3))}
    joined, at = run(timed(join({**branches, "c": trail.work("c", 90)}, until=at_least(2))))
    assert (joined.reason, at) == ("impossible", 3)
    assert statuses(joined) == "a:failed b:failed c:cancelled"


def test_row_02_skipped_branches_make_it_impossible_too() -> None:
    bad = Trail().work("a", 1, error=broken())
    skipping = Branch("a", bad, on_failure=failure.skip())
    branches: list[Branch[str]] = [skipping, Branch("b", Trail().work("b", 9))]
    joined, at = run(timed(join(branches, until=at_least(2))))
    assert (joined.reason, at) == ("impossible", 1)


def test_row_02_a_condition_that_can_still_hold_keeps_the_join_going() -> None:
    branches = {"a": Trail().work("a", 1, error=broken()), "b": Trail().work("b", 5)}
    until = at_least(2) | outcome(lambda o: o.name == "b")
    joined, at = run(timed(join(branches, until=until)))
    assert (joined.reason, joined.by, at) == ("outcome", "b", 5)


# ---- row 3: built wrongly ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "says"),
    [
        (at_least(3), "3 outcomes are wanted of 2 branches"),
        (at_least(0), "waits for nothing"),
        (all_settled() | at_least(3), "3 outcomes are wanted"),
        (all_settled().tolerate(count=3), "more than the 2 branches"),
    ],
    ids=["more than there are", "none", "in a combination", "tolerate"],
)
def test_row_03_a_join_that_cannot_end_as_asked_is_refused(until: Until, says: str) -> None:
    trail = Trail()
    with pytest.raises(Misuse, match=says):
        run(join({n: trail.work(n, 1) for n in "ab"}, until=until))
    assert trail.log == []


def test_row_03_a_name_used_twice_is_refused() -> None:
    trail = Trail()
    with pytest.raises(Misuse, match=r"twice: a; rename"):
        run(join([Branch(n, trail.work(n, 1)) for n in "aba"]))
    assert trail.log == []


def test_row_03_a_limit_or_timeout_of_nothing_is_refused() -> None:
    with pytest.raises(Misuse, match="limit=0"):
        run(join({"a": Trail().work("a", 1)}, limit=0))
    with pytest.raises(Misuse, match="positive timeout"):
        run(join([Branch("a", Trail().work("a", 1), timeout=seconds(0))]))


@pytest.mark.parametrize(
    ("count", "share"), [(None, None), (1, 0.5), (-1, None), (None, -0.1), (None, 1.1)]
)
def test_row_03_a_tolerance_without_sense_is_refused(
    count: int | None, share: float | None
) -> None:
    with pytest.raises(Misuse, match="tolerate"):
        all_settled().tolerate(count=count, share=share)


# ---- rows 4 to 6: tolerance, one look, one winner ------------------------------------------


@pytest.mark.parametrize("until", [all_settled(), all_succeed().tolerate(count=2)])
def test_row_04_within_tolerance_nothing_is_missing_from_the_result(until: Until) -> None:
    trail = Trail()
    wrong = {n: broken(n) for n in "bd"}
    branches = {n: trail.work(n, 5 - i, error=wrong.get(n)) for i, n in enumerate("abcde")}
    joined = run(join(branches, until=until))
    assert joined.reason == "complete"
    assert statuses(joined) == "a:succeeded b:failed c:succeeded d:failed e:succeeded"
    assert [o.error for o in joined.failed] == [wrong["b"], wrong["d"]]
    assert joined.values == {"a": "A", "c": "C", "e": "E"}


def test_row_04_a_branch_whose_own_future_was_cancelled_is_a_failure() -> None:
    async def deserted() -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    error, _ = run(refused(join({"a": deserted, "b": Trail().work("b", 5)})))
    assert error.details == ({"a": "failed", "b": "cancelled"},)
    stood_in = Branch("a", deserted, on_failure=failure.fallback("spare", Trail().work("s", 1)))
    assert run(join([stood_in])).values == {"a": "S"}


def test_row_04_beyond_tolerance_the_join_returns_and_says_so() -> None:
    trail = Trail()
    branches = {n: trail.work(n, i + 1, error=broken()) for i, n in enumerate("ab")}
    until = all_settled().tolerate(count=1)
    joined, at = run(timed(join({**branches, "c": trail.work("c", 9)}, until=until)))
    assert (joined.reason, at) == ("too_many_failures", 2)
    assert statuses(joined) == "a:failed b:failed c:cancelled"


def test_row_04_the_last_branch_may_be_the_one_too_many() -> None:
    branches = {"a": Trail().work("a", 1), "b": Trail().work("b", 2, error=broken())}
    joined = run(join(branches, until=all_succeed().tolerate(count=0)))
    assert joined.reason == "too_many_failures"


@pytest.mark.parametrize(("failing", "reason"), [(29, "complete"), (30, "too_many_failures")])
def test_row_04_a_share_is_met_exactly(failing: int, reason: str) -> None:
    branches = {str(n): Trail().work("x", 1, error=broken()) for n in range(failing)}
    branches |= {str(n): Trail().work("x", 1) for n in range(failing, 100)}
    assert run(join(branches, until=all_settled().tolerate(share=0.29))).reason == reason


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_row_05_success_and_too_many_failures_at_one_instant_is_success(order: str) -> None:
    works = {"a": Trail().work("a", 3, error=broken()), "b": Trail().work("b", 3)}
    until = first_success().tolerate(count=0)
    joined = run(join([Branch(n, works[n]) for n in order], until=until))
    assert (joined.reason, joined.values) == ("enough", {"b": "B"})
    assert len(joined.failed) == 1


def test_row_05_an_outcome_beats_the_bound_when_the_last_branch_brings_both() -> None:
    branches = {"a": Trail().work("a", 1, error=broken())}
    until = all_settled().tolerate(count=0) | outcome(lambda o: o.status == "failed")
    assert run(join(branches, until=until)).reason == "outcome"


def test_row_05_completion_at_the_deadline_is_completion() -> None:
    branches = {n: Trail().work(n, 5) for n in "ab"}
    joined = run(join(branches, deadline=seconds(5)))
    assert (joined.reason, joined.values) == ("complete", {"a": "A", "b": "B"})


def test_row_05_work_that_ends_at_its_timeout_has_succeeded() -> None:
    branch = Branch("a", Trail().work("a", 5), timeout=seconds(5))
    assert run(join([branch])).values == {"a": "A"}


def test_row_05_a_look_sees_what_settled_with_and_without_timeout() -> None:
    branches = [
        Branch("a", Trail().work("a", 2), timeout=seconds(9)),
        Branch("b", Trail().work("b", 2)),
        Branch("c", Trail().work("c", 9), timeout=seconds(2)),
    ]
    joined = run(join(branches, until=first_success()))
    assert statuses(joined) == "a:succeeded b:succeeded c:failed"


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_row_06_branches_that_settle_at_one_instant_keep_declaration_order(order: str) -> None:
    joined = run(join({n: Trail().work(n, 3) for n in order}, until=first_success()))
    assert list(joined.values) == list(order)


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_row_06_of_two_failures_at_one_instant_the_first_declared_is_named(order: str) -> None:
    async def deep(n: str) -> None:
        await asyncio.sleep(1)
        for _ in range(0 if n == "a" else 5):
            await asyncio.sleep(0)
        raise broken(n)

    works: dict[str, Work] = {"a": lambda: deep("a"), "b": lambda: deep("b")}
    error, _ = run(refused(join([Branch(n, works[n]) for n in order])))
    assert error.message == f"branch {order[0]!r} failed: Broken: {order[0]}"


# ---- rows 7 and 8: predicates --------------------------------------------------------------


def test_row_07_an_outcome_ends_the_join_and_the_branch_is_named() -> None:
    trail = Trail()
    branches = {n: trail.work(n, t) for n, t in (("yes", 1), ("no", 2), ("slow", 9))}
    joined, at = run(timed(join(branches, until=outcome(lambda o: o.value == "NO"))))
    assert (joined.reason, joined.by, at) == ("outcome", "no", 2)
    assert statuses(joined) == "yes:succeeded no:succeeded slow:cancelled"


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_row_07_of_two_at_one_instant_the_first_declared_is_named(order: str) -> None:
    async def wait(name: str) -> str:
        await asyncio.sleep(1)
        for _ in range(0 if name == "a" else 5):
            await asyncio.sleep(0)
        return name

    works: dict[str, Work] = {"a": lambda: wait("a"), "b": lambda: wait("b")}
    joined = run(join({n: works[n] for n in order}, until=outcome(lambda _: True)))
    assert (joined.by, list(joined.values)) == (order[0], list(order))


def test_row_07_an_outcome_that_never_comes_is_impossible() -> None:
    joined = run(join({n: Trail().work(n, 1) for n in "ab"}, until=outcome(lambda _: False)))
    assert (joined.reason, joined.by) == ("impossible", "")


def test_row_07_a_predicate_sees_each_outcome_once() -> None:
    seen: list[str] = []

    def look(o: Outcome[Any]) -> bool:
        seen.append(o.name)
        return False

    run(join({n: Trail().work(n, t) for n, t in (("a", 2), ("b", 1))}, until=outcome(look)))
    assert seen == ["b", "a"]


def test_row_08_a_raising_predicate_fails_the_join_and_names_the_branch() -> None:
    trail = Trail()

    def wrong(o: Outcome[Any]) -> bool:
        value: Any = o.value
        return bool(value.risk > 3)

    branches = {"a": trail.work("a", 1), "b": trail.work("b", 9)}
    error, at = run(refused(join(branches, until=outcome(wrong))))
    assert isinstance(error, ApplicationError)
    assert error.non_retryable
    assert "branch 'a'" in error.message
    assert isinstance(error.__cause__, AttributeError)
    assert error.details == ({"a": "succeeded", "b": "cancelled"},)
    assert (trail.words[-1], at) == ("b cancelled", 1)


# ---- rows 9 to 12: failures, pipelines, deadlines ------------------------------------------


def test_row_09_under_all_settled_siblings_of_a_failure_keep_running() -> None:
    trail = Trail()
    branches = {"a": trail.work("a", 1, error=broken()), "b": trail.work("b", 5 * DAY)}
    joined, at = run(timed(join(branches, until=all_settled())))
    assert (joined.reason, statuses(joined)) == ("complete", "a:failed b:succeeded")
    assert at == 5 * DAY


def test_row_10_by_default_a_failure_cancels_and_awaits_the_siblings() -> None:
    trail = Trail()

    async def tidy() -> None:
        try:
            await asyncio.sleep(DAY)
        finally:
            await asyncio.sleep(2)
            trail.note("tidied")

    branches: dict[str, Work] = {
        "early": trail.work("early", 1),
        "bad": trail.work("bad", 3, error=broken()),
        "slow": tidy,
    }
    error, at = run(refused(join(branches)))
    assert (error.message, at) == ("branch 'bad' failed: Broken: no luck", 5)
    assert trail.words[-1] == "tidied"
    assert error.details == ({"early": "succeeded", "bad": "failed", "slow": "cancelled"},)
    assert error.values == {"early": "EARLY"}
    assert (error.type, error.non_retryable) == ("JoinFailed", True)


def test_row_10_an_explicit_fail_raises_under_any_until() -> None:
    strict = Branch("a", Trail().work("a", 1, error=broken()), on_failure=failure.fail())
    error, at = run(refused(join([strict, Branch("b", Trail().work("b", 9))], until=at_least(1))))
    assert (error.details, at) == (({"a": "failed", "b": "cancelled"},), 1)


def test_row_11_dependents_start_when_their_own_inputs_are_ready() -> None:
    trail = Trail()

    async def pipeline(name: str, first: float) -> str:
        await trail.work(f"{name}1", first)()
        return await trail.work(f"{name}2", 1)()

    def pipe(name: str, first: float) -> Work:
        return lambda: pipeline(name, first)

    joined, at = run(timed(join({"fast": pipe("fast", 1), "slow": pipe("slow", 100)})))
    assert (1, "fast2 starts") in trail.log
    assert (joined.values, at) == ({"fast": "FAST2", "slow": "SLOW2"}, 101)


def test_row_12_at_the_deadline_what_arrived_is_kept() -> None:
    trail = Trail()

    async def tidy() -> None:
        try:
            await asyncio.sleep(9 * DAY)
        finally:
            await asyncio.sleep(3)

    branches: dict[str, Work] = {"a": trail.work("a", DAY), "b": tidy, "c": trail.work("c", 0)}
    joined, at = run(timed(join(branches, deadline=timedelta(days=5))))
    assert (joined.reason, at) == ("deadline", 5 * DAY + 3)
    assert statuses(joined) == "a:succeeded b:cancelled c:succeeded"


@pytest.mark.parametrize("late", [0, -1])
def test_row_12_a_deadline_that_has_passed_starts_nothing(late: int) -> None:
    trail = Trail()
    joined = run(join({"a": trail.work("a", 1)}, deadline=seconds(late)))
    assert (joined.reason, statuses(joined), trail.log) == ("deadline", "a:not_started", [])


def test_row_12_outcomes_say_when_they_started_and_ended() -> None:
    branches = {"a": Trail().work("a", 2), "b": Trail().work("b", 9), "c": Trail().work("c", 1)}
    joined = run(join(branches, deadline=seconds(4), limit=2))
    times = [(o.started, o.ended) for o in joined.branches.values()]
    at = [datetime.fromtimestamp(s, UTC) for s in range(5)]
    assert times == [(at[0], at[2]), (at[0], at[4]), (at[2], at[3])]


# ---- row 13: branches that will not end ----------------------------------------------------


QUERY = CompanyQuery(identifier=Identifier(scheme="GB-COH", value="00041424"))


def counted(calls: list[float]) -> Callable[[Any, Record], Awaitable[Record]]:
    async def door(_call: Any, _request: Record) -> Record:
        calls.append(elapsed())
        return CompanyAnswer(
            source="company_register",
            state=SourceState.NONE,
            liveness=Liveness.SIMULATED,
            retrieved_at=datetime(2026, 1, 1, tzinfo=UTC),
        )

    return door


async def greedy(trail: Trail) -> None:
    """Heed no cancellation and go on asking every four seconds, for a while."""
    await trail.stubborn("greedy", 4)()
    for _ in range(10):
        try:
            await ask(COMPANY, QUERY)
        except ScopeClosed:
            trail.note("closed")
        await trail.stubborn("greedy", 4)()


def test_row_13_a_branch_that_will_not_end_is_abandoned_and_buys_nothing_more() -> None:
    trail, bought = Trail(), list[float]()

    async def case() -> Joined:
        with open_door(counted(bought)):
            works: dict[str, Work] = {"a": trail.work("a", 1), "b": lambda: greedy(trail)}
            joined, at = await timed(join(works, until=first_success()))
            assert at == 1 + BOUND
            await asyncio.sleep(60)
        return joined

    assert statuses(run(case(), collect=True)) == "a:succeeded b:abandoned"
    assert bought == [4, 8]
    assert [at for at, what in trail.log if what == "closed"] == [12 + 4 * n for n in range(8)]


def test_row_13_work_that_outlives_its_timeout_is_parted_with_and_closed() -> None:
    trail, bought = Trail(), list[float]()

    async def case() -> Joined:
        with open_door(counted(bought)):
            slow = Branch("b", lambda: greedy(trail), timeout=seconds(1))
            joined = await join([slow, Branch("a", trail.work("a", 30))], until=all_settled())
            assert elapsed() == 30
            await asyncio.sleep(60)
        return joined

    assert statuses(run(case())) == "b:failed a:succeeded"
    assert bought == [4, 8]


def test_row_13_an_abandoned_branch_that_fails_later_disturbs_nobody() -> None:
    async def late() -> None:
        await Trail().stubborn("late", 60)()
        raise broken("too late")

    async def case() -> Joined:
        joined = await join({"a": Trail().work("a", 1), "late": late}, until=first_success())
        await asyncio.sleep(100)
        return joined

    assert run(case(), collect=True)["late"].status == "abandoned"


def test_row_13_a_failure_during_clean_up_starts_no_fallback() -> None:
    trail = Trail()

    async def sour() -> None:
        try:
            await asyncio.sleep(9)
        finally:
            raise broken("while cleaning up")

    branch = Branch("b", sour, on_failure=failure.fallback("spare", trail.work("spare", 1)))
    joined = run(join([Branch("a", trail.work("a", 1)), branch], until=first_success()))
    assert joined["b"].status == "cancelled"
    assert trail.words == ["a starts", "a done"]


def test_row_13_a_result_that_comes_during_clean_up_changes_nothing() -> None:
    branches = {"a": Trail().work("a", 1), "b": Trail().stubborn("b", 5)}
    joined = run(join(branches, until=first_success()))
    assert (statuses(joined), joined.values) == ("a:succeeded b:cancelled", {"a": "A"})


# ---- cancellation (row 14 itself needs the server) -----------------------------------------


def test_cancelling_the_join_awaits_its_branches_and_a_second_cancel_changes_nothing() -> None:
    trail = Trail()

    async def effect() -> None:
        async with Saga() as saga:
            await saga.step("open", trail.work("open", 1), trail.work("close", 5))
            await asyncio.sleep(DAY)

    async def case() -> float:
        task = asyncio.ensure_future(join({"a": effect, "b": trail.work("b", DAY)}))
        for pause in (3, 2, 2):
            await asyncio.sleep(pause)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return elapsed()

    assert run(case(), collect=True) == 8
    assert trail.log[-1] == (8, "close done")
    assert (3, "b cancelled") in trail.log


# ---- row 15: losers' effects ---------------------------------------------------------------


@pytest.mark.parametrize("by_timeout", [False, True])
def test_row_15_a_losers_effects_are_undone_through_its_own_calls(by_timeout: bool) -> None:
    trail, bought = Trail(), list[float]()

    async def undo() -> None:
        await asyncio.sleep(2)
        await ask(COMPANY, QUERY)
        trail.note("undone")

    async def effect() -> None:
        async with Saga() as saga:
            await saga.step("open", trail.work("open", 1), undo)
            await asyncio.sleep(DAY)

    async def case() -> Joined:
        loser = Branch("loser", effect, timeout=seconds(3) if by_timeout else None)
        with open_door(counted(bought)):
            return await join([Branch("a", trail.work("a", 3)), loser], until=first_success())

    joined = run(case())
    assert joined["loser"].status == ("failed" if by_timeout else "cancelled")
    assert trail.log[-1] == (5, "undone")
    assert bought == [5]


# ---- rows 19 to 21: limits, nothing, nesting -----------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
def test_row_19_never_more_than_the_limit_and_results_in_declaration_order(limit: int) -> None:
    trail = Trail()
    branches = {f"b{n}": trail.work(f"b{n}", (n * 7) % 5) for n in range(20)}
    joined = run(join(branches, limit=limit))
    assert trail.most == min(limit, 20)
    assert list(joined.values) == list(branches)


def test_row_19_what_ignores_its_timeout_keeps_its_slot_until_it_is_abandoned() -> None:
    trail = Trail()
    hung = Branch("hung", trail.stubborn("hung", 60), timeout=seconds(1))
    run(join([hung, Branch("next", trail.work("next", 1))], until=all_settled(), limit=1))
    assert (1 + BOUND, "next starts") in trail.log


def test_row_19_a_fallback_after_a_timeout_waits_for_a_slot_before_new_branches() -> None:
    trail = Trail()
    spare = failure.fallback("spare", trail.work("spare", 1))
    hung = Branch("hung", trail.work("hung", 60), on_failure=spare, timeout=seconds(1))
    joined = run(join([hung, Branch("next", trail.work("next", 1))], limit=1))
    assert (joined["hung"].via, joined["hung"].value) == ("spare", "SPARE")
    assert trail.words[-4:] == ["spare starts", "spare done", "next starts", "next done"]
    assert trail.most == 1


@pytest.mark.parametrize(
    "until", [None, all_succeed(), all_settled(), all_settled().tolerate(share=0.5)]
)
def test_row_20_nothing_to_do_is_complete_at_once(until: Until | None) -> None:
    joined, at = run(timed(join({}, until=until, deadline=seconds(5))))
    assert (joined.reason, dict(joined.branches), joined.values, at) == ("complete", {}, {}, 0)


@pytest.mark.parametrize("until", [at_least(1), first_success(), first_settled()])
def test_row_20_something_of_nothing_is_refused(until: Until) -> None:
    with pytest.raises(Misuse, match="0 branches"):
        run(join({}, until=until))


def test_row_21_inner_reasons_are_visible() -> None:
    trail = Trail()

    async def inner() -> Joined:
        return await join({n: trail.work(n, DAY) for n in "xy"}, deadline=seconds(3))

    joined = run(join({"inner": inner, "a": trail.work("a", 9)}))
    within = joined.require("inner")
    assert (within.reason, statuses(within)) == ("deadline", "x:cancelled y:cancelled")


def test_row_21_an_outer_end_reaches_and_awaits_inner_branches() -> None:
    trail = Trail()
    scopes: list[str] = []

    async def tidy() -> None:
        scopes.append(current_scope().name)
        try:
            await asyncio.sleep(DAY)
        finally:
            await asyncio.sleep(2)
            trail.note("tidied")

    async def inner() -> Joined:
        return await join({"x": tidy, "y": trail.work("y", DAY)})

    joined, at = run(timed(join({"i": inner, "a": trail.work("a", 1)}, until=at_least(1))))
    assert (statuses(joined), at, scopes) == ("i:cancelled a:succeeded", 3, ["i/x"])
    assert trail.words[-2:] == ["y cancelled", "tidied"]


def test_row_21_abandoning_an_outer_branch_closes_the_inner_scopes() -> None:
    trail, bought = Trail(), list[float]()

    async def inner() -> Joined:
        return await join({"x": lambda: greedy(trail)})

    async def case() -> None:
        with open_door(counted(bought)):
            await join({"i": inner, "a": trail.work("a", 1)}, until=first_success())
            await asyncio.sleep(60)

    run(case(), collect=True)
    assert bought == [4, 8]


# ---- rows 24 and 25: many branches, hanging branches ---------------------------------------


def effort(count: int) -> int:
    """Count the function calls of a join of so many branches, each settling at its own time."""
    calls = 0

    def count_calls(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    branches = {str(n): Trail().work("x", 1 + n / 7) for n in range(count)}
    sys.setprofile(count_calls)
    try:
        joined = run(join(branches, until=at_least(count) | outcome(lambda _: False), limit=50))
    finally:
        sys.setprofile(None)
    assert list(joined.values) == list(branches)
    return calls


def test_row_24_the_effort_of_a_join_grows_linearly() -> None:
    effort(10)
    few, many = effort(125), effort(1000)
    assert many < 10 * few, f"8 times the branches cost {many / few:.1f} times the calls"


def test_row_24_a_thousand_branches_under_a_limit() -> None:
    trail = Trail()
    branches = {str(n): trail.work("x", 1) for n in range(1000)}
    joined, at = run(timed(join(branches, limit=100)))
    assert (joined.reason, len(joined.values), trail.most, at) == ("complete", 1000, 100, 10)


@pytest.mark.parametrize(
    ("policy", "status", "value"),
    [
        (failure.tolerate(), "failed", None),
        (failure.skip(), "skipped", None),
        (failure.default(7), "defaulted", 7),
    ],
    ids=["tolerate", "skip", "default"],
)
def test_row_25_a_branch_that_hangs_falls_to_its_policy_and_siblings_go_on(
    policy: failure.Policy, status: str, value: object
) -> None:
    trail = Trail()
    hung = Branch("hung", trail.work("hung", DAY), on_failure=policy, timeout=seconds(2))
    joined, at = run(timed(join([hung, Branch("a", trail.work("a", 5))])))
    assert (joined["hung"].status, joined["hung"].value) == (status, value)
    assert isinstance(joined["hung"].error, DeadlinePassed)
    assert (joined["a"].value, at) == ("A", 5)
    assert (2, "hung cancelled") in trail.log


def test_row_25_a_branch_that_hangs_under_fail_fails_the_join() -> None:
    hung = Branch("hung", Trail().work("hung", DAY), timeout=seconds(2))
    error, at = run(refused(join([hung, Branch("a", Trail().work("a", 5))])))
    assert (error.message, at) == (
        "branch 'hung' failed: DeadlinePassed: branch 'hung' took longer than 0:00:02",
        2,
    )


def test_row_25_the_timeout_does_not_bound_the_fallback() -> None:
    trail = Trail()
    spare = failure.fallback("spare", trail.work("spare", 9))
    for work in (trail.work("bad", 2, error=broken()), trail.work("hung", DAY)):
        joined, at = run(timed(join([Branch("x", work, on_failure=spare, timeout=seconds(2))])))
        assert (joined["x"].value, joined["x"].via, at) == ("SPARE", "spare", 11)
        assert joined["x"].started == datetime.fromtimestamp(0, UTC)
    assert trail.words.count("spare starts") == 2


# ---- policies ------------------------------------------------------------------------------


def test_a_defaulted_branch_counts_as_success_and_a_skipped_one_does_not() -> None:
    bad = Trail().work("x", 1, error=broken())
    one = Branch("a", bad, on_failure=failure.default("stand-in"))
    joined = run(join([one, Branch("b", Trail().work("b", 9))], until=first_success()))
    assert (joined.reason, joined.values) == ("enough", {"a": "stand-in"})
    skipping = Branch("a", bad, on_failure=failure.skip())
    joined = run(join([skipping, Branch("b", Trail().work("b", 9))], until=first_success()))
    assert (statuses(joined), joined.failed) == ("a:skipped b:succeeded", ())
    with pytest.raises(BraidError, match="'a' ended skipped"):
        joined.require("a")
    assert joined.require("b") == "B"


def test_skipped_and_defaulted_branches_use_up_no_tolerance() -> None:
    policies = [failure.skip(), failure.default(0), failure.tolerate()]
    bad = Trail().work("x", 1, error=broken())
    branches = [Branch(p.kind, bad, on_failure=p) for p in policies]
    assert run(join(branches, until=all_settled().tolerate(count=1))).reason == "complete"


def test_a_fallback_answers_in_the_place_of_its_branch() -> None:
    trail, first = Trail(), broken("first")
    spare = failure.fallback("spare", trail.work("spare", 2))
    joined = run(join([Branch("a", trail.work("a", 1, error=first), on_failure=spare)]))
    found = joined["a"]
    assert (found.status, found.value, found.via, found.error) == (
        "succeeded",
        "SPARE",
        "spare",
        first,
    )


def test_a_fallback_that_fails_falls_to_the_default_policy_of_the_join() -> None:
    spare = failure.fallback("spare", Trail().work("spare", 1, error=broken("second")))
    branch = Branch("a", Trail().work("a", 1, error=broken("first")), on_failure=spare)
    error, _ = run(refused(join([branch])))
    assert "second" in error.message
    joined = run(join([branch], until=all_settled()))
    assert (statuses(joined), joined["a"].via) == ("a:failed", "")


def test_a_join_that_ends_cancels_a_fallback_under_way() -> None:
    trail = Trail()
    spare = failure.fallback("spare", trail.work("spare", 9))
    branch = Branch("a", trail.work("a", 1, error=broken()), on_failure=spare)
    joined = run(join([branch, Branch("b", trail.work("b", 3))], until=first_success()))
    assert (statuses(joined), trail.log[-1]) == ("a:cancelled b:succeeded", (3, "spare cancelled"))


def test_a_branch_stopped_from_outside_starts_no_fallback() -> None:
    trail = Trail()

    async def stopped() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)

    spare = failure.fallback("spare", trail.work("spare", 1))
    error, _ = run(refused(join([Branch("a", stopped, on_failure=spare)])))
    assert (error.details, trail.log) == (({"a": "failed"},), [])


def test_a_combination_tolerates_failures_by_default() -> None:
    branches = {"a": Trail().work("a", 1, error=broken()), "b": Trail().work("b", 2)}
    joined = run(join(branches, until=all_succeed() | outcome(lambda o: o.name == "b")))
    assert (joined.by, statuses(joined)) == ("", "a:failed b:succeeded")


def test_a_tolerated_failure_does_not_fail_all_succeed() -> None:
    bad = Branch("a", Trail().work("a", 1, error=broken()), on_failure=failure.tolerate())
    joined = run(join([bad, Branch("b", Trail().work("b", 2))]))
    assert (joined.reason, statuses(joined)) == ("complete", "a:failed b:succeeded")


def test_whichever_condition_holds_first_ends_the_join() -> None:
    until = at_least(2) | outcome(lambda o: o.status == "failed")
    for bad_at, reason in ((1, "outcome"), (9, "enough")):
        branches = {"a": Trail().work("a", 2), "b": Trail().work("b", 3)}
        bad = {"bad": Trail().work("bad", bad_at, error=broken())}
        assert run(join(branches | bad, until=until)).reason == reason


def test_the_virtual_loop_finds_a_deadlock() -> None:
    async def forever() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock):
        run(forever())
