"""An undo that fails for good becomes a task for a person, and the saga ends when it is settled."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.patterns.virtual import DAY, Trail, elapsed, run
from workflows.calls import open_door
from workflows.data.common import Decision, GateView, Verdict
from workflows.data.effects import EffectReceipt, EffectState
from workflows.errors import Misuse, NotInStep, Refused, UndoFailed
from workflows.patterns.desk import Desk
from workflows.patterns.gate import GateSpec, Level
from workflows.patterns.reminders import by_chat
from workflows.patterns.saga import Saga, Undone
from workflows.patterns.tasks import Tasks

PEOPLE = {"ana": frozenset({"clerk"}), "ben": frozenset({"clerk"})}
DONE, RETRY = Verdict.DONE, Verdict.RETRY


def failing(trail: Trail, name: str, times: int) -> Callable[[], Awaitable[Any]]:
    """Give an undo that fails so many times."""
    left = [times]

    async def undo() -> None:
        trail.note(f"undo {name}")
        left[0] -= 1
        if left[0] >= 0:
            raise RuntimeError(f"no {times - left[0]}")

    return undo


def after(trail: Trail, name: str) -> Callable[[], Awaitable[Any]]:
    return failing(trail, name, 0)


async def two_steps(saga: Saga, trail: Trail, times: int) -> None:
    """Do a, then b whose undo fails; leave by an error."""
    async with saga:
        await saga.step("a", after(trail, "do"), after(trail, "a"))
        how = "close it in the register"
        await saga.step("b", after(trail, "do"), failing(trail, "b", times), how=how)
        raise RuntimeError("broken")


async def decided(desk: Desk, seconds: float, *decisions: tuple[Verdict, str]) -> list[GateView]:
    """Decide at the one open gate, again and again after a while; give what stood there."""
    seen = []
    for verdict, by in decisions:
        await asyncio.sleep(seconds)
        (view,) = desk.views()
        seen.append(view)
        desk.take(Decision(verdict=verdict, by=by, gate=view.name))
    return seen


def told(times: int, *decisions: tuple[Verdict, str]) -> tuple[Saga, Trail, list[GateView], float]:
    """Break a saga whose undo of b fails so many times while people decide a day apart each."""
    trail = Trail()

    async def case() -> tuple[Saga, Trail, list[GateView], float]:
        desk = Desk()
        saga = Saga(Tasks(desk.open, PEOPLE))
        deciding = asyncio.ensure_future(decided(desk, DAY, *decisions))
        with pytest.raises(RuntimeError, match="broken"):
            await two_steps(saga, trail, times)
        assert desk.names() == ()
        return saga, trail, await deciding, elapsed()

    return run(case(), collect=True)


def test_the_saga_ends_only_when_a_person_has_undone_it_by_hand() -> None:
    saga, trail, (view,), end = told(9, (DONE, "ana"))
    assert end == DAY
    assert trail.words == ["undo do", "undo do", "undo b", "undo a"], "a waits for b"
    assert saga.undone == (Undone("b", "RuntimeError: no 1", by="ana"), Undone("a"))
    assert saga.left_over == ()
    assert view.name == "undo b"
    for needed in ("step 'b'", "RuntimeError: no 1", "close it in the register"):
        assert needed in view.question
    assert view.verdicts == (DONE, RETRY)


def test_retry_tries_the_undo_again_until_it_works() -> None:
    saga, trail, views, end = told(2, (RETRY, "ana"), (RETRY, "ben"))
    assert end == 2 * DAY
    assert trail.words[2:] == ["undo b", "undo b", "undo b", "undo a"]
    assert saga.undone == (Undone("b"), Undone("a"))
    assert "no 2" in views[1].question, "the second task tells of the second failure"


def test_a_retry_that_fails_is_asked_about_again_and_may_be_done_by_hand() -> None:
    saga, _, _, end = told(9, (RETRY, "ana"), (DONE, "ben"))
    assert end == 2 * DAY
    assert saga.undone == (Undone("b", "RuntimeError: no 2", by="ben"), Undone("a"))


def test_a_task_nobody_settles_is_opened_again_and_never_lost() -> None:
    trail = Trail()

    async def case() -> float:
        desk = Desk()
        tasks = Tasks(desk.open, PEOPLE, timedelta(days=3), timedelta(days=1))
        ending = asyncio.ensure_future(two_steps(Saga(tasks), trail, 9))
        for day in (1, 4, 8):
            await asyncio.sleep(day * DAY - elapsed())
            (view,) = desk.views()
            assert view.opened.timestamp() == day // 3 * 3 * DAY
        desk.take(Decision(verdict=DONE, by="ana", gate=view.name))
        with pytest.raises(RuntimeError, match="broken"):
            await ending
        return elapsed()

    assert run(case(), collect=True) == 8 * DAY
    assert trail.words.count("undo b") == 1, "silence is no retry"


def test_a_task_is_reminded_of_each_day_and_who_was_asked_besides_stays_asked() -> None:
    """Each message has a key of its own, also when the task is opened again."""
    sent: list[tuple[float, str]] = []
    keys: set[tuple[str, int]] = set()

    async def chat(_call: Any, order: Any) -> EffectReceipt:
        sent.append((elapsed() / DAY, order.text.removeprefix("order 7, undo b: ")))
        keys.add((order.template, order.number))
        return EffectReceipt(key="k", reference="", state=EffectState.DONE)

    async def case() -> tuple[Undone, ...]:
        desk, boss = Desk(), Level(timedelta(days=2), {"eve": frozenset({"boss"})})
        tasks = Tasks(desk.open, PEOPLE, remind=by_chat("order 7"), escalation=(boss,))
        saga = Saga(tasks)
        ending = asyncio.ensure_future(two_steps(saga, Trail(), 9))
        await asyncio.sleep(4.5 * DAY)
        (view,) = desk.views()
        desk.take(Decision(verdict=DONE, by="eve", gate=view.name))
        with pytest.raises(RuntimeError, match="broken"):
            await ending
        return saga.undone

    with open_door(chat):
        undone = run(case(), collect=True)
    assert [u.by for u in undone] == ["eve", ""]
    two, three = "waits for ana, ben", "waits for ana, ben, eve"
    assert sent == [(1, two), (2, "escalated to eve"), (2, three), (4, three)]
    assert len(keys) == len(sent)


@pytest.mark.parametrize("cancels", [1, 3])
def test_cancelling_changes_nothing_about_an_open_task(cancels: int) -> None:
    trail = Trail()

    async def case() -> float:
        desk = Desk()
        saga = Saga(Tasks(desk.open, PEOPLE))
        ending = asyncio.ensure_future(two_steps(saga, trail, 9))
        for _ in range(cancels):
            await asyncio.sleep(1)
            ending.cancel()
        await decided(desk, DAY, (DONE, "ana"))
        with pytest.raises(asyncio.CancelledError):
            await ending
        assert [u.by for u in saga.undone] == ["ana", ""]
        return elapsed()

    assert run(case(), collect=True) == cancels + DAY


def test_tasks_of_a_group_stand_open_at_once_and_take_decisions_in_any_order() -> None:
    trail = Trail()

    async def case() -> Saga:
        desk = Desk()
        async with Saga(Tasks(desk.open, PEOPLE)) as saga:
            for name in ("a", "b"):
                undo = failing(trail, name, 9)
                await saga.inside("part").step(name, after(trail, "do"), undo, group="g")
            part = saga.inside("other")
            for name in ("c", "d"):
                await part.step(name, after(trail, "do"), failing(trail, name, 9), group="g")
            undoing = asyncio.ensure_future(saga.undo())
            await asyncio.sleep(1)
            assert desk.names() == ("undo other/d", "undo other/c")
            for gate in ("undo other/c", "undo other/d", "undo part#2/b", "undo part/a"):
                desk.take(Decision(verdict=DONE, by="ana", gate=gate))
                await asyncio.sleep(1)
            await undoing
            return saga

    assert [u.step for u in run(case()).undone] == ["other/c", "other/d", "part#2/b", "part/a"]


def test_rolling_back_goes_another_way_once_the_task_is_settled() -> None:
    trail = Trail()

    async def case() -> tuple[Undone, ...]:
        desk = Desk()
        async with Saga(Tasks(desk.open, PEOPLE)) as saga:
            saga.mark("m")
            await saga.step("b", after(trail, "do"), failing(trail, "b", 9))
            deciding = asyncio.ensure_future(decided(desk, DAY, (DONE, "ana")))
            undone = await saga.rollback_to("m")
            await deciding
            await saga.step("b", after(trail, "again"), after(trail, "b"))
            return undone

    assert run(case()) == (Undone("b", "RuntimeError: no 1", by="ana"),)


def test_a_section_may_ask_other_people() -> None:
    trail = Trail()

    async def case() -> tuple[str, ...]:
        desk = Desk()
        async with Saga(Tasks(desk.open, PEOPLE)) as saga:
            part = saga.inside("part", Tasks(desk.open, {"eve": frozenset({"boss"})}))
            await part.step("b", after(trail, "do"), failing(trail, "b", 9))
            undoing = asyncio.ensure_future(saga.undo())
            await asyncio.sleep(1)
            (view,) = desk.views()
            with pytest.raises(Refused, match="ana"):
                desk.take(Decision(verdict=DONE, by="ana", gate=view.name))
            desk.take(Decision(verdict=DONE, by="eve", gate=view.name))
            await undoing
            return view.may_decide

    assert run(case()) == ("eve",)


def test_a_task_that_cannot_be_opened_is_an_error_after_the_rest_is_undone() -> None:
    saga, trail = Saga(), Trail()

    async def closed(spec: GateSpec, _remind: object = None) -> Any:
        raise RuntimeError(f"no desk for {spec.name}")

    async def case() -> None:
        nonlocal saga
        saga = Saga(Tasks(closed, PEOPLE))
        await two_steps(saga, trail, 1)

    with pytest.raises(UndoFailed, match="no task could be opened: RuntimeError: no desk for undo"):
        run(case())
    assert trail.words[2:] == ["undo b", "undo a"]
    assert saga.left_over == (Undone("b", "RuntimeError: no 1"),)


def test_tasks_nobody_may_settle_are_refused_when_built() -> None:
    async def opened(spec: GateSpec, _remind: object = None) -> Any:
        raise AssertionError(spec)

    with pytest.raises(Misuse, match="can never be settled"):
        Tasks(opened, {})
    with pytest.raises(Misuse, match="must be positive"):
        Tasks(opened, PEOPLE, deadline=timedelta(0))


def test_tasks_are_refused_inside_a_fused_step() -> None:
    async def opened(spec: GateSpec, _remind: object = None) -> Any:
        raise AssertionError(spec)

    async def door(call: Any, request: Any) -> Any:
        raise AssertionError(call)

    with (
        open_door(door, refuse=lambda what: NotInStep(f"{what} in step 'x'")),
        pytest.raises(NotInStep, match="a task for a person in step 'x'"),
    ):
        Tasks(opened, PEOPLE)
