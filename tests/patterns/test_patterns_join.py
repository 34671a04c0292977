"""The join contract, rows 1 to 12, on virtual time. The name of a test names its row."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from tests.patterns.joining import Work, broken, refused, seconds, states, statuses, timed
from tests.patterns.virtual import DAY, Trail, run
from workflows.errors import Misuse
from workflows.patterns import failure
from workflows.patterns.join import Branch, join
from workflows.patterns.outcome import Outcome
from workflows.patterns.until import (
    Until,
    all_settled,
    all_succeed,
    at_least,
    first_settled,
    first_success,
    outcome,
)

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
    with pytest.raises(Misuse, match=r"no time at all: timeout=.*; use a positive timedelta"):
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
    assert states(error) == {"a": "failed", "b": "cancelled"}
    stood_in = Branch(
        "a", deserted, on_failure=failure.fallback(Branch("spare", Trail().work("s", 1)))
    )
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
    assert states(error) == {"a": "succeeded", "b": "cancelled"}
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
    assert states(error) == {"early": "succeeded", "bad": "failed", "slow": "cancelled"}
    assert error.values == {"early": "EARLY"}
    assert (error.type, error.non_retryable) == ("JoinFailed", True)


def test_row_10_an_explicit_fail_raises_under_any_until() -> None:
    strict = Branch("a", Trail().work("a", 1, error=broken()), on_failure=failure.fail())
    error, at = run(refused(join([strict, Branch("b", Trail().work("b", 9))], until=at_least(1))))
    assert (states(error), at) == ({"a": "failed", "b": "cancelled"}, 1)


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
