"""A saga misused is refused before anything is done: no effect stays that nobody would undo."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.patterns.virtual import Trail, run
from workflows.errors import JoinFailed, Misuse
from workflows.patterns.join import join
from workflows.patterns.outcome import Joined
from workflows.patterns.saga import Saga, Undone, current_saga, enter_saga
from workflows.patterns.sequence import Sequence
from workflows.patterns.stage import Done, Stage, compensate
from workflows.patterns.until import at_least

NEVER_ENTERED = "step 'pay': nobody entered its saga, so nobody would undo it; write"
ENDED = "step 'pay': its saga has ended and would not undo it any more; do it inside the block"
OF_ITS_OWN = r"a saga of its own inside a saga .*; use current_saga\(\), or .*inside\(name\)"


async def pays(saga: Saga | None, trail: Trail, seconds: float = 1) -> None:
    """Pay, so that it can be taken back."""
    assert saga is not None
    await saga.step("pay", trail.work("pay", seconds), trail.work("undo pay", 1))


async def after(seconds: float, trail: Trail, takes: float = 1) -> None:
    """Pay after a while, within the saga around."""
    await asyncio.sleep(seconds)
    await pays(current_saga(), trail, takes)


async def leaves(broken: bool, inside: Callable[[], Awaitable[Any]]) -> Saga:
    """Leave a saga's block, well or not, after working inside it."""
    saga = Saga()
    try:
        async with saga:
            await inside()
            if broken:
                raise RuntimeError("broken")
    except RuntimeError:
        assert broken
    return saga


async def nothing() -> None:
    """Do nothing."""


# ---- outside the block ---------------------------------------------------------------------


@pytest.mark.parametrize("entered", ["saga", "section", "by the task"])
def test_a_step_of_a_saga_never_entered_is_refused_before_it_is_done(entered: str) -> None:
    trail = Trail()

    async def case() -> None:
        saga = Saga()
        if entered == "by the task":
            enter_saga(saga)  # only its block makes a saga undo
        with pytest.raises(Misuse, match=NEVER_ENTERED):
            await pays(saga.inside("a") if entered == "section" else saga, trail)
        assert saga.registered == ()

    run(case())
    assert trail.words == []


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("section", [False, True])
def test_a_step_after_the_block_is_refused_before_it_is_done(broken: bool, section: bool) -> None:
    trail = Trail()

    async def case() -> None:
        saga = await leaves(broken, nothing)
        with pytest.raises(Misuse, match=ENDED):
            await pays(saga.inside("a") if section else saga, trail)
        with pytest.raises(Misuse, match="a saga's block: its saga has ended"):
            async with saga:
                await pays(saga, trail)
        with pytest.raises(Misuse, match="a saga's block: its saga has ended"):
            async with saga.inside("b"):
                trail.note("inside")

    run(case())
    assert trail.words == []


def test_a_sections_block_that_ended_leaves_the_saga_open() -> None:
    trail = Trail()

    async def case() -> tuple[str, ...]:
        async with Saga() as saga:
            async with saga.inside("a") as part:
                assert current_saga() is part
            with pytest.raises(Misuse, match=ENDED):
                await pays(part, trail)
            await pays(saga, trail)
            return saga.registered

    assert run(case()) == ("pay",)


def test_a_branch_may_use_its_section_in_a_block_and_after_it() -> None:
    """The join answers for the section, whatever blocks its branch makes of it."""
    trail = Trail()

    async def branch() -> None:
        section = current_saga()
        assert section is not None
        async with section:
            await section.step("plan", trail.work("plan", 0), trail.work("undo plan", 0))
        await pays(section, trail)
        await asyncio.sleep(9)

    joined = run(join({"a": branch, "b": Trail().work("b", 3)}, until=at_least(1)))
    assert [u.step for u in joined.undone] == ["a/pay", "a/plan"]


# ---- sagas in sagas ------------------------------------------------------------------------


async def own(trail: Trail) -> None:
    async with Saga() as saga:
        await pays(saga, trail)


@pytest.mark.parametrize("around", [False, True])
def test_a_branch_that_opens_a_saga_of_its_own_is_refused(around: bool) -> None:
    trail = Trail()

    async def branches() -> None:
        with pytest.raises(JoinFailed, match=OF_ITS_OWN):
            await join({"a": lambda: own(trail)})

    run(leaves(False, branches) if around else branches())
    assert trail.words == []


