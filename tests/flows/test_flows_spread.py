"""Spread on the real server, with the real store: child workflows, histories, cancel, redrive."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError, WorkflowHistory
from temporalio.exceptions import ApplicationError, CancelledError

from activities.results import ResultActivities
from runtime.context import call_context
from runtime.settings import Settings
from store.database import Store
from store.results import Results
from store.schema import answers
from tests.flows.spread import NUMBERS, RATE, Number, Plan, Rated, Rating, Told, TwoAtOnce
from tests.flows.spread import rate_well as rate_well_step
from tests.support.flows import PATIENCE, Flows, Handle, flowing, killable, lasting
from workflows import calls
from workflows.data.chunk import ItemSource, SpreadOrder
from workflows.data.spread import (
    MOST_BYTES,
    Item,
    ItemPage,
    ItemState,
    PageQuery,
    ResultQuery,
    SpreadProgress,
    SpreadRef,
    SpreadResult,
    Tolerance,
)
from workflows.patterns.spread_work import work_order
from workflows.services.chunk import SpreadChunk
from workflows.services.spread import Spread

pytestmark = pytest.mark.server

WORKFLOWS = (Rating, TwoAtOnce, Spread, SpreadChunk)
SEED = 3
SOAK = os.environ.get("BRAID_SOAK") == "1"
THREE_PER_CENT = frozenset(range(0, 1000, 33))


@dataclass
class Ratings:
    """Answers RATE and NUMBERS; counts what it does.

    A busy worker may be taken for dead. What it is asked again for that counts once.
    """

    failing: frozenset[int] = frozenset()
    done: Counter[int] = field(default_factory=Counter)
    asked: int = 0
    running: int = 0
    most: int = 0
    at: int = -1
    """How many must have been asked for `reached` to be set."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    takes: float = 0.0
    """Seconds an item takes at most."""
    dice: Random = field(default_factory=lambda: Random(SEED))  # noqa: S311 - repeatable
    held: Callable[[int], bool] = lambda n: False
    """The numbers that wait until `release` is set."""
    release: asyncio.Event = field(default_factory=asyncio.Event)
    twice: bool = False
    """Whether the source gives its first number again on each page."""

    async def rate(self, number: Number) -> Rated:
        self.asked += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.asked == self.at:
                self.reached.set()
            await asyncio.sleep(self.dice.random() * self.takes)
            if self.held(number.n):
                await self.release.wait()
        finally:
            self.running -= 1
        self.done[number.n] += call_context().attempt == 1 or not self.done[number.n]
        if number.n in self.failing:
            raise ApplicationError("cannot be rated", type="Unrated", non_retryable=True)
        return Rated(n=number.n, rating=number.n % 7)

    async def numbers(self, query: PageQuery) -> ItemPage:
        count, first = int(str(query.about["count"])), int(query.cursor or 0)
        last = min(first + query.limit, count)
        some = range(first, last) if not self.twice else [0, *range(first + 1, last)]
        return ItemPage(
            items=tuple(Item(key=f"n-{n}", request={"n": n}) for n in some),
            next=str(last) if last < count else None,
        )


@dataclass
class Here:
    """The flows, what rates, and the store's results."""

    flows: Flows
    ratings: Ratings
    results: Results

    async def told(self, plan: Plan) -> tuple[SpreadResult, Handle]:
        handle = await self.flows.start(Rating, plan)
        return Told.model_validate(await handle.result()).result, handle

    def child(self, handle: Handle, *path: str) -> Handle:
        return self.flows.client.get_workflow_handle(".".join((handle.id, *path)))

    async def replayed(self, handle: Handle, *chunks: int) -> None:
        """Replay a process, its spread, and some of its chunks."""
        await self.flows.replayed(handle)
        await self.flows.replayed(self.child(handle, "rate"))
        for chunk in chunks:
            await self.flows.replayed(self.child(handle, "rate", str(chunk)))


@asynccontextmanager
async def spreading(address: str, data: Path, ratings: Ratings) -> AsyncIterator[Here]:
    async with AsyncExitStack() as stack:
        store = await Store.open(Settings(data=data).database)
        stack.push_async_callback(store.close)
        shelf = ResultActivities(store)
        doors: dict[Any, Any] = {
            RATE: ratings.rate,
            NUMBERS: ratings.numbers,
            calls.KEEP_ITEMS: shelf.keep_items,
            calls.KEPT_ITEMS: shelf.kept_items,
            calls.CLAIM_ITEMS: shelf.claim_items,
            calls.KEEP_RESULTS: shelf.keep_results,
            calls.SPREAD_RESULTS: shelf.spread_results,
        }
        flows = await stack.enter_async_context(
            flowing(address, WORKFLOWS, doors, steps=(rate_well_step,), data=data)
        )
        yield Here(flows, ratings, Results(store))


