"""What every process must stand: one thing at a time, a killed worker, cancellation, replay.

The examples are those of `examples.py`; whoever adds a process adds one there.
"""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from cli.cases import broken_off
from cli.processes import PROCESSES
from runtime import server
from store.journal import Journal
from store.ledger import Ledger, LedgerState
from tests.process.examples import EXAMPLES, Example
from tests.process.living import Ended, all_lived, begun, completed, killable
from tests.support.world import Handle, World, world
from workflows.data.common import ONE_AT_A_TIME

SERVER = pytest.mark.server
NAMES = [e.process for e in EXAMPLES]
Lived = dict[str, Ended]


def test_a_process_has_one_example() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert set(NAMES) == {e.name for e in PROCESSES}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def plain(temporal: server.Ports, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Live through all examples at once, as they are."""
    data = tmp_path_factory.mktemp("plain")
    async with world(f"127.0.0.1:{temporal.grpc}", data) as here:
        return await all_lived(here)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def in_turn(temporal: server.Ports, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Live through all examples at once, each sending one thing at a time."""
    data = tmp_path_factory.mktemp("turns")
    async with world(f"127.0.0.1:{temporal.grpc}", data) as here:
        return await all_lived(here, memo={ONE_AT_A_TIME: True})


@SERVER
@pytest.mark.parametrize("name", NAMES)
async def test_one_thing_at_a_time_comes_to_the_same(
    plain: Lived, in_turn: Lived, name: str
) -> None:
    """Result, cost and paid calls are the same: no example is enough for an early exit."""
    example = next(e for e in EXAMPLES if e.process == name)
    for field, value in plain[name].result.items():
        assert in_turn[name].result[field] == value, field
    assert in_turn[name].cost == plain[name].cost
    assert (plain[name].beside() == 0) == bool(example.in_order), "parallel, or said why not"
    assert in_turn[name].beside() == 0


@SERVER
@pytest.mark.parametrize("name", NAMES)
async def test_every_query_answers_after_closing(plain: Lived, name: str) -> None:
    """As typed, and `starter.py status` shows what is known."""
    now, shown = plain[name].answers, plain[name].shown
    assert (now["status"]["process"], now["status"]["phase"]) == (name, "closed")
    assert now["open_gates"] == []
    assert all(b["state"] != "running" for b in now["branches"])
    assert now["result_so_far"].keys() != now["status"].keys(), "override so_far"
    assert now["status"]["case"] in shown or shown.count("\n") > 2, "so_far shows something"


@SERVER
async def test_a_killed_worker_costs_nothing_but_what_was_in_flight(
    address: str, tmp_path: Path, plain: Lived
) -> None:
    """All processes at once on a worker process that is killed, and another that takes over."""
    async with world(address, tmp_path, served=False) as here, killable(here, address) as worker:
        living = asyncio.create_task(all_lived(here, killed=True))
        in_flight = await worker.killed_amid(living)
        ended = await living
        journal, ledger = Journal(here.store), Ledger(here.store)
        uncertain, done = 0, Counter[str]()
        for handle in here.started:
            assert await journal.repeated_paid(handle.id) == 0, handle.id
            assert await ledger.duplicates(handle.id) == 0, handle.id
            uncertain += len(await journal.uncertain(handle.id))
            done.update(row.effect.split(":")[0] for row in await ledger.effects(handle.id))
        book = await here.book()
    assert uncertain <= in_flight
    assert len(book["mails"]) == done["mail"]
    for name in NAMES:
        for field, value in plain[name].result.items():
            assert ended[name].result[field] == value, f"{name}: {field}"


@SERVER
async def test_a_cancelled_case_leaves_nothing_half_done(here: World) -> None:
    """What was done until it was cancelled is undone, but for what stays."""
    await asyncio.gather(*(cancelled(here, example) for example in EXAMPLES))


async def cancelled(here: World, example: Example) -> None:
    """Cancel an example in its middle, and balance its effects."""
    handle = await cancelled_in_its_middle(here, example)
    with pytest.raises(WorkflowFailureError) as ended:
        await handle.result()
    assert isinstance(ended.value.cause, CancelledError), handle.id
    assert await broken_off(handle) == "cancelled", "what a person is told"
    rows = await Ledger(here.store).effects(handle.id)
    tried = Counter(r.effect.split(":")[0] for r in rows)  # what was claimed may have been done
    done = Counter(r.effect.split(":")[0] for r in rows if r.state is LedgerState.DONE)
    undoing = {name for names in example.undone_by.values() for name in names}
    for effect, times in tried.items():
        if effect not in undoing | example.stays:
            undone = sum(done[name] for name in example.undone_by.get(effect, ()))
            assert undone >= times, f"{handle.id}: {effect} is not undone, of {dict(tried)}"


async def cancelled_in_its_middle(here: World, example: Example) -> Handle:
    """Cancel an example; one that ended before, as happens on a busy machine, is begun anew."""
    asked = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
    for _ in range(5):
        handle = await begun(here, example)
        people = asyncio.create_task(example.people(here, handle))
        await completed(handle, example.cancel_at)
        await handle.cancel()
        await asyncio.gather(handle.result(), return_exceptions=True)
        people.cancel()
        await asyncio.gather(people, return_exceptions=True)
        if asked in {e.event_type for e in (await handle.fetch_history()).events}:
            return handle
    raise AssertionError(f"{example.process} always ends before it is cancelled")
