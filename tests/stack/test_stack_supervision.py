"""The supervisor: dead children come back, what a dead worker held is released, cases end."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.service import RPCError

from runtime.settings import Settings
from runtime.stack import Child, Event, Stack
from simulator.config import Fault, FaultKind
from store.journal import CallRow, ClaimState, Journal
from store.ledger import Ledger
from tests.stack.support import PATIENCE, until, world_on
from tests.support.world import Handle, World, case_file
from workflows.data.due_diligence import CaseOutcome

pytestmark = pytest.mark.server

SLOW_MODEL = Fault(service="openai", kind=FaultKind.SLOW, seconds=3)
"""Keeps a paid call in flight long enough for the server to die under it."""


@dataclass
class Supervised:
    """A stack, what its supervisor told, and a world on it."""

    stack: Stack
    told: list[Event]
    here: World


@pytest_asyncio.fixture(scope="module")
async def supervised(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Supervised]:
    """One stack for this file: it has to survive all of its tests."""
    data = tmp_path_factory.mktemp("supervised")
    told: list[Event] = []
    async with (
        Stack(Settings(data=data), speed=100, spare=True, tell=told.append) as stack,
        world_on(stack.addresses, data) as here,
    ):
        yield Supervised(stack, told, here)


async def a_paid_call_in_flight(here: World, handle: Handle) -> int:
    """Wait until the slow vendor has accepted, and will bill, a call that is not answered yet.

    Gives how many it has: a quick vendor's may be answered before anything is killed.
    """
    journal, vendor = Journal(here.store), SLOW_MODEL.service
    mine: list[CallRow] = []

    async def sent() -> bool:
        calls = [c for c in await journal.calls(handle.id) if c.vendor == vendor]
        mine[:] = [c for c in calls if c.state is ClaimState.OPEN]
        return bool(mine) and await billed(here, vendor) > 0

    await eventually(sent)
    return len(mine)


async def eventually(ready: Callable[[], Awaitable[bool]]) -> None:
    """Look every 20 ms until `ready`; bounded."""
    async with asyncio.timeout(PATIENCE):
        while not await ready():
            await asyncio.sleep(0.02)


async def answers(here: World) -> bool:
    """Say whether the server answers."""
    try:
        return await here.client.service_client.check_health()
    except RPCError:
        return False


async def billed(here: World, vendor: str) -> int:
    """Read how many requests a vendor of the simulator has billed."""
    return int((await here.book())["billed"].get(vendor, 0))


async def kill(supervised: Supervised, child: Child) -> list[Event]:
    """SIGKILL a child, wait until it is back, and give what the supervisor told."""
    before = len(supervised.told)
    pid = await supervised.stack.kill(child)
    told = supervised.told

    def back() -> bool:
        mine = [e.what for e in told[before:] if e.part == child.name]
        last = "released" if child.name == "worker" else "restarted"
        return any(what.startswith(last) for what in mine)

    await until(back, PATIENCE, f"{child.name} is restarted; told {told[before:]}")
    assert child.process is not None
    assert child.process.pid != pid
    return told[before:]


async def test_a_killed_worker_is_replaced_and_what_it_held_released(
    supervised: Supervised,
) -> None:
    """The case ends; the reply in flight is asked for again, no reply received is."""
    here = supervised.here
    await here.faults(SLOW_MODEL.model_copy(update={"seconds": 60}))  # none ends before the kill
    handle = await here.start(case_file("carbo_ceramics"))
    held = await a_paid_call_in_flight(here, handle)
    stack = supervised.stack
    assert stack.spare is not None
    waiting = stack.spare.waiting
    await here.faults()  # what is asked again is quick
    events = await kill(supervised, stack.worker)
    assert stack.worker.process is waiting, "the spare serves in its place"
    assert [e.what.split(" (")[0] for e in events][:2] == ["died", "restarted"]
    count = int(next(e.what for e in events if e.what.startswith("released")).split()[1])
    assert count >= held
    await here.gate(handle)
    await here.decide(handle, "decline", "ana")
    assert (await here.decide(handle, "decline", "bo")).settled
    assert (await here.result(handle)).outcome is CaseOutcome.DECLINE

    journal = Journal(here.store)
    assert await journal.repeated_paid(handle.id) == 0
    assert await Ledger(here.store).duplicates(handle.id) == 0
    lost = [c for c in await journal.uncertain(handle.id) if c.model]
    assert 1 <= len(lost) <= count
    assert {c.state for c in lost} == {ClaimState.OPEN}, "nobody lived to close the claim"
    paid = Counter(c.vendor for c in await journal.calls(handle.id) if c.model and c.usd)
    book = Counter((await here.book())["billed"])
    assert paid <= book <= paid + Counter(c.vendor for c in lost), (
        "billed, but neither had nor lost"
    )

    started = [
        e.activity_task_started_event_attributes
        for e in (await handle.fetch_history()).events
        if e.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
    ]
    why = [s.last_failure.message for s in started if s.attempt > 1]
    assert any(w.startswith("worker ") and w.endswith(" died") for w in why), why


async def test_a_killed_server_comes_back_on_its_ports_and_the_case_goes_on(
    supervised: Supervised,
) -> None:
    """The worker and its call in flight live through it: nothing is uncertain."""
    here = supervised.here
    await here.faults(SLOW_MODEL)
    handle = await here.start(case_file("unilever"))
    await a_paid_call_in_flight(here, handle)
    worker = supervised.stack.worker.restarts
    await kill(supervised, supervised.stack.server)
    await here.faults()
    await eventually(partial(answers, here))
    await here.gate(handle)
    assert (await here.decide(handle, "approve", "ana")).settled
    assert (await here.result(handle)).outcome is CaseOutcome.APPROVE
    journal = Journal(here.store)
    assert await journal.repeated_paid(handle.id) == 0
    assert await journal.uncertain(handle.id) == []
    assert supervised.stack.worker.restarts == worker, "the worker was not touched"


async def test_a_killed_simulator_comes_back_and_referees_still_answer(
    supervised: Supervised,
) -> None:
    """What it was asked to do is kept on disk; calls it dropped are tried again."""
    here = supervised.here
    slow = Fault(service="companies_house", kind=FaultKind.SLOW, seconds=30)
    await here.faults(slow)
    handle = await here.start(case_file("unilever"))

    async def mailed() -> bool:
        replies = [m["reply"] for m in (await here.book())["mails"] if m["reply"]]
        return [r["workflow_id"] for r in replies].count(handle.id) == 4

    await eventually(mailed)
    await kill(supervised, supervised.stack.simulator)
    await here.gate(handle)
    assert (await here.decide(handle, "approve", "ana")).settled
    record = await here.result(handle)
    assert record.outcome is CaseOutcome.APPROVE
    assert await Ledger(here.store).duplicates(handle.id) == 0