async def events(handle: Handle) -> int:
    return int((await handle.describe()).history_length)


def counts(result: SpreadResult) -> tuple[int, int, int, int]:
    return (result.succeeded, result.already, result.failed, result.not_run)


async def test_a_thousand_items_in_a_window_of_fifty(address: str, tmp_path: Path) -> None:
    """Exact counts, a window that holds over all children, bounded histories; then a redrive."""
    print(f"seed {SEED}")
    ratings = Ratings(failing=THREE_PER_CENT, takes=0.01, held=lambda n: True, at=50)
    async with spreading(address, tmp_path, ratings) as here:
        plan = Plan(count=1000, tolerate=Tolerance(share=0.04))
        handle = await here.flows.start(Rating, plan)
        await ratings.reached.wait()  # so that the whole window was in use, on any machine
        ratings.release.set()
        result = Told.model_validate(await handle.result()).result
        assert (result.reason, result.total, result.chunks) == ("complete", 1000, 10)
        assert counts(result) == (969, 0, 31, 0)
        assert {int(key[2:]) for key in result.failed_keys} == THREE_PER_CENT
        assert set(ratings.done.values()) == {1}
        assert ratings.most <= 50
        stored = await here.results.counts(result.ref)
        assert stored == {ItemState.SUCCEEDED: 969, ItemState.FAILED: 31}

        histories = [await here.child(handle, "rate", str(n)).fetch_history() for n in range(1, 11)]
        chunks = [lasting(history) for history in histories]
        parent, process = await events(here.child(handle, "rate")), await events(handle)
        most = most_at_once(histories)
        print(f"events: process {process}, spread {parent}, chunks {chunks}; at once {most}")
        assert most == 50, "as the server saw it, over all chunks"
        assert process < 40, "the items, and one child"
        assert max(chunks) <= 900
        assert (parent + sum(chunks)) / 1000 <= 9
        await here.replayed(handle, 1, 10)

        ratings.failing, ratings.done = frozenset(), Counter()
        again, _ = await here.told(Plan(count=1000, redrive=result.ref))
        assert (again.reason, counts(again)) == ("complete", (1000, 969, 0, 0))
        assert ratings.done == dict.fromkeys(THREE_PER_CENT, 1), "exactly the failed ones"
        assert await here.results.counts(again.ref) == {ItemState.SUCCEEDED: 1000}


def most_at_once(histories: list[WorkflowHistory]) -> int:
    """Count the items in flight, from the schedule to the end of each, over all histories."""
    steps: list[tuple[int, int]] = []
    for history in histories:
        rated = set()
        for event in history.events:
            began = event.activity_task_scheduled_event_attributes
            completed = event.activity_task_completed_event_attributes.scheduled_event_id
            failed = event.activity_task_failed_event_attributes.scheduled_event_id
            if began.activity_type.name == RATE.name:
                rated.add(event.event_id)
                steps.append((event.event_time.ToNanoseconds(), 1))
            elif (completed or failed) in rated:
                steps.append((event.event_time.ToNanoseconds(), -1))
    return max(accumulate(change for _, change in sorted(steps)))


@pytest.mark.parametrize("by_step", [False, True], ids=["call", "step"])
async def test_cancelled_half_way_then_redriven(
    address: str, tmp_path: Path, by_step: bool
) -> None:
    """What is asked is counted; a step asks twice for each item."""
    asks = 2 if by_step else 1
    ratings = Ratings(at=100 * asks, held=lambda n: 150 <= n < 1000)
    async with spreading(address, tmp_path, ratings) as here:
        plan = Plan(count=200, window=20, chunk=50, by_step=by_step)
        handle = await here.flows.start(Rating, plan)
        await ratings.reached.wait()
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        assert isinstance(caught.value.__cause__, CancelledError)
        described = await here.child(handle, "rate").describe()
        assert described.status == WorkflowExecutionStatus.CANCELED
        ref = SpreadRef(scope=handle.id, spread="rate")
        kept = (await here.results.counts(ref))[ItemState.SUCCEEDED]
        assert 80 <= kept < 200
        await here.replayed(handle, 1)

        ratings.held = lambda n: False  # those held go on being held, until they are cancelled
        before = sum(ratings.done.values())
        plan = Plan(count=200, chunk=40, by_step=by_step, redrive=ref)
        result, again = await here.told(plan)
        assert counts(result) == (200, kept, 0, 0)
        assert sum(ratings.done.values()) - before == asks * (200 - kept)
        await here.replayed(again, 1)


