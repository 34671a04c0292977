"""Attempts at a branch's work, and how many of them are in flight at once."""

import asyncio
from collections import deque
from contextvars import ContextVar
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from workflows.calls import only_in_workflow
from workflows.errors import CoverageTooLow, DeadlinePassed, asked_of_sdk
from workflows.patterns.branch import Branch
from workflows.patterns.clock import Bell, pause, wait_all
from workflows.patterns.outcome import Covered, Outcome
from workflows.patterns.saga import Saga, enter_saga
from workflows.scope import Scope, enter_scope


class Watch:
    """Wakes a join once everything that can run has run, joins inside its branches included.

    Inner and outer joins wake together; the outer one then waits until the inner ones came to
    rest, so that a branch they end is seen in the same look as its siblings.
    """

    def __init__(self) -> None:
        self._bell = Bell()
        self._outer = _around.get()
        self._stirred = False

    def enter(self) -> None:
        """Run the rest of this task inside the join."""
        _around.set(self)

    def ring(self) -> None:
        """Note that something changed."""
        self._bell.ring()
        outer = self._outer
        while outer is not None:
            outer._stirred = True
            outer = outer._outer

    async def wait(self) -> None:
        """Wait for a ring, and until nothing moves any more."""
        await self._bell.wait()
        while self._stirred:
            self._stirred = False
            self.ring()
            await self._bell.wait()


_around: ContextVar[Watch | None] = ContextVar("braid_join", default=None)


class Attempt:
    """One go at the work of a branch. `ended` gets its outcome, or that it took too long."""

    def __init__(self, branch: Branch[Any], place: int, scope: Scope, section: Saga) -> None:
        self.branch, self.place, self.scope, self.section = branch, place, scope, section
        self.ended: asyncio.Future[Outcome[Any]] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None
        self.clock: asyncio.Task[None] | None = None
        self.parting: asyncio.Task[None] | None = None
        self.given_up = False

    def start(self, watch: Watch) -> asyncio.Task[None]:
        """Begin the work, and the clock if it has a timeout."""
        self.task = asyncio.ensure_future(self._work(watch))
        if self.branch.timeout is not None:
            clock = pause(self.branch.timeout, f"{self.scope.name}: timeout")
            self.clock = asyncio.ensure_future(clock)
        return self.task

    def expire(self) -> None:
        """Part with work that took too long; nothing it still does counts."""
        limit = self.branch.timeout
        error = DeadlinePassed(f"branch {self.branch.name!r} took longer than {limit}")
        self._end(failed(self.branch, error))
        self.give_up()

    def give_up(self) -> None:
        """Cancel it, once. Nothing it still does counts, but it may undo what it did."""
        if self.given_up:
            return
        self.given_up = True
        self.ended.cancel()
        for task in (self.clock, self.task):
            if task is not None:
                task.cancel()

    async def _work(self, watch: Watch) -> None:
        enter_scope(self.scope)
        enter_saga(self.section)
        watch.enter()
        try:
            value = await self.branch.work()
        except (Exception, asyncio.CancelledError) as error:
            self._end(failed(self.branch, error))
        else:
            self._end(judged(self.branch, value))

    def _end(self, outcome: Outcome[Any]) -> None:
        if not self.ended.done():
            self.ended.set_result(outcome)
        if self.clock is not None:
            self.clock.cancel()


class Effort:
    """All attempts at one branch's work: the branch's own, or its fallback's.

    `place` is the branch's in declaration order.
    """

    def __init__(self, branch: Branch[Any], place: int, scope: Scope, section: Saga) -> None:
        self.branch, self.place, self.scope, self.section = branch, place, scope, section
        self.attempts: list[Attempt] = []

    def attempt(self) -> Attempt:
        """Prepare the next go, in a scope and a section of its own."""
        section = self.section.inside("again") if self.attempts else self.section
        scope = Scope(self.scope.name, self.scope)
        attempt = Attempt(self.branch, self.place, scope, section)
        self.attempts.append(attempt)
        return attempt

    async def parted(self) -> None:
        """Wait until those whose time was over have ended, or were abandoned."""
        for attempt in self.attempts:
            if attempt.parting is not None:
                await attempt.parting

    async def result(self) -> Outcome[Any]:
        """Wait for the end of the last attempt."""
        return await self.attempts[-1].ended


