"""Sagas on the server: rolled back, cancelled twice, killed, and finished by hand."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import TypeAdapter
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError, CancelledError

from tests.flows import saga_world
from tests.flows.holding import hold, until_held
from tests.flows.saga import ACT, Act, Acted, Plan, Trail, Trip
from tests.support.flows import PATIENCE, Flows, Handle, flowing, killable
from workflows.data.common import Decision, DecisionAnswer, GateView, Verdict

pytestmark = pytest.mark.server

TEN = tuple(f"s{n}" for n in range(10))
FOUR = TEN[:4]


class Held:
    """Answers an act once it is let go, and tells when it began."""

    def __init__(self, *names: str) -> None:
        self.began = {name: asyncio.Event() for name in names}
        self.go = {name: asyncio.Event() for name in names}
        self.done: list[str] = []

    async def answer(self, act: Act) -> Acted:
        if act.name in self.go:
            self.began[act.name].set()
            await self.go[act.name].wait()
        if act.broken:
            raise ApplicationError("desk closed", type="Closed", non_retryable=True)
        self.done.append(act.name)
        return Acted(name=act.name)


@pytest_asyncio.fixture
async def here(address: str, tmp_path: Path) -> AsyncIterator[Flows]:
    """A worker whose acts take no time."""
    answers = saga_world.answers(tmp_path / "done.log")
    async with flowing(address, saga_world.WORKFLOWS, answers) as made:
        yield made


async def failure(handle: Handle) -> BaseException | None:
    """Wait for the end of a workflow that fails; give the cause."""
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    return caught.value.cause


async def until(handle: Handle, query: str, ready: Callable[[Any], bool]) -> Any:
    """Wait, event by event, until a query's answer satisfies `ready`."""
    while True:
        seen = (await handle.describe()).history_length
        answer = await handle.query(query)
        if ready(answer):
            return answer
        async for event in handle.fetch_history_events(wait_new_event=True):
            if event.event_id > seen:
                break


async def gate(handle: Handle, ready: Callable[[Any], bool] = bool) -> GateView:
    gates = await until(handle, "open_gates", ready)
    return TypeAdapter(list[GateView]).validate_python(gates)[0]


async def decide(handle: Handle, verdict: Verdict, by: str, at: str) -> DecisionAnswer:
    said = Decision(verdict=verdict, by=by, gate=at)
    return DecisionAnswer.model_validate(await handle.execute_update("decide", said))


async def trail(handle: Handle) -> Trail:
    return Trail.model_validate(await handle.query("trail"))


async def test_rolling_back_to_each_of_ten_steps_and_going_on_another_way(here: Flows) -> None:
    """All ten at once; each undoes in reverse to its mark, does the rest again, and replays."""

    async def trip(back_to: int) -> Trail:
        plan = Plan(steps=TEN, back_to=back_to)
        return Trail.model_validate(await here.run(Trip, plan))

    trips = await asyncio.gather(*(trip(number) for number in range(10)))
    for number, told in enumerate(trips):
        assert told.registered == TEN
        assert told.undone == tuple(reversed(TEN[number:]))


async def test_a_group_is_undone_at_once(address: str) -> None:
    """Every undo of the group has begun before the first is let go."""
    held = Held(*(f"undo-{n}" for n in FOUR))
    async with flowing(address, saga_world.WORKFLOWS, {ACT: held.answer}) as here:
        handle = await here.start(Trip, Plan(steps=FOUR, broken=True, group="seats"))
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(e.wait() for e in held.began.values()))
        for event in held.go.values():
            event.set()
        assert "the trip is off" in str(await failure(handle))
        await here.replayed(handle)
        assert sorted((await trail(handle)).undone) == sorted(FOUR)


async def test_a_second_cancel_during_the_undoing_changes_nothing(address: str) -> None:
    """Cancelled in step s2, again in its undo and in the next: all is undone, in reverse."""
    held = Held("s2", "undo-s2", "undo-s1")
    async with flowing(address, saga_world.WORKFLOWS, {ACT: held.answer}) as here:
        handle = await here.start(Trip, Plan(steps=FOUR))
        async with asyncio.timeout(PATIENCE):
            for name in held.began:
                await held.began[name].wait()
                await handle.cancel()
                if name != "s2":
                    held.go[name].set()
            cause = await failure(handle)
        held.go["s2"].set()
        assert isinstance(cause, CancelledError)
        assert (await trail(handle)) == Trail(registered=(), undone=("s2", "s1", "s0"))
        await here.replayed(handle)
    undone = [name for name in held.done if name.startswith("undo")]
    assert undone == ["undo-s2", "undo-s1", "undo-s0"]


