"""The join contract from row 13 on, and policies: giving up, undoing, limits, nesting."""

import asyncio
import sys
import tracemalloc
from datetime import UTC, datetime
from types import FrameType

import pytest

from tests.patterns.joining import (
    BOUND,
    QUERY,
    Work,
    broken,
    counted,
    refused,
    seconds,
    states,
    statuses,
    timed,
)
from tests.patterns.virtual import DAY, Deadlock, Trail, elapsed, run
from workflows.calls import COMPANY, ask, open_door
from workflows.errors import BraidError, DeadlinePassed, Misuse, ScopeClosed
from workflows.patterns import failure
from workflows.patterns.join import Branch, join
from workflows.patterns.outcome import Joined
from workflows.patterns.saga import current_saga
from workflows.patterns.until import (
    Until,
    all_settled,
    all_succeed,
    at_least,
    first_settled,
    first_success,
    outcome,
)
from workflows.scope import current_scope

# ---- row 13: branches that will not end ----------------------------------------------------


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

    branch = Branch("b", sour, on_failure=failure.fallback(Branch("spare", trail.work("spare", 1))))
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
        around = current_saga()
        assert around is not None
        async with around.inside("own") as saga:
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
        around = current_saga()
        assert around is not None
        async with around.inside("own") as saga:
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
    spare = failure.fallback(Branch("spare", trail.work("spare", 1)))
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


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_row_21_an_inner_join_that_ends_at_the_same_moment_is_seen_in_the_same_look(
    depth: int, order: str
) -> None:
    async def nested(left: int) -> str:
        if left == 0:
            return await Trail().work("a", 1)()
        works: dict[str, Work] = {"x": lambda: nested(left - 1), "y": Trail().work("y", DAY)}
        return str((await join(works, until=first_success())).require("x"))

    works: dict[str, Work] = {"a": lambda: nested(depth), "b": Trail().work("b", 1)}
    joined, at = run(timed(join({n: works[n] for n in order}, until=outcome(lambda _: True))))
    assert (joined.by, list(joined.values), at) == (order[0], list(order), 1)


def test_row_21_an_inner_join_that_is_still_cleaning_up_does_not_hold_the_outer_one() -> None:
    async def tidy() -> None:
        try:
            await asyncio.sleep(DAY)
        finally:
            await asyncio.sleep(5)

    async def inner() -> Joined:
        return await join({"x": Trail().work("x", 1), "y": tidy}, until=first_success())

    works: dict[str, Work] = {"i": inner, "a": Trail().work("a", 1)}
    joined = run(join(works, until=first_success()))
    assert (statuses(joined), joined["a"].ended) == (
        "i:cancelled a:succeeded",
        datetime.fromtimestamp(1, UTC),
    )


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


def held(count: int) -> int:
    """Count the bytes a join of so many branches holds at most."""
    branches = {str(n): Trail().work("x", 1 + n / 7) for n in range(count)}
    tracemalloc.start()
    try:
        run(join(branches, limit=50))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_row_24_the_memory_of_a_join_grows_linearly() -> None:
    held(10)
    few, many = held(125), held(1000)
    assert many < 10 * few, f"8 times the branches hold {many / few:.1f} times the bytes"


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
    spare = failure.fallback(Branch("spare", trail.work("spare", 9)))
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
    policies = {"a": failure.skip(), "b": failure.default(0), "c": failure.tolerate()}
    bad = Trail().work("x", 1, error=broken())
    branches = [Branch(name, bad, on_failure=p) for name, p in policies.items()]
    assert run(join(branches, until=all_settled().tolerate(count=1))).reason == "complete"


def test_a_fallback_answers_in_the_place_of_its_branch() -> None:
    trail, first = Trail(), broken("first")
    spare = failure.fallback(Branch("spare", trail.work("spare", 2)))
    joined = run(join([Branch("a", trail.work("a", 1, error=first), on_failure=spare)]))
    found = joined["a"]
    assert (found.status, found.value, found.via, found.error) == (
        "succeeded",
        "SPARE",
        "spare",
        first,
    )


def test_a_fallback_that_fails_falls_to_the_default_policy_of_the_join() -> None:
    spare = failure.fallback(Branch("spare", Trail().work("spare", 1, error=broken("second"))))
    branch = Branch("a", Trail().work("a", 1, error=broken("first")), on_failure=spare)
    error, _ = run(refused(join([branch])))
    assert "second" in error.message
    joined = run(join([branch], until=all_settled()))
    assert (statuses(joined), joined["a"].via) == ("a:failed", "")


def test_a_join_that_ends_cancels_a_fallback_under_way() -> None:
    trail = Trail()
    spare = failure.fallback(Branch("spare", trail.work("spare", 9)))
    branch = Branch("a", trail.work("a", 1, error=broken()), on_failure=spare)
    joined = run(join([branch, Branch("b", trail.work("b", 3))], until=first_success()))
    assert (statuses(joined), trail.log[-1]) == ("a:cancelled b:succeeded", (3, "spare cancelled"))


def test_a_branch_that_cancels_itself_has_failed_and_its_policy_applies() -> None:
    async def stopped() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)

    spare = failure.fallback(Branch("spare", Trail().work("spare", 1)))
    joined = run(join([Branch("a", stopped, on_failure=spare), Branch("b", Trail().work("b", 2))]))
    assert (statuses(joined), joined["a"].via) == ("a:succeeded b:succeeded", "spare")


def test_a_combination_with_all_succeed_fails_as_all_succeed_does() -> None:
    """Else a join of which a branch failed would end complete."""
    works = {"a": Trail().work("a", 1, error=broken()), "b": Trail().work("b", 2)}
    until = all_succeed() | outcome(lambda o: o.name == "b")
    error, at = run(refused(join(works, until=until)))
    assert (states(error), at) == ({"a": "failed", "b": "cancelled"}, 1)
    works["a"] = Trail().work("a", 3)
    assert run(join(works, until=until)).reason == "outcome"
    assert run(join(works, until=until.tolerate(count=1))).reason == "outcome"


def test_other_combinations_tolerate_failures_by_default() -> None:
    works = {"a": Trail().work("a", 1, error=broken()), "b": Trail().work("b", 2)}
    joined = run(join(works, until=all_settled() | outcome(lambda o: o.name == "b")))
    assert (joined.reason, statuses(joined)) == ("complete", "a:failed b:succeeded")


def test_what_is_skipped_does_not_count_as_settled_first() -> None:
    """As if it had not been asked; under all_settled it is waited for all the same."""
    bad = Branch("a", Trail().work("a", 1, error=broken()), on_failure=failure.skip())
    joined, at = run(timed(join([bad, Branch("b", Trail().work("b", 2))], until=first_settled())))
    assert (joined.reason, statuses(joined), at) == ("enough", "a:skipped b:succeeded", 2)
    assert run(join([bad], until=first_settled())).reason == "impossible"
    assert run(join([bad], until=all_settled())).reason == "complete"


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
