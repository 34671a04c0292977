"""The join contract on virtual time: whose effects are undone. Rows 15 and 27, and cancellation."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.patterns.joining import (
    BOUND,
    QUERY,
    Work,
    asking,
    broken,
    counted,
    effect,
    flaky,
    said,
    seconds,
    states,
    statuses,
)
from tests.patterns.virtual import DAY, Trail, elapsed, run
from workflows.calls import COMPANY, ask, open_door
from workflows.data.common import Verdict
from workflows.errors import JoinFailed
from workflows.patterns import failure
from workflows.patterns.branch import Branch
from workflows.patterns.desk import Desk
from workflows.patterns.failure import Known, Policy
from workflows.patterns.join import join
from workflows.patterns.outcome import Covered, Joined
from workflows.patterns.saga import Saga, current_saga
from workflows.patterns.until import all_settled, at_least, first_success

KINDS = ["none", "ambient"]
"""Whether there is a saga round the join."""


def around(kind: str, case: Callable[[], Coroutine[Any, Any, Joined]]) -> tuple[Joined, list[str]]:
    """Run a join; give it and what a saga round it still has registered."""

    async def inside() -> tuple[Joined, list[str]]:
        if kind == "none":
            return await case(), []
        async with Saga() as saga:
            return await case(), list(saga.registered)

    return run(inside(), collect=True)


def undone(trail: Trail) -> list[str]:
    return [
        what.removesuffix(" done")
        for what in trail.words
        if what.startswith("undo") and what.endswith("done")
    ]


# ---- row 15: losers ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_row_15_what_a_loser_registered_is_undone_and_the_winner_keeps_its_own(kind: str) -> None:
    trail = Trail()
    works = {
        "win": effect(trail, "win", trail.work("a", 2)),
        "lose": effect(trail, "lose", trail.work("b", DAY), "one", "two"),
    }
    joined, left = around(kind, lambda: join(works, until=first_success()))
    assert statuses(joined) == "win:succeeded lose:cancelled"
    assert undone(trail) == ["undo two", "undo one"]
    assert [u.step for u in joined.undone] == ["lose/two", "lose/one"]
    assert left == (["win/win"] if kind == "ambient" else [])


@pytest.mark.parametrize("kind", KINDS)
def test_row_15_a_branch_that_ignores_cancellation_is_undone_all_the_same(kind: str) -> None:
    trail = Trail()
    works = {
        "a": trail.work("a", 1),
        "b": effect(trail, "open", trail.stubborn("b", 60)),
    }
    joined, left = around(kind, lambda: join(works, until=first_success()))
    assert statuses(joined) == "a:succeeded b:abandoned"
    assert (undone(trail), left) == (["undo open"], [])
    assert (1 + BOUND, "undo open starts") in trail.log


@pytest.mark.parametrize("kind", KINDS)
def test_row_15_a_branch_whose_time_is_over_is_undone_before_the_join_returns(kind: str) -> None:
    trail = Trail()
    slow = Branch(
        "b", effect(trail, "open", trail.work("b", DAY)), failure.default(0), timeout=seconds(2)
    )
    joined, left = around(kind, lambda: join([slow, Branch("a", trail.work("a", 2))]))
    assert statuses(joined) == "b:defaulted a:succeeded"
    assert (undone(trail), left) == (["undo open"], [])
    assert [u.step for u in joined.undone] == ["b/open"]


def test_row_15_undoing_begins_when_work_whose_time_is_over_has_tidied_up() -> None:
    trail = Trail()

    async def tidy() -> None:
        try:
            await asyncio.sleep(DAY)
        finally:
            await trail.work("tidying", 4)()

    slow = Branch("b", effect(trail, "open", tidy), failure.skip(), timeout=seconds(2))
    run(join([slow, Branch("a", trail.work("a", 9))]))
    assert (6, "undo open starts") in trail.log


@pytest.mark.parametrize("doomed", [False, True])
def test_row_15_undoing_goes_on_although_the_branch_around_it_is_abandoned(doomed: bool) -> None:
    """Three undos of four seconds outlast the clean-up time of the outer join."""
    bought: list[float] = []

    async def take_back() -> None:
        await asyncio.sleep(4)
        await ask(COMPANY, QUERY)

    async def loser() -> None:
        saga = current_saga()
        assert saga is not None
        for step in ("one", "two", "three"):
            await saga.step(step, Trail().work(step, 0), take_back)
        await asyncio.sleep(0 if doomed else DAY)

    async def inner() -> Joined:
        policy = failure.finish_then_undo() if doomed else failure.tolerate()
        bad = Branch("bad", Trail().work("bad", 1, error=broken()), policy)
        slow = Branch("slow", Trail().work("slow", DAY))
        return await join([Branch[Any]("x", loser), bad, slow])

    async def case() -> Joined:
        works: dict[str, Work] = {"i": inner, "a": Trail().work("a", 2)}
        with open_door(counted(bought)):
            return await join(works, until=first_success())

    joined = run(case(), collect=True)
    assert (statuses(joined), bought) == ("i:abandoned a:succeeded", [6, 10, 14])
    assert [u.error for u in joined.undone] == ["", "", ""]


WAYS = ["error", "timeout", "coverage"]
"""How a branch can fail."""


def failing(trail: Trail, how: str, policy: Policy | None) -> Branch[Any]:
    """Make branch `a`: an effect, and after a second a failure of that kind."""

    async def part() -> Covered[str]:
        return Covered(await trail.work("a", 1)(), 0.1)

    ways: dict[str, Work] = {
        "error": trail.work("a", 1, error=broken()),
        "timeout": trail.work("a", DAY),
        "coverage": part,
    }
    timeout = seconds(1) if how == "timeout" else None
    return Branch("a", effect(trail, "open", ways[how]), policy, timeout)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(
    ("policy", "status"),
    [
        (failure.tolerate(), "failed"),
        (failure.skip(), "skipped"),
        (failure.default(0), "defaulted"),
        (failure.last_known(seconds(DAY), Known("old", datetime(1970, 1, 1, tzinfo=UTC))), "stale"),
        (failure.retry(1, seconds(0), failure.default(0)), "defaulted"),
        (failure.compensate(), "failed"),
    ],
)
def test_row_15_what_a_failed_branch_did_is_undone_however_it_failed(
    kind: str, how: str, policy: Policy, status: str
) -> None:
    """With or without a saga round the join: one that ends well would keep it silently."""
    trail = Trail()
    branches = [failing(trail, how, policy), Branch("b", trail.work("b", 9))]
    joined, left = around(kind, lambda: join(branches, until=all_settled()))
    assert (statuses(joined), left) == (f"a:{status} b:succeeded", [])
    steps = ["a/again/open", "a/open"] if isinstance(policy, failure.Retry) else ["a/open"]
    assert undone(trail) == ["undo open" for _ in steps]
    assert [u.step for u in joined.undone] == steps
    # at once, while siblings go on
    assert (float(len(steps)), "undo open starts") in trail.log


@pytest.mark.parametrize("how", WAYS)
def test_row_15_what_failed_the_join_is_undone_before_it_raises(how: str) -> None:
    """Whoever catches that inside the saga goes on with what the others did, and only that."""

    async def case(trail: Trail) -> tuple[str, ...]:
        good = effect(trail, "keep", trail.work("b", 0.5))
        async with Saga() as saga:
            with pytest.raises(JoinFailed) as caught:
                await join([failing(trail, how, None), Branch("b", good)])
            assert [u.step for u in caught.value.undone] == ["a/open"]
            return saga.registered

    trail = Trail()
    assert run(case(trail), collect=True) == ("b/keep",)
    assert undone(trail) == ["undo open"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", WAYS)
def test_row_15_what_failed_late_is_undone_too(kind: str, how: str) -> None:
    async def case() -> Joined:
        slow = failing(trail, how, failure.fail())
        joined = await join(
            [slow, Branch("b", trail.work("b", 0.5))], until=first_success(), late="finish"
        )
        assert [o.status for o in await joined.late()] == ["failed"]
        return joined

    trail = Trail()
    assert (around(kind, case)[1], undone(trail)) == ([], ["undo open"])


@pytest.mark.parametrize("kind", KINDS)
def test_row_15_compensate_undoes_this_branch_only_and_then_it_has_failed(kind: str) -> None:
    trail = Trail()
    bad = effect(trail, "open", trail.work("a", 1, error=broken()))
    branches = [
        Branch("a", bad, failure.compensate()),
        Branch("b", effect(trail, "keep", trail.work("b", 5))),
    ]
    joined, left = around(kind, lambda: join(branches, until=all_settled()))
    assert statuses(joined) == "a:failed b:succeeded"
    assert (undone(trail), (2, "undo open done") in trail.log) == (["undo open"], True)
    assert left == (["b/keep"] if kind == "ambient" else [])
    assert joined["a"].ended is not None
    assert joined["a"].ended.timestamp() == 2


def test_row_15_compensate_under_all_succeed_fails_the_join() -> None:
    trail = Trail()
    bad = effect(trail, "open", trail.work("a", 1, error=broken()))
    branches = [Branch("a", bad, failure.compensate()), Branch("b", trail.work("b", 5))]
    with pytest.raises(JoinFailed, match="no luck"):
        run(join(branches))
    assert undone(trail) == ["undo open"]


@pytest.mark.parametrize("kind", KINDS)
def test_row_15_attempts_before_a_success_keep_their_effects_with_it(kind: str) -> None:
    """Another attempt finds its effects done already: undoing the first would undo them."""
    trail = Trail()
    work = effect(trail, "open", flaky(trail, "a", 1))
    joined, left = around(kind, lambda: join([Branch("a", work, failure.retry(1, seconds(1)))]))
    assert (statuses(joined), undone(trail)) == ("a:succeeded", [])
    assert left == (["a/open", "a/again/open"] if kind == "ambient" else [])


@pytest.mark.parametrize("kind", KINDS)
def test_row_15_what_a_fallback_replaces_after_a_timeout_is_undone(kind: str) -> None:
    trail = Trail()
    spare = Branch("spare", effect(trail, "other", trail.work("spare", 5)))
    main = effect(trail, "open", trail.work("a", DAY))
    branch = Branch("a", main, failure.fallback(spare), timeout=seconds(2))
    joined, left = around(kind, lambda: join([branch]))
    assert (statuses(joined), joined["a"].via) == ("a:succeeded", "spare")
    assert undone(trail) == ["undo open"]
    assert left == (["a/spare/other"] if kind == "ambient" else [])


def test_row_15_a_loser_that_waits_for_a_person_is_undone() -> None:
    async def case(trail: Trail) -> Joined:
        desk = Desk()
        work = effect(trail, "open", trail.work("a", 1, error=broken()))
        asked = Branch("a", work, failure.ask(asking("task"), desk.open))
        return await join([asked, Branch("b", trail.work("b", 3))], until=at_least(1))

    trail = Trail()
    assert statuses(run(case(trail))) == "a:cancelled b:succeeded"
    assert undone(trail) == ["undo open"]


def test_row_15_an_undo_that_fails_for_good_is_told() -> None:
    async def stuck() -> None:
        raise broken("still there")

    async def loser() -> None:
        saga = current_saga()
        assert saga is not None
        await saga.step("open", Trail().work("x", 0), stuck)
        await asyncio.sleep(DAY)

    works: dict[str, Work] = {"a": Trail().work("a", 1), "b": loser}
    joined = run(join(works, until=first_success()))
    assert [(u.step, u.error) for u in joined.undone] == [("b/open", "Broken: still there")]


def test_row_15_losers_of_an_inner_join_are_undone_when_the_outer_one_ends() -> None:
    trail = Trail()

    async def inner() -> Joined:
        return await join(
            {
                "x": effect(trail, "x", trail.work("x", DAY)),
                "y": effect(trail, "y", trail.work("y", 1)),
            }
        )

    works: dict[str, Work] = {"i": inner, "a": trail.work("a", 2)}
    joined, left = around("ambient", lambda: join(works, until=first_success()))
    assert (statuses(joined), left) == ("i:cancelled a:succeeded", [])
    assert sorted(undone(trail)) == ["undo x", "undo y"]


# ---- cancellation (row 14 itself needs the server) -----------------------------------------


@pytest.mark.parametrize("cancels", [(3,), (3, 1), (3, 0.5, 0.5, 0.5)])
def test_a_cancelled_join_undoes_everything_and_a_second_cancel_changes_nothing(
    cancels: tuple[float, ...],
) -> None:
    trail = Trail()

    async def case() -> None:
        works = {
            "done": effect(trail, "done", trail.work("a", 1)),
            "open": effect(trail, "open", trail.work("b", DAY)),
            "deaf": trail.stubborn("deaf", 60),
        }
        task = asyncio.ensure_future(join(works))
        for pause in cancels:
            await asyncio.sleep(pause)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert elapsed() == 3 + BOUND + 2  # one second each to undo

    run(case(), collect=True)
    assert undone(trail) == ["undo open", "undo done"]


def test_a_cancel_between_the_end_and_the_clean_up_is_not_lost() -> None:
    """The join has its result, but a loser still tidies up: what was won is undone too."""
    trail = Trail()

    async def tidy() -> None:
        try:
            await asyncio.sleep(DAY)
        finally:
            await asyncio.sleep(4)
            trail.note("tidied")

    async def case() -> None:
        works: dict[str, Work] = {"a": effect(trail, "won", trail.work("a", 1)), "b": tidy}
        task = asyncio.ensure_future(join(works, until=first_success()))
        await asyncio.sleep(2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(case(), collect=True)
    assert trail.log[-3:] == [(5, "tidied"), (5, "undo won starts"), (6, "undo won done")]


@pytest.mark.parametrize("rounds", range(12))
def test_a_cancel_at_the_very_moment_of_the_end_is_never_lost(rounds: int) -> None:
    """Whatever the loop does first: the join is cancelled, or it had ended before."""
    trail = Trail()

    async def case() -> bool:
        works = {"a": effect(trail, "won", trail.work("a", 1)), "b": trail.work("b", DAY)}
        task = asyncio.ensure_future(join(works, until=first_success()))
        await asyncio.sleep(1)
        for _ in range(rounds):
            await asyncio.sleep(0)
        cancelled = task.cancel()
        with_error = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(with_error[0], asyncio.CancelledError) is cancelled
        return cancelled

    cancelled = run(case(), collect=True)
    assert undone(trail) == (["undo won"] if cancelled else [])
    assert trail.running == 0


# ---- row 27: finish, then undo -------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_row_27_siblings_finish_and_then_every_effect_is_undone_in_reverse(kind: str) -> None:
    trail = Trail()
    bad = effect(trail, "bad", trail.work("bad", 2, error=broken()))
    branches = [
        Branch("early", effect(trail, "early", trail.work("early", 1))),
        Branch("bad", bad, failure.finish_then_undo()),
        Branch("slow", effect(trail, "slow", trail.work("slow", 5), "one", "two")),
    ]

    async def case() -> JoinFailed:
        with pytest.raises(JoinFailed, match="branch 'bad' failed: Broken: no luck") as caught:
            await join(branches)
        assert elapsed() == 9
        return caught.value

    async def within() -> JoinFailed:
        if kind == "none":
            return await case()
        async with Saga() as saga:
            await saga.step("before", trail.work("before", 0), trail.work("undo before", 1))
            error = await case()
            assert saga.registered == ("before",)
            return error

    error = run(within(), collect=True)
    assert undone(trail) == ["undo two", "undo one", "undo bad", "undo early"]
    assert states(error) == {"early": "succeeded", "bad": "failed", "slow": "succeeded"}
    assert error.values == {"early": "EARLY", "slow": "SLOW"}
    prefix = "join/" if kind == "ambient" else ""
    steps = [prefix + step for step in ("slow/two", "slow/one", "bad/bad", "early/early")]
    assert [u.step for u in error.undone] == steps
    assert error.details[1] == [{"step": step, "error": ""} for step in steps]
    assert str(error.__cause__) == "Broken: no luck"


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_row_27_the_order_of_undoing_is_the_same_however_it_failed(kind: str, how: str) -> None:
    async def case() -> None:
        slow = Branch("slow", effect(trail, "slow", trail.work("slow", 5)))
        tolerated = Branch(
            "t", effect(trail, "t", trail.work("t", 3, error=broken())), failure.tolerate()
        )
        with pytest.raises(JoinFailed, match="branch 'a' failed"):
            await join([failing(trail, how, failure.finish_then_undo()), slow, tolerated])

    async def within() -> None:
        async with Saga():
            await case()

    trail = Trail()
    run(case() if kind == "none" else within(), collect=True)
    assert undone(trail) == ["undo t", "undo slow", "undo open"]
    assert (5, "undo t starts") in trail.log


def test_row_27_nothing_new_is_begun_once_all_will_be_undone() -> None:
    trail = Trail()
    bad = Branch("bad", trail.work("bad", 1, error=broken()), failure.finish_then_undo())
    branches = [bad, *(Branch(n, trail.work(n, 3)) for n in "abc")]
    with pytest.raises(JoinFailed) as caught:
        run(join(branches, until=all_settled(), limit=2))
    assert states(caught.value) == {
        "bad": "failed",
        "a": "succeeded",
        "b": "not_started",
        "c": "not_started",
    }


def test_row_27_the_deadline_still_ends_it() -> None:
    trail = Trail()
    bad = Branch("bad", trail.work("bad", 1, error=broken()), failure.finish_then_undo())
    slow = Branch("slow", effect(trail, "slow", trail.work("slow", DAY)))

    async def case() -> JoinFailed:
        with pytest.raises(JoinFailed, match="'bad'") as caught:
            await join([bad, slow], deadline=seconds(4))
        assert elapsed() == 5
        return caught.value

    assert states(run(case())) == {"bad": "failed", "slow": "cancelled"}
    assert undone(trail) == ["undo slow"]


def test_row_27_enough_at_the_same_moment_does_not_hide_the_failure() -> None:
    trail = Trail()
    bad = Branch("bad", trail.work("bad", 1, error=broken()), failure.finish_then_undo())
    with pytest.raises(JoinFailed, match="'bad'"):
        run(join([Branch("a", trail.work("a", 1)), bad], until=first_success()))


def test_row_27_without_a_failure_nothing_is_undone() -> None:
    trail = Trail()
    branch = Branch("a", effect(trail, "a", trail.work("a", 1)), failure.finish_then_undo())
    joined, left = around("ambient", lambda: join([branch]))
    assert (joined.reason, left, undone(trail)) == ("complete", ["join/a/a"], [])


def test_row_27_a_person_may_still_mend_it_first() -> None:
    async def case(trail: Trail) -> Joined:
        desk = Desk()
        person = asyncio.ensure_future(said(desk, 5, "task", Verdict.RETRY))
        asked = failure.ask(asking("task"), desk.open)
        joined = await join(
            [
                Branch("a", flaky(trail, "a", 1), asked),
                Branch("b", effect(trail, "b", trail.work("b", 1)), failure.finish_then_undo()),
            ]
        )
        await person
        return joined

    trail = Trail()
    assert run(case(trail)).values == {"a": "A", "b": "B"}
    assert undone(trail) == []