class Lanes:
    """Attempts in flight, at most `limit` at once (None: any number).

    What took too long keeps its place until it ended or the clean-up time is over.
    """

    def __init__(self, limit: int | None, clean_up: timedelta, watch: Watch) -> None:
        self.limit, self.clean_up, self.watch = limit, clean_up, watch
        self.arrived: list[Attempt] = []
        self.queued: deque[Attempt] = deque()
        self.partings: list[asyncio.Task[None]] = []
        self._busy: set[Attempt] = set()
        self._overdue: list[Attempt] = []

    @property
    def is_free(self) -> bool:
        """Whether another attempt may start."""
        return self.limit is None or len(self._busy) < self.limit

    def start(self, attempt: Attempt) -> None:
        """Start an attempt now."""
        self._busy.add(attempt)
        attempt.start(self.watch).add_done_callback(partial(self._free, attempt))
        if attempt.clock is not None:
            attempt.clock.add_done_callback(partial(self._rang, attempt))

    def queue(self, attempt: Attempt) -> None:
        """Start an attempt as soon as there is place, before branches not yet begun.

        Of those that arrive in one task the first declared goes first.
        """
        self.arrived.append(attempt)
        self.watch.ring()

    def start_queued(self) -> None:
        """Start what waits, as far as there is place."""
        self.queued += sorted(self.arrived, key=lambda attempt: attempt.place)
        self.arrived = []
        while self.queued and self.is_free:
            attempt = self.queued.popleft()
            if not attempt.ended.done():
                self.start(attempt)

    async def moved(self) -> None:
        """Wait until something happened and came to rest, and no attempt is overdue."""
        await self.watch.wait()
        while self._part_with_overdue():
            self.watch.ring()
            await self.watch.wait()

    def _part_with_overdue(self) -> bool:
        """Part with attempts whose time is over, without waiting for them. Say whether any was."""
        overdue, self._overdue = [a for a in self._overdue if not a.ended.done()], []
        for attempt in overdue:
            attempt.expire()
            attempt.parting = asyncio.ensure_future(self._part(attempt))
            self.partings.append(attempt.parting)
        return bool(overdue)

    async def _part(self, attempt: Attempt) -> None:
        """Give it time to undo what it did; then it may call nothing more."""
        if attempt.task is not None:
            await wait_all([attempt.task], self.clean_up)
        attempt.scope.closed = True
        self._free(attempt)

    def _free(self, attempt: Attempt, _task: object = None) -> None:
        self._busy.discard(attempt)
        self.watch.ring()

    def _rang(self, attempt: Attempt, clock: asyncio.Task[None]) -> None:
        if not clock.cancelled():
            self._overdue.append(attempt)
            self.watch.ring()


def failed(branch: Branch[Any], error: BaseException) -> Outcome[Any]:
    """Give the outcome of an error. Use of the SDK where there is no workflow ends a fused step.

    At once, whatever the branch's policy says of failures.
    """
    if what := asked_of_sdk(error):
        error = _refused(what, error)
    return Outcome(branch.name, "failed", error=error)


def _refused(what: str, error: BaseException) -> BaseException:
    """Give what a fused step refuses it with; outside of one the error itself."""
    try:
        only_in_workflow(what)
    except Exception as refusal:
        refusal.__cause__ = error
        return refusal
    return error


def judged(branch: Branch[Any], value: object) -> Outcome[Any]:
    """Unwrap what a branch gave, and see whether it covers enough."""
    if not isinstance(value, Covered):
        return Outcome(branch.name, "succeeded", value)
    share, least = value.coverage, branch.min_coverage
    outcome = Outcome[Any](branch.name, "succeeded", value.value)
    if share < least:
        error = CoverageTooLow(f"branch {branch.name!r} covers {share:g}, but must {least:g}")
        outcome = failed(branch, error)
    elif share < 1:
        outcome = replace(outcome, status="partial")
    return replace(outcome, coverage=share, confidence=value.confidence)
