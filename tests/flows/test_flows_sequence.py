"""Sequences on the server: retried, asked about, undone; their stages can be queried."""

import asyncio
from typing import Any

import pytest
from pydantic import TypeAdapter
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError, CancelledError

from tests.flows.sequence import PACK, Packed, Packing, Parcel, Part
from tests.support.flows import PATIENCE, Handle, flowing
from workflows.data.common import Decision, Verdict
from workflows.data.sequence import StageView

pytestmark = pytest.mark.server


class World:
    """Answers parts: fails as told, time after time, or hangs where told until cancelled."""

    def __init__(self, fails: dict[str, list[str]] | None = None, hangs: str = "") -> None:
        self.fails, self.hangs = fails or {}, hangs
        self.done: list[str] = []
        self.hanging = asyncio.Event()

    async def answer(self, part: Part) -> Parcel:
        if kinds := self.fails.get(part.name):
            raise ApplicationError("not now", type=kinds.pop(0), non_retryable=True)
        if part.name == self.hangs:
            self.hanging.set()
            await asyncio.Event().wait()
        self.done.append(part.name)
        return Parcel(name=part.name, weight=len(part.after))


async def stages(handle: Handle) -> list[StageView]:
    return TypeAdapter(list[StageView]).validate_python(await handle.query("stages"))


async def failure(handle: Handle) -> Any:
    """Wait for the end of a workflow that fails; give the cause."""
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    return caught.value.cause


async def asked(handle: Handle) -> None:
    """Wait, event by event, for a gate."""
    while True:
        seen = (await handle.describe()).history_length
        if await handle.query("open_gates"):
            return
        async for event in handle.fetch_history_events(wait_new_event=True):
            if event.event_id > seen:
                break


async def settled(handle: Handle, verdict: Verdict, value: Any = None) -> None:
    said = Decision(verdict=verdict, by="ana", gate="packing/weigh", value=value)
    await handle.execute_update("decide", said)


async def test_failures_are_judged_and_every_decision_can_be_queried(address: str) -> None:
    world = World({"take": ["Busy", "Busy"], "weigh": ["Optional"]})
    async with flowing(address, [Packing], {PACK: world.answer}) as here:
        handle = await here.start(Packing, 20)
        assert Packed.model_validate(await handle.result()).weights == (0, -1, 0)
        take, weigh, seal = await stages(handle)
        await here.replayed(handle)
    assert [d.choice for d in take.decided] == ["retry", "retry"]
    assert take.decided[0].error == "Busy: not now"
    assert (take.attempts, take.value) == (3, {"name": "take", "weight": 0})
    assert (weigh.state, weigh.value) == ("skipped", {"name": "unweighed", "weight": -1})
    assert (seal.state, seal.attempts) == ("succeeded", 1)
    assert world.done == ["take", "seal"]


async def test_a_person_supplies_the_value_of_a_stage(address: str) -> None:
    """A value that does not fit is refused; the one that fits comes out typed."""
    world = World({"weigh": ["Odd", "Odd"]})
    async with flowing(address, [Packing], {PACK: world.answer}) as here:
        handle = await here.start(Packing, 20)
        await asked(handle)
        with pytest.raises(WorkflowUpdateFailedError):
            await settled(handle, Verdict.SUPPLY, {"mass": 3})
        assert (await stages(handle))[1].state == "asking"
        await settled(handle, Verdict.RETRY)
        await asked(handle)
        await settled(handle, Verdict.SUPPLY, {"name": "by hand", "weight": 9})
        assert Packed.model_validate(await handle.result()).weights == (0, 9, 0)
        weigh = (await stages(handle))[1]
        await here.replayed(handle)
    assert [(d.choice, d.by) for d in weigh.decided] == [
        ("escalate", ""),
        ("retry", "ana"),
        ("escalate", ""),
        ("supply", "ana"),
    ]


async def test_a_stage_that_hangs_is_timed_out_and_all_is_undone(address: str) -> None:
    world = World(hangs="seal")
    async with flowing(address, [Packing], {PACK: world.answer}) as here:
        handle = await here.start(Packing, 1.0)
        cause = await failure(handle)
        await here.replayed(handle)
    assert cause.type == "StageFailed"
    assert "stage 'seal' of sequence 'packing' failed in 1 of 3 tries" in str(cause)
    assert world.done == ["take", "weigh", "undo-seal", "undo-weigh", "undo-take"]


async def test_cancelling_undoes_what_was_done(address: str) -> None:
    world = World(hangs="seal")
    async with flowing(address, [Packing], {PACK: world.answer}) as here:
        handle = await here.start(Packing, 60)
        async with asyncio.timeout(PATIENCE):
            await world.hanging.wait()
        await handle.cancel()
        assert isinstance(await failure(handle), CancelledError)
        await here.replayed(handle)
    assert world.done == ["take", "weigh", "undo-seal", "undo-weigh", "undo-take"]


async def test_a_judge_that_raises_fails_the_workflow_and_never_leaves_it_stuck(
    address: str,
) -> None:
    world = World({"weigh": ["Unheard"]})
    async with flowing(address, [Packing], {PACK: world.answer}) as here:
        handle = await here.start(Packing, 20)
        async with asyncio.timeout(PATIENCE):
            cause = await failure(handle)
        await here.replayed(handle)
    assert (cause.type, cause.non_retryable) == ("Unusable", True)
    assert "at stage 'weigh', raised KeyError: 'Unheard'" in str(cause)
    assert world.done == ["take", "undo-weigh", "undo-take"]


async def test_an_undo_that_fails_holds_the_workflow_until_it_is_done_by_hand(
    address: str,
) -> None:
    world = World({"seal": ["DeadlinePassed"], "undo-weigh": ["Broken"]})
    async with flowing(address, [Packing], {PACK: world.answer}) as here:
        handle = await here.start(Packing, 20)
        await asked(handle)
        await decide_done(handle)
        cause = await failure(handle)
        await here.replayed(handle)
    assert cause.type == "StageFailed"
    assert world.done == ["take", "weigh", "undo-seal", "undo-take"]


async def decide_done(handle: Handle) -> None:
    """Say that the stuck undo was done by hand, while the workflow waits for it."""
    assert (await handle.describe()).close_time is None
    said = Decision(verdict=Verdict.DONE, by="ana", gate="undo packing/weigh")
    await handle.execute_update("decide", said)
