"""The join contract, rows 13 to 15, and policies: giving up, cancelling, undoing."""

import asyncio

import pytest

from tests.patterns.joining import (
    BOUND,
    QUERY,
    Work,
    broken,
    counted,
    greedy,
    refused,
    seconds,
    states,
    statuses,
    timed,
)
from tests.patterns.virtual import DAY, Deadlock, Trail, elapsed, run
from workflows.calls import COMPANY, ask, open_door
from workflows.errors import BraidError
from workflows.patterns import failure
from workflows.patterns.join import Branch, join
from workflows.patterns.outcome import Joined
from workflows.patterns.saga import current_saga
from workflows.patterns.until import (
    all_settled,
    all_succeed,
    at_least,
    first_settled,
    first_success,
    outcome,
)

# ---- row 13: branches that will not end ----------------------------------------------------


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