async def test_a_worker_killed_during_the_undoing_undoes_each_step_once(
    address: str, tmp_path: Path
) -> None:
    """The undo in flight at the kill is tried again; finished ones are not."""
    seed = 20261121
    print(f"seed {seed}")
    point = random.Random(seed).randrange(4)  # noqa: S311
    plan = Plan(steps=FOUR, broken=True)
    async with killable(address, "tests.flows.saga_world", tmp_path) as mine:
        mark = hold(mine.log, f"undo-s{point}")
        handle = await mine.flows.start(Trip, plan)
        await until_held(handle, mark)
        await mine.kill()
        await mine.start()
        assert "the trip is off" in str(await failure(handle))
        assert (await trail(handle)).undone == tuple(reversed(FOUR))
        await mine.flows.replayed(handle)
    assert mine.lines() == [*FOUR, *(f"undo-{n}" for n in reversed(FOUR))]


async def test_an_undo_that_fails_for_good_is_a_gate_and_the_workflow_ends_when_it_is_settled(
    here: Flows,
) -> None:
    """Retry asks again; done by hand ends it; who did it stands in the record."""
    handle = await here.start(Trip, Plan(steps=FOUR, stuck="s2", broken=True))
    first = await gate(handle)
    assert first.name == "undo s2"
    for needed in ("'s2'", "Closed: desk closed", "cancel s2 at the desk"):
        assert needed in first.question
    assert (await trail(handle)).undone == ("s3",), "earlier steps wait"
    with pytest.raises(WorkflowUpdateFailedError):
        await decide(handle, Verdict.SKIP, "ana", first.name)
    await decide(handle, Verdict.RETRY, "ana", first.name)
    again = await gate(handle, lambda g: bool(g) and g[0]["opened"] != opened(first))
    assert (await handle.describe()).close_time is None
    await decide(handle, Verdict.DONE, "ben", again.name)
    assert "the trip is off" in str(await failure(handle))
    assert (await trail(handle)).undone == ("s3", "s2: ben", "s1", "s0")
    await here.replayed(handle)


def opened(view: GateView) -> str:
    """Give when a gate was opened, as a query's raw answer says it."""
    return str(view.model_dump(mode="json")["opened"])


async def test_a_cancelled_workflow_waits_for_its_open_task(address: str) -> None:
    """Cancelled in step s2, and again while the task is open: it stays open until settled."""
    held = Held("s2")
    async with flowing(address, saga_world.WORKFLOWS, {ACT: held.answer}) as here:
        handle = await here.start(Trip, Plan(steps=FOUR, stuck="s1"))
        async with asyncio.timeout(PATIENCE):
            await held.began["s2"].wait()
        await handle.cancel()
        view = await gate(handle)
        held.go["s2"].set()
        await handle.cancel()
        assert (await handle.describe()).close_time is None
        assert (await trail(handle)).undone == ("s2",)
        await decide(handle, Verdict.DONE, "ana", view.name)
        assert isinstance(await failure(handle), CancelledError)
        assert (await trail(handle)).undone == ("s2", "s1: ana", "s0")
        await here.replayed(handle)


async def test_a_workflow_evicted_while_it_undoes_leaves_nothing_behind(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Replaying half a history ends by an eviction: in an undo, and with a task open."""
    held = Held("undo-s2")
    async with flowing(address, saga_world.WORKFLOWS, {ACT: held.answer}) as here:
        handle = await here.start(Trip, Plan(steps=FOUR, stuck="s1", broken=True))
        async with asyncio.timeout(PATIENCE):
            await held.began["undo-s2"].wait()
        await here.replayed(handle)
        held.go["undo-s2"].set()
        view = await gate(handle)
        await here.replayed(handle)
        await decide(handle, Verdict.DONE, "ana", view.name)
        await failure(handle)
        assert (await trail(handle)).undone == ("s3", "s2", "s1: ana", "s0")
    told = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert [text for text in told if "evict" in text.lower()] == []
