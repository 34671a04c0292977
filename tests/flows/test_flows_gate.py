"""Gates on the server: escalation, several at once, continue-as-new, and what runs short."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import temporalio.runtime
from pydantic import TypeAdapter
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateHandle, WorkflowUpdateStage
from temporalio.exceptions import ApplicationError
from temporalio.runtime import MetricBuffer, Runtime, TelemetryConfig

from runtime.gates import AGAIN, Noted
from runtime.settings import Settings
from store.database import Store
from store.open_gates import OpenGates
from tests.flows.gate import (
    LEFT,
    SOON,
    TELL,
    WORKFLOWS,
    Ended,
    Escalation,
    Gates,
    Hops,
    Look,
    Short,
    SideBySide,
    Told,
)
from tests.flows.watching import until
from tests.support.flows import Flows, Handle, flowing
from tests.support.logs import Lines, logged
from workflows.data.common import DecisionAnswer, GateView, Verdict
from workflows.data.degrade import Left, MeasureKind, Remaining, Taken

pytestmark = pytest.mark.server


async def view(handle: Handle, ready: Callable[[GateView], bool] = lambda _: True) -> GateView:
    """Wait for the one open gate to be as wished."""
    shape = TypeAdapter(list[GateView])
    said = await until(
        handle, "open_gates", lambda g: bool(g) and ready(shape.validate_python(g)[0])
    )
    return shape.validate_python(said)[0]


async def decide(handle: Handle, by: str, gate: str = "review", **more: Any) -> DecisionAnswer:
    said = {"verdict": "approve", "by": by, "gate": gate, **more}
    return DecisionAnswer.model_validate(await handle.execute_update("decide", said))


async def refused(handle: Handle, by: str, **more: Any) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await decide(handle, by, **more)
    assert isinstance(caught.value.cause, ApplicationError)
    return caught.value.cause.message


async def result(here: Flows, handle: Handle) -> Ended:
    """Give the result; the history of the last run must replay."""
    ended = Ended.model_validate(await handle.result())
    await here.replayed(handle)
    return ended


class Channel:
    """Keeps who was told."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    async def tell(self, told: Told) -> Told:
        self.told.append(told)
        return told


@pytest.fixture
def lines() -> Iterator[Lines]:
    with logged() as read:
        yield read


@pytest.fixture
def counters(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Counter[str]]:
    """Read what the gates of this test's workflows counted."""
    buffer = MetricBuffer(100_000)
    measured = Runtime(telemetry=TelemetryConfig(metrics=buffer))
    monkeypatch.setattr(temporalio.runtime._runtime_ref, "_default_runtime", measured)

    def read() -> Counter[str]:
        found = Counter[str]()
        for update in buffer.retrieve_updates():
            if update.metric.name.startswith("braid_gate"):
                label = update.attributes.get("outcome") or update.attributes.get("kind") or ""
                found[f"{update.metric.name} {label}".strip()] += int(update.value)
        return found

    return read


async def test_an_unanswered_question_goes_up_the_chain_and_a_deputy_of_the_last_decides(
    address: str, counters: Callable[[], Counter[str]], lines: Lines
) -> None:
    """The author stands in for nobody. Who may not decide yet: see test_patterns_gate_time."""
    channel = Channel()
    async with flowing(address, WORKFLOWS, {TELL: channel.tell}) as here:
        handle = await here.start(Escalation, Gates())
        last = await view(handle, lambda g: len(g.escalations) == 2)
        assert last.may_decide == ("bob", "mona", "olga", "dora")
        assert last.deputies == {"olga": ("dora",)}
        assert "four eyes" in await refused(handle, "sam", stands_for="olga")
        answer = await decide(handle, "dora", verdict="decline")
        assert (answer.settled, answer.stands_for) == (True, "olga")
        ended, run = await result(here, handle), (await handle.describe()).run_id
    assert [(d.by, d.stands_for, d.verdict) for d in ended.decisions] == [
        ("dora", "olga", Verdict.DECLINE)
    ]
    told = [line for line in lines() if line["event"] == "gate escalated"]
    assert [(t["case"], t["workflow_id"], t["run_id"]) for t in told] == [
        (handle.id, handle.id, run)
    ] * 2
    assert {"branch", "gate", "level"} <= set(told[0])
    assert [(e.level, e.to) for e in ended.escalations] == [(1, ("mona",)), (2, ("olga", "dora"))]
    waits = [(e.at - last.opened) / SOON for e in ended.escalations]
    assert waits[0] >= 1.5
    assert waits[1] >= 2.5
    levels = {t.level: t.to for t in channel.told if t.level}
    assert levels.get(1) == ("mona",)
    assert len({t.number for t in channel.told}) == len(channel.told), "nobody is told twice"
    counted = counters()
    assert counted.pop("braid_gate_nudges reminder") >= 1
    assert counted == {  # once: a replay counts nothing
        "braid_gates_opened": 1,
        "braid_gate_nudges escalation": 2,
        "braid_gates_ended settled": 1,
    }


