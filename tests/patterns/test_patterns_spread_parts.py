"""The parts of a spread by themselves: slots between chunks, pauses, the window, progress."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.patterns.spreading import PAGE, SCORE
from tests.patterns.virtual import run
from workflows.data.chunk import (
    ChunkLeave,
    ChunkOrder,
    ChunkTally,
    ItemSource,
    SpreadOrder,
    SpreadSoFar,
    WorkOrder,
)
from workflows.data.spread import SpreadRef
from workflows.patterns.spread import tolerating
from workflows.patterns.spread_count import Running, progress_of
from workflows.patterns.spread_run import SpreadRun
from workflows.patterns.spread_work import work_order
from workflows.window import Window

REF = SpreadRef(scope="here", spread="score")


# ---- slots between chunks ----------------------------------------------------------------------


class Noted:
    """Chunks that end when told to; notes what was started and what each was allowed."""

    def __init__(self) -> None:
        self.started: list[tuple[int, str, int]] = []
        self.allowed: list[tuple[int, int, bool]] = []
        self.paused: list[bool] = []
        self.ends: dict[int, asyncio.Future[ChunkTally]] = {}

    async def run(self, order: ChunkOrder) -> ChunkTally:
        self.started.append((order.number, order.cursor, order.slots))
        self.ends[order.number] = asyncio.get_running_loop().create_future()
        return await self.ends[order.number]

    async def allow(self, number: int, leave: ChunkLeave) -> None:
        self.allowed.append((number, leave.slots, leave.stop))
        self.paused.append(leave.paused)


def test_slots_given_back_go_to_the_next_chunk_never_to_one_that_drains() -> None:
    async def work() -> Any:
        noted = Noted()
        spreading = SpreadRun(order(window=10, chunk=32), noted, "r")
        ending = asyncio.ensure_future(spreading.run())
        await settled()
        spreading.hear(tally(1, size=32, next="p2"))
        await settled()
        spreading.hear(tally(2, size=32, next="p3"))
        await settled()
        spreading.hear(tally(3, size=32, next="p4"))
        await settled()
        assert noted.started == [(1, "", 4), (2, "p2", 4), (3, "p3", 2)]
        assert noted.allowed == []
        spreading.hear(tally(1, size=32, next="p2", released=1))
        await settled()
        spreading.hear(tally(1, size=32, next="p2", released=2))
        await settled()
        assert noted.allowed == [(3, 3, False), (3, 4, False)]
        assert noted.started[3:] == [(4, "p4", 0)], "on deck"
        spreading.hear(tally(4, size=9))
        spreading.hear(tally(2, size=32, next="p3", released=4))
        await settled()
        assert noted.allowed[2:] == [(4, 4, False)], "its share"
        for number in (1, 2):
            noted.ends[number].set_result(tally(number, size=32, next=f"p{number + 1}"))
        await settled()
        assert noted.allowed[3:] == [(3, 6, False)], "no chunk will come: who can, may"
        for number in (3, 4):
            noted.ends[number].set_result(tally(number, size=9, failed=1))
        return await ending

    result = run(work())
    assert (result.reason, result.failed) == ("too_many_failures", 2)


def test_a_chunk_that_drains_is_given_nothing_more() -> None:
    async def work() -> None:
        noted = Noted()
        spreading = SpreadRun(order(window=10, chunk=32), noted, "r")
        ending = asyncio.ensure_future(spreading.run())
        for told in (tally(1, size=32, next="p2"), tally(2, size=32, next="p3")):
            await settled()
            spreading.hear(told)
        await settled()
        spreading.hear(tally(3, size=1, next="p4", released=1))
        await settled()
        assert noted.started[2:] == [(3, "p3", 2), (4, "p4", 1)]
        assert noted.allowed == [], "the third has what it needs"
        spreading.hear(tally(4, size=9))
        spreading.hear(tally(1, size=32, next="p2", released=4))
        await settled()
        assert noted.allowed == [(4, 4, False), (2, 5, False)]
        spreading.hear(tally(2, size=32, next="p3", released=5))
        await settled()
        assert noted.allowed[2:] == [(4, 9, False)], "neither 1, 2 nor 3"
        ending.cancel()

    run(work())


def test_a_run_ends_after_its_chunks_and_says_where_to_go_on() -> None:
    async def work() -> Any:
        noted = Noted()
        spreading = SpreadRun(order(window=4, chunk=8, chunks_per_run=2), noted, "r")
        ending = asyncio.ensure_future(spreading.run())
        for number in (1, 2):
            await settled()
            noted.ends[number].set_result(tally(number, size=8, succeeded=8, next=f"p{number}"))
        return await ending

    going_on = run(work()).so_far
    assert (going_on.run, going_on.chunks, going_on.cursor) == ("r", 2, "p2")
    assert (going_on.seen, going_on.succeeded) == (16, 16)


def test_a_pause_starts_nothing_and_lasts_over_runs() -> None:
    async def work() -> Any:
        noted = Noted()
        spreading = SpreadRun(order(window=4, chunk=8, chunks_per_run=3), noted, "r")
        ending = asyncio.ensure_future(spreading.run())
        await settled()
        spreading.pause()
        await settled()
        assert noted.paused == [True]
        noted.ends[1].set_result(tally(1, size=8, succeeded=8, next="p2"))
        await settled()
        assert (len(noted.started), ending.done()) == (1, False), "it waits, with nothing to do"
        assert spreading.progress().paused
        spreading.pause(paused=False)
        await settled()
        assert [cursor for _, cursor, _ in noted.started] == ["", "p2"]
        spreading.pause()
        spreading.close()
        noted.ends[2].set_result(tally(2, size=8, succeeded=8, next="p3"))
        return await ending

    going_on = run(work()).so_far
    assert (going_on.paused, going_on.cursor, going_on.succeeded) == (True, "p3", 16)


def order(**bounds: int) -> SpreadOrder:
    page = work_order(PAGE)
    return SpreadOrder(
        ref=REF,
        work=work_order(SCORE),
        source=ItemSource(page=page),
        tolerance=tolerating(count=0),
        **bounds,
    )


def tally(number: int, **told: Any) -> ChunkTally:
    return ChunkTally(number=number, page_read=True, **told)


async def settled() -> None:
    """Let everything run that can."""
    await asyncio.sleep(0.001)


# ---- parts -----------------------------------------------------------------------------------


def test_the_digest_of_an_item_tells_work_version_and_request_apart() -> None:
    work = WorkOrder(kind="call", name="score", version=1, timeout=timedelta(1), attempts=1)
    same = work.model_copy(update={"attempts": 9, "timeout": timedelta(2)})
    others = [
        work.digest({"a": 2}),
        work.model_copy(update={"version": 2}).digest({"a": 1}),
        work.model_copy(update={"name": "rate"}).digest({"a": 1}),
        work.model_copy(update={"kind": "step"}).digest({"a": 1}),
    ]
    assert work.digest({"a": 1}) == same.digest({"a": 1})
    assert len({work.digest({"a": 1}), *others}) == 5


def test_a_window_releases_slots_only_when_no_item_waits() -> None:
    async def work() -> list[tuple[int, int]]:
        seen: list[tuple[int, int]] = []
        window: Window[float] = Window(asyncio.sleep, 2, lambda: None)
        window.load([1, 3.5, 2.1])
        for _ in range(4):
            seen.append((window.in_flight, window.released))
            await asyncio.sleep(1)
        await window.ended()
        return [*seen, (window.in_flight, window.released)]

    assert run(work()) == [(2, 0), (2, 0), (2, 0), (2, 0), (0, 2)]


def test_a_paused_window_ends_what_is_in_flight_and_starts_the_rest_later() -> None:
    async def work() -> list[int]:
        seen = []
        window: Window[float] = Window(asyncio.sleep, 2, lambda: None)
        window.load([1, 1, 1])
        window.allow(2, paused=True)
        for paused in (True, False, False):
            await asyncio.sleep(1.5)
            seen.append(window.in_flight)
            window.allow(2, paused=paused)
        await window.ended()
        return seen

    assert run(work()) == [0, 0, 0]


def test_an_error_that_escapes_the_work_ends_the_window() -> None:
    async def broken(number: int) -> None:
        await asyncio.sleep(number)
        raise ZeroDivisionError

    async def work() -> None:
        window: Window[int] = Window(broken, 2, lambda: None)
        window.load([1, 9, 1])
        await window.ended()

    with pytest.raises(ZeroDivisionError):
        run(work(), collect=True)


def test_progress_counts_and_estimates() -> None:
    async def work() -> Any:
        await asyncio.sleep(10)
        start = datetime.fromtimestamp(0, UTC)
        seen = SpreadSoFar(started=start, already=10, succeeded=18, failed=2, total=70)
        tally = ChunkTally(number=1, page_read=True, size=9, succeeded=5, released=1)
        task = asyncio.ensure_future(asyncio.sleep(0, tally))
        return progress_of(seen, 70, [Running(1, 6, tally, ChunkLeave(slots=6), task)])

    progress = run(work())
    assert (progress.done, progress.failed, progress.already, progress.in_flight) == (30, 2, 10, 4)
    assert (progress.rate, progress.estimated_end.timestamp()) == (2.0, 10 + 40 / 2)


def test_progress_without_a_total_or_a_rate_has_no_end() -> None:
    async def work() -> Any:
        return progress_of(SpreadSoFar(), None, [])

    progress = run(work())
    assert (progress.total, progress.rate, progress.estimated_end) == (None, 0.0, None)
