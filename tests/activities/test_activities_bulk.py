"""A bulk by itself: each item as if alone, and no slot given away that a retry would need."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.history.v1 import HistoryEvent
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.bulk import BulkActivities
from activities.steps import StepActivities
from runtime.context import CallContext, call_context
from runtime.conversion import DATA_CONVERTER
from runtime.settings import Settings
from store.database import Store
from store.results import Results
from tests.flows.spread import Number, Rated, rate_well
from workflows.data.chunk import (
    BulkEnd,
    BulkOrder,
    ChunkLeave,
    ChunkOrder,
    ChunkTally,
    ItemSource,
    OwnCases,
)
from workflows.data.spread import MOST_BYTES, ClaimedItem, Item, ItemClaim, ResultQuery, SpreadRef
from workflows.patterns.spread_work import work_order

REF = SpreadRef(scope="case", spread="rate")
WORK = work_order(rate_well).model_copy(update={"attempts": 2})
COUNT = 12


@dataclass
class Temporal:
    """The service as a bulk sees it: the chunk's history, and the spread that is told."""

    told: list[ChunkTally] = field(default_factory=list)
    history: asyncio.Queue[HistoryEvent] = field(default_factory=asyncio.Queue)
    data_converter = DATA_CONVERTER

    def get_workflow_handle(self, _id: str, **_options: Any) -> "Temporal":
        return self

    async def fetch_history_events(self, **_options: Any) -> AsyncIterator[HistoryEvent]:
        while True:
            yield await self.history.get()

    async def signal(self, _name: str, tally: ChunkTally) -> None:
        self.told.append(tally)

    async def allow(self, leave: ChunkLeave) -> None:
        event = HistoryEvent()
        said = event.workflow_execution_signaled_event_attributes
        said.signal_name = "allow"
        said.input.payloads.extend(await DATA_CONVERTER.encode([leave]))
        self.history.put_nowait(event)


@dataclass
class Bulk:
    """A bulk of so many numbers; `held` ones wait."""

    store: Store
    held: frozenset[int] = frozenset()
    temporal: Temporal = field(default_factory=Temporal)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    asked: Counter[int] = field(default_factory=Counter)
    contexts: dict[int, CallContext] = field(default_factory=dict)
    running: int = 0
    most: int = 0

    async def rate(self, number: Number) -> Rated:
        self.asked[number.n] += 1
        self.contexts[number.n] = call_context()
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(0)
            if number.n in self.held:
                await self.release.wait()
        finally:
            self.running -= 1
        if number.n == 3:
            raise ApplicationError("no luck", type="Unlucky")
        return Rated(n=number.n, rating=1)

    async def claimed(self) -> None:
        items = tuple(ClaimedItem(key=i.key, digest=WORK.digest(i.request)) for i in ITEMS)
        await Results(self.store).claim(ItemClaim(ref=REF, run="r", chunk=1, items=items))

    def run(
        self, environment: ActivityEnvironment, slots: int, cases: OwnCases | None = None
    ) -> asyncio.Task[BulkEnd]:
        steps = StepActivities(self.store, [rate_well], {"rate": self.rate})
        bulk = BulkActivities(steps, self.store, self.temporal)  # type: ignore[arg-type]
        chunk = ORDER.model_copy(update={"slots": slots, "cases": cases})
        order = BulkOrder(
            step=rate_well.name,
            chunk=chunk,
            items=ITEMS,
            tally=ChunkTally(number=1, page_read=True, size=COUNT),
            leave=ChunkLeave(slots=slots),
            teller="spread",
        )
        return asyncio.ensure_future(environment.run(bulk.run_bulk, order))

    async def until(self, when: Any) -> None:
        async with asyncio.timeout(60):
            while not when():
                await asyncio.sleep(0)


ITEMS = tuple(Item(key=f"n-{n}", request={"n": n}) for n in range(COUNT))
ORDER = ChunkOrder(
    ref=REF,
    run="r",
    number=1,
    branch="",
    work=WORK,
    source=ItemSource(page=WORK),
    cursor="",
    limit=COUNT,
    slots=0,
    tell_every=5,
    tell_failures=1,
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(Settings(data=tmp_path).database)
    yield opened
    await opened.close()


def attempt(number: int) -> ActivityEnvironment:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=number)
    return environment


async def test_a_second_attempt_does_what_is_not_kept_and_uses_no_slot_given_away(
    store: Store,
) -> None:
    bulk = Bulk(store, held=frozenset({1, 1002}))
    await bulk.claimed()
    first = attempt(1)
    running = bulk.run(first, slots=4)
    await bulk.until(lambda: bulk.temporal.told and bulk.temporal.told[-1].released == 2)
    last = bulk.temporal.told[-1]
    assert (bulk.running, bulk.most, last.settled, last.left) == (2, 4, 10, 2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    before, bulk.most = Counter(bulk.asked), 0
    bulk.release.set()
    tally = (await bulk.run(attempt(2), slots=4)).tally
    assert (tally.succeeded, tally.failed, tally.failed_keys) == (11, 1, ("n-3",))
    assert bulk.asked - before == Counter([1, 1001, 1002]), "neither what failed nor call 2"
    assert bulk.most <= 4 - last.released
    found = await Results(store).read(ResultQuery(ref=REF), MOST_BYTES)
    assert {r.error for r in found} == {"", "Unlucky: no luck"}
    assert bulk.contexts[5].branch == "rate/n-5"


async def test_slots_a_pause_and_a_stop_are_read_in_the_chunks_history(store: Store) -> None:
    bulk = Bulk(store, held=frozenset(range(COUNT)))
    await bulk.claimed()
    running = bulk.run(attempt(1), slots=0)
    await bulk.temporal.allow(ChunkLeave(slots=2))
    await bulk.until(lambda: bulk.running == 2)
    await bulk.temporal.allow(ChunkLeave(slots=5, paused=True))
    await bulk.until(lambda: bulk.temporal.told and bulk.temporal.told[-1].in_flight == 2)
    bulk.release.set()
    tally = (await running).tally
    assert (tally.settled, tally.in_flight, bulk.running) == (2, 0, 0)
    bulk.release.clear()
    running = bulk.run(attempt(1), slots=5)
    await bulk.until(lambda: bulk.running == 5)
    await bulk.temporal.allow(ChunkLeave(slots=5, stop=True))
    tally = (await running).tally
    assert (tally.settled, tally.left, bulk.running) == (2, 10, 0)


async def test_each_item_may_be_a_case_of_its_own(store: Store) -> None:
    bulk = Bulk(store)
    await bulk.claimed()
    cases = OwnCases(prefix="b:", origins=("a:",), payer="b budget", sequential=True)
    await bulk.run(attempt(1), slots=5, cases=cases)
    own = bulk.contexts[5]
    assert (own.scope, own.branch, own.origins) == ("b:n-5", "", ("a:n-5",))
    assert (own.payer, own.one_at_a_time) == ("b budget", True)
