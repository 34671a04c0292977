"""Polls on virtual time: when they look, when they stop, and what an open door answers."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patterns.joining import broken, seconds
from tests.patterns.virtual import elapsed, run
from workflows.calls import Call, open_door
from workflows.data.common import Record
from workflows.errors import (
    DeadlinePassed,
    Misuse,
    NotYet,
    ScopeClosed,
    Unusable,
    call_failed,
)
from workflows.patterns.poll import MOST_LOOKS, Interval, patient, poll
from workflows.scope import Scope, enter_scope

DAY = timedelta(days=1)


class Job(Record):
    """Which job, or how far it is."""

    done: int = 0


JOB = Call("job_state", Job, Job, timeout=seconds(10), attempts=3)


class Outside:
    """A job done at the n-th look; notes when it was looked at."""

    def __init__(self, done_at: int, *, errors: Sequence[int] = ()) -> None:
        self.done_at, self.errors = done_at, errors
        self.looks: list[float] = []
        self.numbers: list[int] = []

    async def look(self, number: int) -> bool:
        self.numbers.append(number)
        self.looks.append(elapsed())
        if len(self.looks) in self.errors:
            raise broken("the line is dead")
        return len(self.looks) >= self.done_at

    async def door(self, _call: Call[Any, Any], _request: Record) -> Record:
        if not await self.look(0):
            raise NotYet("running")
        return Job(done=len(self.looks))


def polled(outside: Outside, **more: Any) -> bool:
    given: dict[str, Any] = {"every": Interval(seconds(1)), "deadline": DAY, **more}
    return run(poll("job", outside.look, bool, **given))


# ---- when it looks -------------------------------------------------------------------------


def test_it_looks_at_once_and_then_ever_more_rarely() -> None:
    outside = Outside(6)
    assert polled(outside, every=Interval(seconds(1), 3, seconds(10)), deadline=seconds(60))
    assert outside.looks == [0, 1, 4, 13, 23, 33]
    assert outside.numbers == [1, 2, 3, 4, 5, 6]


def test_what_is_done_at_once_costs_no_wait() -> None:
    outside = Outside(1)
    assert polled(outside)
    assert outside.looks == [0]


@given(
    first=st.integers(1, 100),
    factor=st.floats(1, 100),
    most=st.integers(100, 10_000),
    within=st.integers(1, 1000),
)
@settings(max_examples=60, deadline=None, print_blob=True)
def test_the_looks_foretold_are_those_that_happen(
    first: int, factor: float, most: int, within: int
) -> None:
    every, deadline = Interval(seconds(first), factor, seconds(most)), seconds(within)
    waits = [every.after(n) for n in range(1, 30)]
    assert waits == sorted(waits)
    assert waits[-1] <= seconds(most)
    told = every.looks(deadline, MOST_LOOKS + 1)
    outside = Outside(10**6)
    if told > MOST_LOOKS:
        with pytest.raises(Misuse, match="may look more than 400 times"):
            polled(outside, every=every, deadline=deadline)
        return
    with pytest.raises(DeadlinePassed, match=f"not done, {told} looks"):
        polled(outside, every=every, deadline=deadline)
    assert len(outside.looks) == told
    assert outside.looks[-1] < within


# ---- when it stops -------------------------------------------------------------------------


def test_it_ends_as_soon_as_no_further_look_fits() -> None:
    async def story() -> float:
        every = Interval(seconds(10), factor=1)
        with pytest.raises(DeadlinePassed, match="job was not done within 0:00:25: not done, 3"):
            await poll("job", Outside(9).look, bool, every=every, deadline=seconds(25))
        return elapsed()

    assert run(story()) == 20


def test_a_look_that_hangs_ends_with_the_deadline() -> None:
    async def hangs(_number: int) -> bool:
        await asyncio.sleep(1000)
        return True

    async def story() -> float:
        with pytest.raises(DeadlinePassed, match="the first look took longer"):
            await poll("job", hangs, bool, every=Interval(seconds(1)), deadline=seconds(25))
        return elapsed()

    assert run(story()) == 25


def test_a_failing_look_fails_the_poll_unless_tolerated_in_a_row() -> None:
    with pytest.raises(Exception, match="the line is dead"):
        polled(Outside(5, errors=[2]))
    assert polled(Outside(9, errors=[2, 3, 5, 6]), tolerate=2)
    with pytest.raises(Exception, match="the line is dead"):
        polled(Outside(9, errors=[2, 3, 5, 6, 7]), tolerate=2)


def test_a_look_that_is_no_async_function_is_never_tolerated() -> None:
    every = Interval(seconds(1))
    at_once: Any = bool
    with pytest.raises(Misuse, match="poll 'job': look gave a bool at once; make it an `async def"):
        run(poll("job", at_once, bool, every=every, deadline=seconds(9), tolerate=9))


def test_misuse_while_looking_is_never_tolerated() -> None:
    async def wrong(_number: int) -> bool:
        raise Misuse("wrongly")

    with pytest.raises(Misuse, match="wrongly"):
        run(poll("x", wrong, bool, every=Interval(seconds(1)), deadline=DAY, tolerate=9))


def test_cancelling_stops_the_looking() -> None:
    outside = Outside(99)

    async def story() -> None:
        work = poll("job", outside.look, bool, every=Interval(seconds(2), 1), deadline=seconds(99))
        task = asyncio.ensure_future(work)
        await asyncio.sleep(3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(story())
    assert outside.looks == [0, 2]


async def done_later(_seen: bool) -> bool:
    return True


@pytest.mark.parametrize(
    ("done", "message"),
    [
        (lambda seen: seen["x"], "poll 'job': its `done` failed: TypeError"),
        (done_later, "`done` gave <coroutine .*; it is a plain function to a bool"),
        (lambda _: None, "`done` gave None"),
    ],
)
def test_a_done_that_gives_no_answer_fails_the_poll(done: Any, message: str) -> None:
    with pytest.raises(Unusable, match=message):
        run(
            poll("job", Outside(1).look, done, every=Interval(seconds(1)), deadline=DAY),
            collect=True,
        )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Interval(timedelta(0)), "an interval of nothing"),
        (lambda: Interval(seconds(1), factor=0.5), "shortens the waits or leaps; use 1 to 100"),
        (lambda: Interval(seconds(1), factor=float("nan")), "shortens the waits or leaps"),
        (lambda: Interval(seconds(9), most=seconds(1)), "most=0:00:01 is less than first"),
        (lambda: Interval(timedelta(hours=2)), "is less than first"),
        (lambda: polled(Outside(1), deadline=timedelta(0)), "poll 'job' has no time at all"),
        (
            lambda: polled(Outside(1), every=Interval(seconds(1), 1)),
            "may look more than 400 times, 11 events each",
        ),
        (
            lambda: run(patient(JOB, Job(), every=Interval(seconds(1)), deadline=timedelta(0))),
            "poll 'job_state' has no time at all",
        ),
        (lambda: Interval(5), "first=5: an interval of nothing .*use a positive timedelta"),  # type: ignore[arg-type]
        (lambda: Interval(seconds(1), "2"), "factor='2' shortens the waits or leaps"),  # type: ignore[arg-type]
        (lambda: Interval(seconds(1), most=60), "most=60 is of type int; use a timedelta"),  # type: ignore[arg-type]
        (lambda: polled(Outside(1), deadline=60), "no time at all: deadline=60; use a positive"),
        (lambda: polled(Outside(1), every=seconds(1)), r"every is of type timedelta; use Interval"),
        (lambda: polled(Outside(1), tolerate="1"), "tolerate='1' is no number of looks"),
        (lambda: polled(Outside(1), tolerate=-1), "tolerate=-1 is no number of looks; use 0"),
        (
            lambda: run(poll("job", 1, bool, every=Interval(seconds(1)), deadline=DAY)),  # type: ignore[arg-type]
            "poll 'job': look is of type int; give a function",
        ),
        (
            lambda: run(poll("job", Outside(1).look, True, every=Interval(DAY / 99), deadline=DAY)),  # type: ignore[arg-type]
            "poll 'job': done is of type bool; give a function",
        ),
        (
            lambda: run(patient("job", Job(), every=Interval(seconds(1)), deadline=DAY)),  # type: ignore[arg-type]
            "what patient opens is of type str; give a Call",
        ),
        (
            lambda: run(patient(JOB, Job(), every=seconds(1), deadline=DAY)),  # type: ignore[arg-type]
            r"poll 'job_state': every is of type timedelta; use Interval\(first\)",
        ),
    ],
)
def test_misuse_is_refused_before_anything_runs(build: Callable[[], object], message: str) -> None:
    with pytest.raises(Misuse, match=message):
        build()


# ---- patient behind an open door -----------------------------------------------------------


def waited(outside: Any, **more: Any) -> Job:
    given: dict[str, Any] = {"every": Interval(seconds(1)), "deadline": DAY, **more}

    async def story() -> Job:
        with open_door(outside.door):
            return await patient(JOB, Job(), **given)

    return run(story())


def test_an_open_door_that_says_not_yet_is_tried_again() -> None:
    outside = Outside(5)
    assert waited(outside) == Job(done=5)
    assert outside.looks == [0, 1, 3, 7, 15]


def test_it_looks_as_often_as_it_takes() -> None:
    outside = Outside(1000)
    assert waited(outside, every=Interval(seconds(1), 1)) == Job(done=1000)


class Wishing(Outside):
    """Says when to ask again; as a failed call, the way a fused step's door raises it."""

    async def door(self, call: Call[Any, Any], request: Record) -> Record:
        if not await self.look(0):
            raise call_failed(call.name, NotYet("running", after=seconds(30)))
        return Job()


def test_the_other_sides_wish_goes_before_the_interval() -> None:
    outside = Wishing(3)
    waited(outside)
    assert outside.looks == [0, 30, 60]


def test_a_job_that_is_not_done_in_time() -> None:
    with pytest.raises(DeadlinePassed, match="job_state was not done within 0:00:20: running, 5"):
        waited(Outside(99), deadline=seconds(20))


def test_a_failure_is_not_taken_for_not_yet() -> None:
    with pytest.raises(Exception, match="the line is dead"):
        waited(Outside(5, errors=[2]))


def test_a_branch_that_was_given_up_looks_no_more() -> None:
    async def story() -> None:
        scope = Scope("gone", closed=True)
        enter_scope(scope)
        await patient(JOB, Job(), every=Interval(seconds(1)), deadline=DAY)

    with pytest.raises(ScopeClosed, match="branch 'gone' was given up and may not call"):
        run(story())