def test_a_block_that_opens_a_saga_of_its_own_inside_one_is_refused() -> None:
    trail = Trail()

    async def case() -> None:
        async with Saga() as saga:
            with pytest.raises(Misuse, match=OF_ITS_OWN):
                await own(trail)
            with pytest.raises(Misuse, match=OF_ITS_OWN):
                async with saga:
                    trail.note("entered twice")
            assert current_saga() is saga
        await own(trail)  # no saga is around any more

    run(case())
    assert trail.words == ["pay starts", "pay done"]


def test_a_section_in_a_branch_is_undone_when_the_saga_around_fails() -> None:
    trail = Trail()

    async def branch() -> None:
        around = current_saga()
        assert around is not None
        async with around.inside("part") as part:
            await pays(part, trail)

    saga = run(leaves(True, lambda: join({"a": branch})))
    assert saga.undone == (Undone("a/part/pay"),)


# ---- branches that go on after the block ---------------------------------------------------


def late(trail: Trail, pay_at: float, takes: float = 1) -> Callable[[], Awaitable[Joined]]:
    """Join what is enough at once with a branch that pays at its time."""
    works = {"a": Trail().work("a", 0), "late": lambda: after(pay_at, trail, takes)}
    return lambda: join(works, until=at_least(1), late="finish")


@pytest.mark.parametrize("broken", [False, True])
def test_a_late_branch_that_pays_after_the_block_is_refused(broken: bool) -> None:
    trail, found = Trail(), list[Joined]()

    async def case() -> Saga:
        async def inside() -> None:
            found.append(await late(trail, 5)())

        saga = await leaves(broken, inside)
        (outcome,) = await found[0].late()
        assert isinstance(outcome.error, Misuse)
        assert "step 'pay': its saga has ended" in str(outcome.error)
        return saga

    assert run(case()).registered == ()
    assert trail.words == []


@pytest.mark.parametrize("broken", [False, True])
def test_a_step_under_way_when_the_block_ends_is_undone_and_its_branch_told(broken: bool) -> None:
    trail, found = Trail(), list[Joined]()

    async def case() -> Saga:
        async def inside() -> None:
            found.append(await late(trail, 5, takes=9)())
            await asyncio.sleep(8)

        saga = await leaves(broken, inside)
        (outcome,) = await found[0].late()
        assert isinstance(outcome.error, Misuse)
        assert "was under way when its saga's block ended, and was undone" in str(outcome.error)
        return saga

    saga = run(case())
    assert (saga.registered, saga.undone) == ((), (Undone("late/pay"),))
    assert trail.words == ["pay starts", "pay done", "undo pay starts", "undo pay done"]


def test_a_late_step_that_may_have_worked_is_undone_and_keeps_its_error() -> None:
    trail = Trail()

    async def case() -> Saga:
        saga = Saga()
        unclear = trail.work("pay", 5, error=RuntimeError("lost"))
        async with saga:
            paying = asyncio.ensure_future(saga.step("pay", unclear, trail.work("undo pay", 1)))
            await asyncio.sleep(1)
        with pytest.raises(RuntimeError, match="lost"):
            await paying
        return saga

    saga = run(case(), collect=True)
    assert (saga.registered, saga.undone) == ((), (Undone("pay"),))


def test_a_late_step_leaves_what_was_registered_before_the_block_ended_well() -> None:
    async def case() -> Saga:
        async with Saga() as saga:
            await saga.step("plan", Trail().work("plan", 0), Trail().work("undo plan", 0))
            paying = asyncio.ensure_future(pays(saga, Trail(), 5))
            await asyncio.sleep(1)
        with pytest.raises(Misuse, match="was under way"):
            await paying
        return saga

    saga = run(case(), collect=True)
    assert (saga.registered, saga.undone) == (("plan",), (Undone("pay"),))


def test_a_late_branch_waited_for_inside_the_block_keeps_its_effects() -> None:
    async def case() -> Saga:
        async def inside() -> None:
            await (await late(Trail(), 5)()).late()

        return await leaves(False, inside)

    assert run(case()).registered == ("late/pay",)


def test_a_sequence_begun_after_the_block_is_refused_before_its_first_stage() -> None:
    trail = Trail()

    async def paid(_: Done) -> None:
        trail.note("paid")

    async def begins() -> None:
        await asyncio.sleep(5)
        stages = [Stage("pay", paid, timeout=timedelta(seconds=5))]
        await Sequence("s", stages, judge=lambda _e, _t: compensate(), tries=1).run()

    async def case() -> None:
        found = list[Joined]()

        async def inside() -> None:
            works = {"a": Trail().work("a", 0), "late": begins}
            found.append(await join(works, until=at_least(1), late="finish"))

        await leaves(False, inside)
        (outcome,) = await found[0].late()
        assert "a saga's block: its saga has ended" in str(outcome.error)

    run(case())
    assert trail.words == []