@pytest.mark.parametrize("by_step", [False, True], ids=["call", "step"])
async def test_too_many_failures_stop_it_early(address: str, tmp_path: Path, by_step: bool) -> None:
    ratings = Ratings(failing=frozenset(range(1000)))
    async with spreading(address, tmp_path, ratings) as here:
        bound = Tolerance(count=10)
        plan = Plan(count=600, window=20, chunk=50, tolerate=bound, by_step=by_step)
        result, handle = await here.told(plan)
        assert result.reason == "too_many_failures"
        assert 11 <= result.failed <= ratings.asked <= 300, "half of them at the very most"
        assert result.not_run == 600 - result.failed
        assert (await here.results.counts(result.ref))[ItemState.FAILED] == result.failed
        await here.replayed(handle, 1)


async def test_progress_while_it_runs(address: str, tmp_path: Path) -> None:
    ratings = Ratings(held=lambda n: n >= 60, at=61)
    async with spreading(address, tmp_path, ratings) as here:
        handle = await here.flows.start(Rating, Plan(count=100, window=10, chunk=100))
        child = here.child(handle, "rate")
        await ratings.reached.wait()
        progress = await until(child, lambda seen: seen.done > 50)
        assert progress.done <= 60
        assert (progress.total, progress.in_flight, progress.chunks_running) == (100, 10, 1)
        assert progress.rate > 0
        assert progress.estimated_end is not None
        assert progress.estimated_end > progress.started
        ratings.release.set()
        await handle.result()
        assert (await until(child, lambda seen: True)).done == 100


async def until(handle: Handle, ready: Callable[[SpreadProgress], bool]) -> SpreadProgress:
    """Wait, event by event, until the progress of a spread satisfies `ready`."""
    async with asyncio.timeout(PATIENCE):
        async for _ in handle.fetch_history_events(wait_new_event=True):
            progress = SpreadProgress.model_validate(await handle.query("progress"))
            if ready(progress):
                return progress
    raise AssertionError("the spread ended first")


def order(here: Here, count: int, **more: Any) -> SpreadOrder:
    return SpreadOrder(
        ref=SpreadRef(scope="case", spread="rate"),
        work=work_order(RATE),
        source=ItemSource(page=work_order(NUMBERS), about={"count": count}),
        window=10,
        chunk=10,
        tolerance=Tolerance(count=0),
        **more,
    )


async def test_a_long_spread_continues_as_new(address: str, tmp_path: Path) -> None:
    """Its counts go on, its chunks go on being numbered, and every run replays."""
    async with spreading(address, tmp_path, Ratings()) as here:
        handle = await here.flows.start("spread", order(here, 45, chunks_per_run=2))
        result = SpreadResult.model_validate(await handle.result())
        assert (result.chunks, result.total, counts(result)) == (5, 45, (45, 0, 0, 0))
        assert set(here.ratings.done.values()) == {1}
        assert here.ratings.most <= 10
        last = here.flows.client.get_workflow_handle(handle.id)
        assert (await last.describe()).run_id != handle.first_execution_run_id
        await here.flows.replayed(last)


async def test_pages_and_results_of_a_step(address: str, tmp_path: Path) -> None:
    """A paged source; each item one fused activity; the process adds the results up."""
    async with spreading(address, tmp_path, Ratings()) as here:
        plan = Plan(count=35, paged=True, by_step=True, chunk=10, adds_up=True)
        handle = await here.flows.start(Rating, plan)
        told = Told.model_validate(await handle.result())
        assert (told.result.total, counts(told.result)) == (35, (35, 0, 0, 0))
        assert told.total == sum(n % 7 + (n + 1000) % 7 for n in range(35))
        await here.replayed(handle, 1)


