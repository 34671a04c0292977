"""Group, gather and within: siblings are cancelled and awaited, errors come as they are."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from tests.patterns.virtual import DAY, Trail, elapsed, run
from workflows.calls import Call, ask, open_door
from workflows.data.common import Record
from workflows.errors import DeadlinePassed, Misuse, ScopeClosed
from workflows.patterns.clock import CLEAN_UP
from workflows.patterns.together import Group, gather, in_time, within


class Nothing(Record):
    """No more than a request."""


BUY = Call("buy", Nothing, Nothing, timeout=timedelta(seconds=1), attempts=1)


def broken(name: str) -> ApplicationError:
    return ApplicationError(name, type="Broken")


def test_gather_gives_results_in_order_whatever_ends_first() -> None:
    async def case() -> None:
        trail = Trail()
        slow, quick = trail.work("slow", 2), trail.work("quick", 1)
        assert await gather(slow(), quick()) == ("SLOW", "QUICK")
        assert await gather() == ()

    run(case())


def test_gather_cancels_and_awaits_the_siblings_of_a_failure() -> None:
    trail = Trail()

    async def tidy() -> None:
        try:
            await asyncio.sleep(DAY)
        except asyncio.CancelledError:
            await asyncio.sleep(3)
            trail.note("tidied up")
            raise

    async def case() -> None:
        with pytest.raises(ApplicationError, match="bad"):
            await gather(trail.work("bad", 1, error=broken("bad"))(), tidy())
        assert elapsed() == 4

    run(case(), collect=True)
    assert trail.log == [(0, "bad starts"), (1, "bad fails"), (4, "tidied up")]


def test_of_failures_at_one_moment_the_first_started_is_raised_itself() -> None:
    async def case() -> None:
        trail = Trail()
        works = [trail.work(n, 1, error=broken(n))() for n in ("first", "second")]
        with pytest.raises(ApplicationError, match="first"):
            await gather(*works)

    run(case(), collect=True)


def test_a_group_is_cancelled_in_the_order_it_was_started() -> None:
    trail = Trail()

    async def grouped() -> None:
        async with Group() as group:
            for n in range(12):
                group.start(trail.work(f"n{n}", DAY)())
            await asyncio.sleep(1)
            raise broken("mine")

    async def case() -> None:
        with pytest.raises(ApplicationError, match="mine"):
            await grouped()

    run(case(), collect=True)
    assert trail.words[12:] == [f"n{n} cancelled" for n in range(12)]


def test_cancelling_a_group_from_outside_cancels_and_awaits_all() -> None:
    trail = Trail()

    async def grouped() -> None:
        async with Group() as group:
            group.start(trail.work("a", DAY)())

    async def case() -> None:
        task = asyncio.ensure_future(grouped())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert trail.words == ["a starts", "a cancelled"]

    run(case(), collect=True)


def test_work_that_heeds_no_cancellation_is_left_after_the_clean_up_time() -> None:
    async def case() -> None:
        trail = Trail()
        with pytest.raises(ApplicationError, match="bad"):
            await gather(trail.work("bad", 1, error=broken("bad"))(), trail.stubborn("deaf", 60)())
        assert elapsed() == 1 + CLEAN_UP.total_seconds()
        await asyncio.sleep(60)

    run(case(), collect=True)


def test_work_that_is_left_calls_nothing_more() -> None:
    """It ignores its cancellation and goes on buying: no door opens to it."""
    bought: list[float] = []
    refused: list[str] = []

    async def door(call: Call[Any, Any], request: Record) -> Record:
        bought.append(elapsed())
        return request

    async def buys() -> None:
        while True:
            try:
                await asyncio.sleep(4)
            except asyncio.CancelledError:
                continue
            try:
                await ask(BUY, Nothing())
            except ScopeClosed as error:
                refused.append(error.message)
                return

    async def case() -> None:
        with open_door(door):
            with pytest.raises(DeadlinePassed):
                await within(timedelta(seconds=5), buys(), "shopping")
            assert elapsed() == 5 + CLEAN_UP.total_seconds()
            await ask(BUY, Nothing())
            await asyncio.sleep(60)

    run(case(), collect=True)
    assert bought == [4, 9, 13, 15]
    assert refused == ["branch '' was given up and may not call 'buy'"]


def test_work_that_cancels_itself_is_a_failure_not_a_cancellation() -> None:
    async def cancels() -> None:
        raise asyncio.CancelledError

    async def case() -> None:
        with pytest.raises(ApplicationError, match="cancelled from inside"):
            await gather(cancels(), Trail().work("a", DAY)())

    run(case(), collect=True)


def test_within_gives_a_result_in_time_and_its_own_errors() -> None:
    async def case() -> None:
        trail = Trail()
        assert await within(timedelta(days=2), trail.work("a", DAY)(), "a") == "A"
        with pytest.raises(ApplicationError, match="bad"):
            await within(timedelta(days=2), trail.work("b", 1, error=broken("bad"))(), "b")
        assert elapsed() == DAY + 1

    run(case(), collect=True)


def test_within_raises_its_own_error_after_the_work_was_cancelled_and_awaited() -> None:
    async def case() -> None:
        trail = Trail()
        with pytest.raises(DeadlinePassed, match="the search took longer than 0:00:05"):
            await within(timedelta(seconds=5), trail.work("a", DAY)(), "the search")
        assert trail.log == [(0, "a starts"), (5, "a cancelled")]

    run(case(), collect=True)


def test_within_lets_a_cancellation_from_outside_through() -> None:
    async def case() -> None:
        trail = Trail()
        work = within(timedelta(seconds=5), trail.work("a", DAY)(), "a")
        task = asyncio.ensure_future(work)
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert trail.log[-1] == (1, "a cancelled")

    run(case(), collect=True)


def test_misuse_is_refused() -> None:
    async def case() -> None:
        group = Group()
        with pytest.raises(Misuse, match="outside its `async with Group"):
            group.start(asyncio.sleep(1))
        async with group:
            pass
        with pytest.raises(Misuse, match="move it inside"):
            group.start(asyncio.sleep(1))
        with pytest.raises(Misuse, match="no time at all; use a positive timedelta"):
            await within(timedelta(0), asyncio.sleep(1), "nothing")

    run(case(), collect=True)


def test_a_soft_dependency_is_taken_if_it_comes_in_time_and_goes_on_if_not() -> None:
    async def story() -> None:
        async def brief() -> str:
            await asyncio.sleep(5)
            return "brief"

        task = asyncio.ensure_future(brief())
        assert await in_time(task, timedelta(0), "brief") is None
        assert await in_time(task, timedelta(seconds=3), "brief") is None
        assert await in_time(task, timedelta(seconds=3), "brief") == "brief"
        assert await in_time(task, timedelta(0), "brief") == "brief"

    run(story(), collect=True)
