"""A saga undoes in reverse, past failures and in spite of cancellation."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, RetryState

from tests.patterns.virtual import Trail, elapsed, run
from workflows.errors import JoinFailed, Misuse
from workflows.patterns.clock import shielded
from workflows.patterns.saga import REFUSED, Saga, Undone
from workflows.scope import Scope, current_scope, enter_scope

STEPS = ("customer", "account", "limit", "monitoring")


def activity_error(cause: BaseException) -> ActivityError:
    """An error as it arrives from an activity."""
    error = ActivityError(
        "activity failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="account_service",
        activity_id="1",
        retry_state=RetryState.NON_RETRYABLE_FAILURE,
    )
    error.__cause__ = cause
    return error


def plainly(
    trail: Trail, what: str, error: BaseException | None = None
) -> Callable[[], Awaitable[str]]:
    async def do() -> str:
        trail.note(what)
        if error is not None:
            raise error
        return what.upper()

    return do


async def onboard(saga: Saga, trail: Trail, failing: str, error: BaseException) -> None:
    async with saga:
        for name in STEPS:
            wrong = error if name == failing else None
            do, undo = plainly(trail, name, wrong), plainly(trail, f"undo {name}")
            assert await saga.step(name, do, undo) == name.upper()


@pytest.mark.parametrize("failing", STEPS)
@pytest.mark.parametrize(
    ("error", "took_effect"),
    [
        (ApplicationError("timed out", type="Timeout"), True),
        (activity_error(ApplicationError("down", type="EffectUnavailable")), True),
        (activity_error(CancelledError("cancelled")), True),
        (RuntimeError("a bug"), True),
        (activity_error(ApplicationError("no", type=REFUSED)), False),
        (ApplicationError("no", type=REFUSED), False),
    ],
    ids=["unclear", "unavailable", "cancelled", "bug", "refused", "refused by a door"],
)
def test_steps_are_undone_in_reverse_with_the_unclear_one(
    failing: str, error: Exception, took_effect: bool
) -> None:
    saga, trail = Saga(), Trail()
    with pytest.raises(type(error)) as caught:
        run(onboard(saga, trail, failing, error))
    assert caught.value is error
    done = STEPS[: STEPS.index(failing) + took_effect]
    tried = STEPS[: STEPS.index(failing) + 1]
    assert trail.words == [*tried, *(f"undo {n}" for n in reversed(done))]
    assert saga.undone == tuple(Undone(n) for n in reversed(done))
    assert saga.left_over == ()


def test_a_refusal_deep_inside_a_failed_join_leaves_the_step_unclear() -> None:
    saga, trail = Saga(), Trail()
    error = JoinFailed("branch 'x' failed")
    error.__cause__ = ApplicationError("no", type=REFUSED)
    with pytest.raises(JoinFailed):
        run(onboard(saga, trail, "account", error))
    assert [u.step for u in saga.undone] == ["account", "customer"]


def test_each_undo_stands_in_a_branch_named_after_its_step() -> None:
    """Below the branch that undoes it, if there is one."""
    seen: list[str] = []

    async def note() -> None:
        seen.append(current_scope().name)

    async def case(around: str) -> None:
        enter_scope(Scope(around))
        async with Saga() as saga:
            await saga.step("seat", note, note)
            section = saga.inside("hotel")
            async with section:
                await section.step("room", note, note)
            await saga.undo()

    for around in ("", "release"):
        run(case(around))
    assert seen[:4] == ["", "", "undo hotel/room", "undo seat"]
    assert seen[4:] == ["release", "release", "release/undo hotel/room", "release/undo seat"]


def test_nothing_is_undone_when_all_went_well() -> None:
    saga, trail = Saga(), Trail()
    run(onboard(saga, trail, "", RuntimeError()))
    assert (trail.words, saga.undone) == (list(STEPS), ())


def test_undoing_goes_on_past_failures_and_keeps_them_for_a_person() -> None:
    saga, trail = Saga(), Trail()

    async def case() -> None:
        async with saga:
            await saga.step("a", plainly(trail, "a"), plainly(trail, "undo a"))
            wrong = activity_error(ApplicationError("gone", type="Unknown"))
            await saga.step("b", plainly(trail, "b"), plainly(trail, "undo b", wrong))
            lost = plainly(trail, "undo c", asyncio.CancelledError())
            await saga.step("c", plainly(trail, "c"), lost)
            raise ApplicationError("broken", type="Broken")

    with pytest.raises(ApplicationError, match="broken"):
        run(case())
    assert trail.words == ["a", "b", "c", "undo c", "undo b", "undo a"]
    assert saga.undone == (Undone("c", "CancelledError"), Undone("b", "Unknown: gone"), Undone("a"))
    assert saga.left_over == saga.undone[:2]


def test_a_step_without_undo_stays() -> None:
    saga, trail = Saga(), Trail()

    async def case() -> None:
        async with saga:
            await saga.step("a", plainly(trail, "a"), plainly(trail, "undo a"))
            await saga.step("notice", plainly(trail, "notice"))
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run(case())
    assert saga.undone == (Undone("a"),)


def test_undo_may_be_asked_for_and_happens_once() -> None:
    saga, trail = Saga(), Trail()

    async def case() -> None:
        async with saga:
            await saga.step("a", plainly(trail, "a"), plainly(trail, "undo a"))
            assert await saga.undo() == (Undone("a"),)
            await saga.step("b", plainly(trail, "b"), plainly(trail, "undo b"))
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run(case())
    assert trail.words == ["a", "undo a", "b", "undo b"]
    assert saga.undone == (Undone("a"), Undone("b"))


@pytest.mark.parametrize("undone", [True, False], ids=["with undo", "without undo"])
def test_a_step_named_twice_is_refused_before_it_runs(undone: bool) -> None:
    saga, trail = Saga(), Trail()
    undo = plainly(trail, "undo a") if undone else None

    async def case() -> None:
        async with saga:
            await saga.step("a", plainly(trail, "a"), undo)
            await saga.step("a", plainly(trail, "again"), undo)

    with pytest.raises(Misuse, match="'a' stands there twice; rename"):
        run(case())
    assert trail.words == ["a", "undo a"][: 1 + undone]


def test_a_refused_step_may_be_tried_again_under_its_name() -> None:
    saga, trail = Saga(), Trail()

    async def case() -> None:
        refusal = ApplicationError("no", type=REFUSED)
        async with saga:
            with pytest.raises(ApplicationError):
                await saga.step("a", plainly(trail, "a", refusal), plainly(trail, "undo a"))
            await saga.step("a", plainly(trail, "a"), plainly(trail, "undo a"))
            await saga.undo()

    run(case())
    assert trail.words == ["a", "a", "undo a"]


@pytest.mark.parametrize("cancels", [1, 2, 5])
def test_undoing_is_shielded_and_a_second_cancel_changes_nothing(cancels: int) -> None:
    saga, trail = Saga(), Trail()

    async def work() -> None:
        async with saga:
            await saga.step("a", trail.work("a", 1), trail.work("undo a", 2))
            await saga.step("b", trail.work("b", 1), trail.work("undo b", 2))
            await saga.step("c", trail.work("c", 9), trail.work("undo c", 2))

    async def case() -> float:
        task = asyncio.ensure_future(work())
        await asyncio.sleep(3)
        for _ in range(cancels):
            task.cancel()
            await asyncio.sleep(1)
        with pytest.raises(asyncio.CancelledError):
            await task
        return elapsed()

    assert run(case(), collect=True) == 9
    assert [w for w in trail.words if w.startswith("undo")] == [
        f"undo {name} {end}" for name in "cba" for end in ("starts", "done")
    ]
    assert saga.undone == (Undone("c"), Undone("b"), Undone("a"))


def test_shielded_work_gives_its_result_and_its_error() -> None:
    async def fails() -> None:
        await asyncio.sleep(1)
        raise ApplicationError("broken")

    assert run(shielded(Trail().work("a", 1)())) == "A"
    with pytest.raises(ApplicationError, match="broken"):
        run(shielded(fails()))


def test_a_cancel_during_shielded_work_that_fails_is_let_through() -> None:
    async def fails() -> None:
        await asyncio.sleep(2)
        raise ApplicationError("broken")

    async def case() -> float:
        task = asyncio.ensure_future(shielded(fails()))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return elapsed()

    assert run(case(), collect=True) == 2


def test_a_saga_that_is_merely_closed_undoes_nothing() -> None:
    """A workflow evicted from its worker goes on elsewhere: closing it is no failure."""
    undone: list[str] = []

    async def nothing() -> None:
        return None

    async def forever() -> None:
        await asyncio.Event().wait()

    async def undo() -> None:
        undone.append("undone")

    async def story() -> None:
        async with Saga() as saga:
            await saga.step("a", nothing, undo)
            await saga.step("b", forever, undo)

    async def main() -> None:
        running = story()
        running.send(None)
        running.close()

    run(main())
    assert undone == []
