"""Poll: wait for an outside job by looking at it, ever more rarely, until a deadline.

`poll` is made of workflow timers and Calls; `patient` is one activity that the server tries again
until the job is done, so that the history stays the same however often it was looked at.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from inspect import iscoroutine
from typing import TypeVar, cast

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    RetryState,
    TimeoutError,
    TimeoutType,
    is_cancelled_exception,
)

from workflows.calls import HEARTBEAT, Call, In, Out, ask, is_open, on_queue
from workflows.errors import (
    BraidError,
    DeadlinePassed,
    Misuse,
    NotYet,
    ScopeClosed,
    Unusable,
    not_yet,
    reason,
)
from workflows.patterns.checks import awaited, is_number, is_time, is_whole, must_be, must_call
from workflows.patterns.clock import now, pause
from workflows.patterns.join import join
from workflows.patterns.until import all_settled
from workflows.scope import current_scope
from workflows.turns import out_of_turn

T = TypeVar("T")
EVENTS_PER_LOOK = 11
"""What a look of one Call and the timer after it leave in a history."""
MOST_LOOKS = 400
"""More looks by `poll` fill too much of a history; `patient` leaves nothing however many."""


@dataclass(frozen=True)
class Interval:
    """The time between two looks: `first`, then each `factor` times the one before, at most `most`.

    It has no jitter: waits are the same on replay.
    """

    first: timedelta
    factor: float = 2.0
    most: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        if not is_time(self.first):
            raise Misuse(
                f"first={self.first!r}: an interval of nothing never lets go; use a positive"
                " timedelta"
            )
        if not is_number(self.factor) or not 1.0 <= self.factor <= 100.0:
            raise Misuse(f"factor={self.factor!r} shortens the waits or leaps; use 1 to 100")
        must_be(timedelta, self.most, f"an interval's most={self.most!r}", "use a timedelta")
        if self.most < self.first:
            raise Misuse(f"most={self.most} is less than first={self.first}; raise it")

    def after(self, looks: int) -> timedelta:
        """Give the wait after so many looks, 1 or more."""
        wait = self.first
        for _ in range(looks - 1):
            if wait >= self.most:
                break
            wait *= self.factor
        return min(wait, self.most)

    def looks(self, within: timedelta, most: int) -> int:
        """Count the looks that fit into a time, the first at once; no further than `most`."""
        looks, at = 1, self.first
        while at < within and looks < most:
            looks += 1
            at += self.after(looks)
        return looks


async def poll(
    name: str,
    look: Callable[[int], Awaitable[T]],
    done: Callable[[T], bool],
    *,
    every: Interval,
    deadline: timedelta,
    tolerate: int = 0,
) -> T:
    """Look until `done` holds for what was seen, and give that.

    `look` gets its number, from 1: put it into the request, or a fused step reads its first
    answer back. So many failed looks in a row are tolerated. Raises DeadlinePassed once no further
    look fits, Misuse where the looks would fill too much of a history.
    """
    _check(name, every, deadline)
    _check_look(name, look, done, tolerate)
    _check_history(name, every, deadline)
    failed = 0

    async def judged(number: int) -> T:
        nonlocal failed
        try:
            seen = await awaited(look(number), f"poll {name!r}: look")
        except (ActivityError, ApplicationError) as error:
            if not_yet(error) is not None:
                raise
            failed += 1
            if failed > tolerate or isinstance(error, BraidError) or is_cancelled_exception(error):
                raise
            raise NotYet(reason(error)) from error
        failed = 0
        if not _holds(name, done, seen):
            raise NotYet("not done")
        return seen

    return await _until(name, judged, every, deadline)


async def patient(
    call: Call[In, Out],
    request: In,
    *,
    every: Interval,
    deadline: timedelta,
    queue: str | None = None,
) -> Out:
    """Open a door again and again until its activity no longer raises NotYet; give its answer.

    One activity, whose attempts leave no events; `every` is its retry policy, an `after` of
    NotYet goes before. Other retryable errors are tried again alike, in place of `call.attempts`.
    Raises DeadlinePassed once no further attempt fits, and ActivityError for a final error.
    """
    must_be(Call, call, "what patient opens", "give a Call, or poll with a function")
    _check(call.name, every, deadline)
    if is_open():
        return await _until(
            call.name, lambda _number: ask(call, request, queue=queue), every, deadline
        )
    scope = current_scope()
    if scope.is_closed():
        raise ScopeClosed(f"branch {scope.name!r} was given up and may not call {call.name!r}")
    try:
        with out_of_turn():
            return await _tried_again(call, request, every, deadline, queue)
    except ActivityError as error:
        if _is_late(error):
            raise _late(call.name, deadline, reason(error)) from error
        raise


async def _tried_again(
    call: Call[In, Out], request: In, every: Interval, deadline: timedelta, queue: str | None
) -> Out:
    name = current_scope().name
    answer = await workflow.execute_activity(
        call.name,
        request,
        result_type=call.output,
        task_queue=on_queue(queue or call.queue),
        start_to_close_timeout=call.timeout,
        schedule_to_close_timeout=deadline,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RetryPolicy(
            initial_interval=every.first,
            backoff_coefficient=every.factor,
            maximum_interval=every.most,
        ),
        summary=f"{name}: {call.name}" if name else call.name,
    )
    return cast(Out, answer)


async def _until(
    name: str, look: Callable[[int], Awaitable[T]], every: Interval, deadline: timedelta
) -> T:
    """Look until no NotYet is raised, within one timer for the deadline."""
    end, last = now() + deadline, ""

    async def looking() -> T:
        nonlocal last
        number = 0
        while True:
            number += 1
            try:
                return await look(number)
            except (ActivityError, ApplicationError) as error:
                if (said := not_yet(error)) is None:
                    raise
                last = f"{said.message}, {number} looks"
                wait = said.next_retry_delay or every.after(number)
            if now() + wait >= end:
                raise _late(name, deadline, last)
            await pause(wait, f"{name}: look {number + 1}")

    joined = await join({name: looking}, until=all_settled(), deadline=deadline)
    if (error := joined[name].error) is not None:
        raise error
    if joined.reason == "deadline":
        raise _late(name, deadline, last or "the first look took longer")
    return cast(T, joined.require(name))


def _check(name: str, every: Interval, deadline: timedelta) -> None:
    must_be(Interval, every, f"poll {name!r}: every", "use Interval(first)")
    if not is_time(deadline):
        raise Misuse(
            f"poll {name!r} has no time at all: deadline={deadline!r}; use a positive timedelta"
        )


def _check_look(name: str, look: object, done: object, tolerate: int) -> None:
    must_call(look, f"poll {name!r}: look")
    must_call(done, f"poll {name!r}: done")
    if not is_whole(tolerate) or tolerate < 0:
        raise Misuse(f"poll {name!r}: tolerate={tolerate!r} is no number of looks; use 0 or more")


def _check_history(name: str, every: Interval, deadline: timedelta) -> None:
    if every.looks(deadline, MOST_LOOKS + 1) > MOST_LOOKS:
        raise Misuse(
            f"poll {name!r} may look more than {MOST_LOOKS} times, {EVENTS_PER_LOOK} events each;"
            " look more rarely, or use patient"
        )


def _holds(name: str, done: Callable[[T], bool], seen: T) -> bool:
    try:
        held = done(seen)
    except Exception as error:
        raise Unusable(f"poll {name!r}: its `done` failed: {error!r}") from error
    if iscoroutine(held):
        held.close()
    if not isinstance(held, bool):
        raise Unusable(f"poll {name!r}: `done` gave {held!r}; it is a plain function to a bool")
    return held


def _is_late(error: ActivityError) -> bool:
    """Say whether the time for all attempts is over, rather than for one."""
    return error.retry_state is RetryState.TIMEOUT or (
        isinstance(error.cause, TimeoutError) and error.cause.type is TimeoutType.SCHEDULE_TO_CLOSE
    )


def _late(name: str, deadline: timedelta, last: str) -> DeadlinePassed:
    return DeadlinePassed(f"{name} was not done within {deadline}: {last}")
