"""Batches on virtual time: nothing lost, nothing twice, whatever a run is cut into."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from tests.patterns.joining import broken, seconds
from tests.patterns.virtual import elapsed, run
from workflows.data.refine import Page, Progress
from workflows.errors import Misuse, Unusable
from workflows.patterns.batches import Batches, batches, hop
from workflows.patterns.bounds import Bounds, Budget, Stall
from workflows.patterns.rounds import Draft, Score

Names = tuple[str, ...]
START: Progress[Names] = Progress(state=())
LONG = Bounds(rounds=1000)


def source(count: int, size: int) -> Any:
    """Give a source of `item-0`... whose cursor is the number of the next item."""

    async def page(cursor: str) -> Page[str]:
        await asyncio.sleep(1)
        first = int(cursor or "0")
        names = tuple(f"item-{n}" for n in range(first, min(first + size, count)))
        following = str(first + size) if first + size < count else None
        return Page(items=names, following=following)

    return page


def items(count: int) -> Names:
    return tuple(f"item-{n}" for n in range(count))


async def collect(state: Names, batch: Sequence[str]) -> Draft[Names]:
    return Draft((*state, *batch), Decimal(len(batch)))


def test_all_is_taken_in_order_and_the_books_agree() -> None:
    done = run(batches("names", START, source(7, 3), collect, LONG))
    assert (done.state, done.items, done.stopped) == (items(7), 7, "complete")
    assert done.cursor == "6", "where its last page began"
    assert done.meter is not None
    assert (done.meter.rounds, done.meter.spent) == (3, Decimal(7))


def test_an_empty_source_is_complete_at_once() -> None:
    done = run(batches("names", START, source(0, 3), collect, LONG))
    assert (done.state, done.items, done.stopped) == ((), 0, "complete")


@settings(max_examples=60, deadline=None, print_blob=True)
@given(
    count=st.integers(0, 25),
    size=st.integers(1, 6),
    per_run=st.integers(1, 5),
    fails=st.lists(st.integers(0, 24), max_size=4, unique=True),
)
def test_cut_into_runs_and_failing_on_the_way_nothing_is_lost_or_twice(
    count: int, size: int, per_run: int, fails: list[int]
) -> None:
    """Every run gets only what travels, as JSON; a failed batch is taken again by the next."""
    broken_once = [f"item-{n}" for n in fails]

    async def take(state: Names, batch: Sequence[str]) -> Draft[Names]:
        if hit := [b for b in batch if b in broken_once]:
            broken_once.remove(hit[0])
            raise broken()
        return await collect(state, batch)

    async def one_run(progress: Progress[Names]) -> Progress[Names]:
        loop = Batches("names", progress, source(count, size), take, LONG, per_run=per_run)
        try:
            await loop.run()
        except ApplicationError:
            return loop.progress
        assert loop.progress.stopped or loop.progress.runs == progress.runs + 1
        return loop.progress

    progress = START
    for _ in range(60):
        progress = run(one_run(progress))
        progress = Progress[Names].model_validate_json(progress.model_dump_json())
        if progress.stopped is not None:
            break
    assert (progress.state, progress.stopped) == (items(count), "complete")
    assert progress.items == count


def test_a_run_ends_after_so_many_batches_and_says_that_it_is_not_over() -> None:
    first = run(batches("names", START, source(7, 2), collect, LONG, per_run=2))
    assert (first.state, first.stopped, first.runs, first.cursor) == (items(4), None, 1, "4")
    assert run(batches("names", first, source(7, 2), collect, LONG)).state == items(7)


def test_what_is_over_stays_over() -> None:
    done = run(batches("names", START, source(2, 2), collect, LONG))
    assert run(batches("names", done, source(9, 2), collect, LONG)) == done


@pytest.mark.parametrize(
    ("bounds", "stopped", "taken"),
    [
        (Bounds(rounds=2), "rounds", 4),
        (Bounds(rounds=9, deadline=seconds(2.5)), "deadline", 4),
        (Bounds(rounds=9, budget=Budget(Decimal(7), Decimal(3))), "budget", 6),
        (Bounds(rounds=9, quality=0.5), "quality", 6),
        (Bounds(rounds=9, stall=Stall(2, 10)), "stall", 6),
    ],
    ids=["rounds", "deadline", "budget", "quality", "stall"],
)
@pytest.mark.parametrize("per_run", [None, 1])
def test_bounds_hold_over_all_runs_together(
    bounds: Bounds, stopped: str, taken: int, per_run: int | None
) -> None:
    async def story() -> Progress[Names]:
        progress = START
        while progress.stopped is None:
            progress = await batches(
                "names",
                progress,
                source(100, 2),
                collect,
                bounds,
                rate=lambda state: Score(len(state) / 10),
                per_run=per_run,
            )
        return progress

    done = run(story())
    assert (done.stopped, done.state) == (stopped, items(taken))


def test_a_batch_the_deadline_cuts_short_is_not_half_taken() -> None:
    async def slow(state: Names, batch: Sequence[str]) -> Draft[Names]:
        await asyncio.sleep(10)
        return await collect(state, batch)

    async def story() -> tuple[Progress[Names], float]:
        bounds = Bounds(rounds=9, deadline=seconds(15), budget=Budget(Decimal(90), Decimal(5)))
        return await batches("names", START, source(9, 2), slow, bounds), elapsed()

    done, at = run(story())
    assert (done.state, done.cursor, done.stopped, at) == (items(2), "2", "deadline", 15)
    assert done.meter is not None
    assert (done.meter.spent, done.meter.unclear) == (Decimal(2), Decimal(5))


def test_cancelling_leaves_what_was_taken() -> None:
    async def story() -> Progress[Names]:
        loop = Batches("names", START, source(9, 2), collect, LONG)
        task = asyncio.ensure_future(loop.run())
        await asyncio.sleep(2.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return loop.progress

    left = run(story())
    assert (left.state, left.stopped) == (items(4), None)
    assert run(batches("names", left, source(9, 2), collect, LONG)).state == items(9)


def test_a_source_that_stands_still_is_found_out() -> None:
    async def stuck(cursor: str) -> Page[str]:
        return Page(items=("a",), following="here")

    with pytest.raises(Unusable, match="page at 'here' is followed by itself"):
        run(batches("names", START, stuck, collect, LONG))


def test_misuse_is_refused_when_built() -> None:
    with pytest.raises(Misuse, match="a run of 0 batches and 2000 events gets nowhere"):
        Batches("names", START, source(1, 1), collect, LONG, per_run=0)
    with pytest.raises(Misuse, match="quality and stall need scores; give `rate`"):
        Batches("names", START, source(1, 1), collect, Bounds(rounds=2, quality=1))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"bounds": None},
            r"batches 'names': bounds is of type NoneType; use Bounds\(rounds=...\)",
        ),
        ({"bounds": 5}, "bounds is of type int"),
        ({"progress": None}, r"progress is of type NoneType; start with Progress\(state=...\)"),
        ({"page": None}, "page is of type NoneType; give a function"),
        ({"take": Draft(())}, "take is of type Draft; give a function, not what it returns"),
        ({"rate": 0.5}, "rate is of type float; give a function"),
        ({"per_run": 1.5}, "a run of 1.5 batches and 2000 events gets nowhere"),
        ({"most_events": "9"}, "a run of None batches and 9 events gets nowhere"),
    ],
)
def test_a_wrong_kind_is_refused_when_built(changed: dict[str, Any], message: str) -> None:
    given = {"progress": START, "page": source(1, 1), "take": collect, "bounds": LONG, **changed}
    with pytest.raises(Misuse, match=message):
        Batches("names", **given)


def giving(what: Any) -> Any:
    async def give(*_given: Any) -> Any:
        return what

    return give


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"page": giving(["a"])}, r"gave is of type list; return Page\(items, following\)"),
        ({"page": lambda _: Page(items=("a",))}, "the page of batches 'names' gave a Page at once"),
        ({"take": giving(("a",))}, r"the take of batches 'names' gave .* return Draft"),
        ({"take": giving(Draft((), 0.05))}, "the cost 0.05 of the draft of the take of batches"),  # type: ignore[arg-type]
        ({"take": lambda *_: Draft(())}, "gave a Draft at once; make it an `async def`"),
        ({"rate": giving(0.5)}, r"the rate of batches 'names' gave .* return Score"),
        ({"rate": lambda _: Score("1")}, "scored '1', which is no number"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_page_draft_or_score_ends_it_and_the_batch_is_undone(
    changed: dict[str, Any], message: str
) -> None:
    given = {"page": source(1, 1), "take": collect, "bounds": LONG, **changed}
    loop: Any = Batches("names", START, **given)
    with pytest.raises(Misuse, match=message):
        run(loop.run())
    assert (loop.progress.state, loop.progress.items) == ((), 0)


def test_only_a_workflow_can_hop() -> None:
    with pytest.raises(Misuse, match="only a workflow can hop to a new history"):
        run(hop(lambda: START))