async def test_a_step_does_many_items_in_one_activity(address: str, tmp_path: Path) -> None:
    """The window holds over all chunks, a straggler holds one slot, and items cost few events."""
    ratings = Ratings(failing=THREE_PER_CENT, takes=0.01, held=lambda n: n == 7, at=500)
    async with spreading(address, tmp_path, ratings) as here:
        plan = Plan(count=500, by_step=True, tolerate=Tolerance(share=0.04))
        handle = await here.flows.start(Rating, plan)
        child = here.child(handle, "rate")
        await ratings.reached.wait()
        await until(child, lambda seen: seen.done == 499)
        ratings.release.set()
        result = Told.model_validate(await handle.result()).result
        assert counts(result) == (484, 0, 16, 0)
        assert {int(key[2:]) for key in result.failed_keys} < THREE_PER_CENT
        assert set(ratings.done.values()) == {1}
        assert ratings.most <= 50
        reasons = await here.results.read(ResultQuery(ref=result.ref), MOST_BYTES)
        assert {r.error for r in reasons if r.error} == {"Unrated: cannot be rated"}
        lengths = [await events(here.child(handle, "rate", str(n))) for n in range(1, 6)]
        print(f"events: spread {await events(child)}, chunks {lengths}")
        assert (await events(child) + sum(lengths)) / 500 < 1
        await here.replayed(handle, 1, 5)


async def test_a_worker_killed_amid_a_bulk_repeats_nothing_kept(
    address: str, tmp_path: Path
) -> None:
    """At a seeded point (in the soak three): no call whose answer was kept, no item's result."""
    print(f"seed {SEED}")
    points = sorted(Random(SEED).sample(range(20, 110), 3 if SOAK else 1))  # noqa: S311
    async with killable(address, "tests.flows.spread_world", tmp_path) as mine:
        mine.log.touch()
        plan = Plan(count=100, by_step=True, window=5, chunk=40)
        handle = await mine.flows.start(Rating, plan)
        store = await Store.open(Settings(data=tmp_path).database)
        kept = Counter[str]()
        for point in points:
            while len(mine.lines()) < point:
                assert (await handle.describe()).close_time is None
            await mine.kill()
            before = Counter(mine.lines())
            async with store.reading() as connection:
                found = await connection.execute(select(answers.c.value))
                kept |= {f"rated {json.loads(value)['n']}": 1 for (value,) in found}
            kept = Counter({line: before[line] for line in kept})
            await mine.start()
        told = Told.model_validate(await handle.result())
        assert counts(told.result) == (100, 0, 0, 0), "none counted as done by another"
        assert await Results(store).counts(told.result.ref) == {ItemState.SUCCEEDED: 100}
        after = Counter(mine.lines())
        assert len(after) == 200
        assert {line: after[line] for line in kept} == kept, "kept answers are not asked again"
        assert sum(after.values()) <= 200 + len(points) * plan.window
        await store.close()
        await mine.flows.replayed(handle)


async def test_a_key_on_two_pages_ends_the_spread(address: str, tmp_path: Path) -> None:
    async with spreading(address, tmp_path, Ratings(twice=True)) as here:
        handle = await here.flows.start(Rating, Plan(count=30, paged=True, chunk=10))
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        cause = caught.value.__cause__
        assert isinstance(cause, ApplicationError)
        assert cause.type == "SpreadFailed"
        assert "item 'n-0' stands on the page of chunk" in cause.message


async def test_two_spreads_of_one_name_at_once_are_misuse(address: str, tmp_path: Path) -> None:
    async with spreading(address, tmp_path, Ratings(held=lambda n: True)) as here:
        handle = await here.flows.start(TwoAtOnce, Plan(count=5))
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        cause = caught.value.__cause__
        assert isinstance(cause, ApplicationError)
        assert cause.type == "Misuse"
        assert "'rate' is running in this case already; rename one" in cause.message
        with pytest.raises(WorkflowFailureError):  # asked to cancel when the process failed
            await here.child(handle, "rate").result()


@pytest.mark.skipif(not SOAK, reason="long: BRAID_SOAK=1")
async def test_five_thousand_items(address: str, tmp_path: Path) -> None:
    ratings = Ratings()
    async with spreading(address, tmp_path, ratings) as here:
        plan = Plan(count=5000, window=100, chunk=200)
        handle = await here.flows.start(Rating, plan, execution_timeout=timedelta(minutes=5))
        told = Told.model_validate(await handle.result())
        assert counts(told.result) == (5000, 0, 0, 0)
        assert set(ratings.done.values()) == {1}
        assert ratings.most <= 100
        await here.replayed(handle, 1, 25)