@pytest.mark.parametrize("order", ["cab", "bca"])
async def test_gates_open_at_once_are_answered_in_any_order(address: str, order: str) -> None:
    """By update and by signal; each decision reaches its own gate."""
    async with flowing(address, WORKFLOWS) as here:
        handle = await here.start(SideBySide, Gates(names=("a", "b", "c")))
        open_gates = await until(handle, "open_gates", lambda g: len(g) == 3)
        assert [g["name"] for g in open_gates] == ["a", "b", "c"]
        people = {order[0]: "ann", order[1]: "bob", order[2]: "ann"}
        await decide(handle, "ann", order[0])
        signalled = {"verdict": "refer", "by": "bob", "gate": order[1]}
        await handle.signal("decide", signalled)
        assert f"too late: gate '{order[0]}' is settled" in await refused(
            handle, "bob", gate=order[0]
        )
        assert "no gate 'z' is open; open now:" in await refused(handle, "bob", gate="z")
        await decide(handle, "ann", order[2])
        ended = await result(here, handle)
    assert ended.by_gate == {name: (people[name],) for name in "abc"}


async def test_open_gates_are_counted_over_restarts_and_not_of_cases_that_have_closed(
    address: str, tmp_path: Path
) -> None:
    """Not of one either that was terminated, which runs no code."""
    later, name = [timedelta()], "test-side-by-side"
    store = await Store.open(
        Settings(data=tmp_path).database, clock=lambda: datetime.now(UTC) + later[0]
    )
    gates = OpenGates(store, "default")
    noted, after_a_restart = Noted(gates), Noted(gates)
    keeping = asyncio.create_task(noted.keep())
    async with flowing(address, WORKFLOWS, noting=noted.note) as here:
        one, two = [await here.start(SideBySide, Gates(names=("a", "b"))) for _ in range(2)]
        for handle in (one, two):
            await until(handle, "open_gates", lambda g: len(g) == 2)
        await decide(one, "ann", "a")
        await noted.kept()
        for terminated, still_open in ((False, 3), (True, 1)):
            if terminated:
                await two.terminate()
            later[0] += 2 * AGAIN
            await after_a_restart.look(here.client, [name])
            assert await gates.counted() == {name: still_open}
        await decide(one, "ann", "b")
        await result(here, one)
        await noted.kept()
        assert await gates.counted() == {}, "nor does a replay count anything"
    keeping.cancel()
    await store.close()


async def hop(here: Flows, handle: Handle) -> Handle:
    """Have the process continue as new and give the run that ended by it."""
    run_id = (await handle.describe()).run_id
    run = here.client.get_workflow_handle(handle.id, run_id=run_id)
    await run.signal("hop")
    async for _ in run.fetch_history_events(wait_new_event=True):
        pass  # until the run closes
    return run


async def test_a_gate_survives_continue_as_new(address: str) -> None:
    """Times, decisions and reminders go along; a decision between two runs waits for its gate."""
    channel = Channel()
    async with flowing(address, WORKFLOWS, {TELL: channel.tell}) as here:
        handle = await here.start(Hops, Gates())
        await view(handle)
        await decide(handle, "bob")
        before = await view(handle, lambda g: g.reminders >= 1 and len(g.escalations) == 1)
        runs = [await hop(here, handle)]
        await handle.signal("reopen")
        after = await view(handle)
        kept = ("opened", "deadline", "decided", "escalations", "needs", "may_decide")
        assert after.model_dump(include=set(kept)) == before.model_dump(include=set(kept))
        assert after.reminders >= before.reminders
        await view(handle, lambda g: g.reminders > after.reminders)
        runs.append(await hop(here, handle))
        early = [await decide_early(handle, by) for by in ("bob", "ann")]
        await handle.signal("reopen")
        with pytest.raises(WorkflowUpdateFailedError) as caught:
            await early[0].result()
        assert "bob has decided already" in str(caught.value.cause)
        assert DecisionAnswer.model_validate(await early[1].result()).settled
        ended = await result(here, handle)
        for run in runs:
            await here.replayed(run)
    assert (ended.hops, [d.by for d in ended.decisions]) == (2, ["bob", "ann"])
    assert [e.to for e in ended.escalations] == [e.to for e in before.escalations]
    numbers = [t.number for t in channel.told]
    assert len(set(numbers)) == len(numbers), "nobody is told twice"
    assert len([t for t in channel.told if t.level]) <= 1


async def decide_early(handle: Handle, by: str) -> WorkflowUpdateHandle[Any]:
    """Send a decision and wait until the process has taken it in, not until it is answered."""
    return await handle.start_update(
        "decide",
        {"verdict": "approve", "by": by},
        wait_for_stage=WorkflowUpdateStage.ACCEPTED,
    )


async def test_what_runs_short_is_met_by_recorded_measures_that_can_be_asked_for(
    address: str,
) -> None:
    """The figures come from an activity, so replay takes the same measures."""

    async def left(look: Look) -> Remaining:
        budget = Left(left=Decimal((9, 4, 0)[look.number - 1]), of=Decimal(10))
        return Remaining(budget=budget, limit=Left(left=Decimal(4), of=Decimal(60)))

    async with flowing(address, WORKFLOWS, {LEFT: left}) as here:
        handle = await here.start(Short, Gates())
        gate = await view(handle)
        said = TypeAdapter(list[Taken]).validate_python(await handle.query("measures"))
        assert (gate.name, [t.rule for t in said]) == ("spend", [2, 1, 3])
        assert said[2].unanswered
        await decide(handle, "ann", "spend")
        ended = await result(here, handle)
    assert [(t.kind, t.subject) for t in ended.measures] == [
        (MeasureKind.SKIP, "media"),
        (MeasureKind.ROLE, "reviewer"),
        (MeasureKind.ASK, "spend"),
    ]
    assert ended.measures[1].why == "budget: 4 of 10 US$ left, which is below 50%"
    assert [d.by for d in ended.measures[2].decisions] == ["ann"]
