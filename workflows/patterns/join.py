"""Join: run branches at once and go on as soon as enough of them have settled.

`joined = await join({"a": ask_a, "b": ask_b}, until=at_least(1), deadline=timedelta(days=2))`
Plain cases are `asyncio.gather`; this adds policies, deadlines, early ends, and the cancelling
and awaiting of the branches that are no longer needed.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

from workflows.calls import Scope, current_scope, enter_scope
from workflows.errors import DeadlinePassed, JoinFailed, Misuse, reason
from workflows.patterns.clock import Bell, now, pause, shielded, wait_all
from workflows.patterns.failure import Policy, fail, tolerate
from workflows.patterns.outcome import Joined, Outcome, Status
from workflows.patterns.until import End, Tally, Until, all_succeed

T = TypeVar("T")
CLEAN_UP = timedelta(seconds=10)
"""How long branches that are given up may take to end."""
Work = Callable[[], Awaitable[T]]
STATUS: Mapping[str, Status] = {"default": "defaulted", "skip": "skipped"}
"""What a policy makes of a failure; every other one leaves it `failed`."""


@dataclass(frozen=True, eq=False)
class Branch(Generic[T]):
    """One of several things done at once.

    `work` is called when the branch starts. `on_failure` None means the join's default; `timeout`
    bounds `work`, not a fallback, and fails this branch alone.
    """

    name: str
    work: Work[T]
    on_failure: Policy | None = None
    timeout: timedelta | None = None


async def join(
    branches: Mapping[str, Work[Any]] | Sequence[Branch[Any]],
    *,
    until: Until | None = None,
    deadline: timedelta | None = None,
    limit: int | None = None,
) -> Joined:
    """Run branches at once until enough have settled; cancel and await the rest.

    A `deadline` of nothing or less has passed already. `limit` bounds the branches in flight;
    one that is given up counts until it ended, at most the clean-up time. Raises JoinFailed when
    a branch fails whose policy is `fail` or a predicate raises, and Misuse, before anything runs,
    when the join can never end as asked.
    """
    if isinstance(branches, Mapping):
        branches = [Branch(name, work) for name, work in branches.items()]
    return await _Join(list(branches), until or all_succeed(), deadline, limit).run()


class _Run:
    """A branch under way: its work, or the fallback after `error`."""

    def __init__(
        self, branch: Branch[Any], scope: Scope, error: BaseException | None = None
    ) -> None:
        self.branch, self.scope, self.error = branch, scope, error
        self.started: datetime | None = None
        self.task: asyncio.Task[None] | None = None
        self.clock: asyncio.Task[None] | None = None
        self.given_up = False

    def give_up(self) -> None:
        """Cancel it. Nothing it still does counts, but it may undo what it did."""
        self.given_up = True
        self.stop_clock()
        if self.task is not None:
            self.task.cancel()

    def stop_clock(self) -> None:
        """Let the timeout pass unheeded: the work is over."""
        if self.clock is not None:
            self.clock.cancel()
            self.clock = None


class _Join:
    """One running join. All state changes ring the bell; the verdict is found when it wakes."""

    def __init__(
        self,
        branches: list[Branch[Any]],
        until: Until,
        deadline: timedelta | None,
        limit: int | None,
    ) -> None:
        _check(branches, limit)
        until.check(len(branches))
        self.until, self.deadline, self.limit = until, deadline, limit
        self.default = fail() if until.fails_by_default else tolerate()
        scope = current_scope()
        self.runs = {b.name: _Run(b, scope.inside(b.name)) for b in branches}
        self.order = {name: place for place, name in enumerate(self.runs)}
        self.waiting = deque(self.runs.values())
        self.busy: set[asyncio.Task[None]] = set()
        self.partings: list[asyncio.Task[None]] = []
        self.outcomes: dict[str, Outcome[Any]] = {}
        self.expired: list[_Run] = []
        self.fresh: list[Outcome[Any]] = []
        self.successes = self.failures = 0
        self.fatal: list[Outcome[Any]] = []
        self.bell = Bell()
        self.due = deadline is not None and deadline <= timedelta(0)

    async def run(self) -> Joined:
        alarm = asyncio.ensure_future(self._alarm())
        try:
            end = await self._until_ended()
        except (Exception, asyncio.CancelledError):  # not when an evicted workflow is closed
            await self._leave(alarm)
            raise
        await self._leave(alarm)
        joined = Joined(end.reason, {name: self.outcomes[name] for name in self.runs}, end.by)
        if end.reason == "failed":
            raise _failed(end, joined)
        return joined

    async def _leave(self, alarm: asyncio.Task[None]) -> None:
        """Give up what is left and clean up after it, whatever is cancelled meanwhile."""
        alarm.cancel()
        left = [r for name, r in self.runs.items() if name not in self.outcomes]
        for run in left:
            run.give_up()
        await shielded(self._clean_up(left))

    async def _until_ended(self) -> End:
        while (end := self._look()) is None:
            while self.waiting and (self.limit is None or len(self.busy) < self.limit):
                self._start(self.waiting.popleft())
            await self.bell.wait()
        return end

    def _look(self) -> End | None:
        """Look once at everything that happened since the last look."""
        for run in self.expired:
            if run.clock is not None:
                self._expire(run)
        fresh = sorted(self.fresh, key=self._place)
        self.expired, self.fresh = [], []
        if self.fatal:
            first = min(self.fatal, key=self._place)
            why = reason(first.error) if first.error else first.status
            return End("failed", first.name, first.error, f"branch {first.name!r} failed: {why}")
        still_open = len(self.runs) - len(self.outcomes)
        tally = Tally(len(self.outcomes), self.successes, self.failures, still_open, fresh)
        end = self.until.verdict(tally)
        return End("deadline") if end is None and self.due else end

    def _place(self, outcome: Outcome[Any]) -> int:
        return self.order[outcome.name]

    def _start(self, run: _Run) -> None:
        work = self._work(run) if run.error is None else self._instead(run, run.error)
        run.started = run.started or now()
        run.task = asyncio.ensure_future(work)
        self.busy.add(run.task)
        run.task.add_done_callback(self._free)
        if run.branch.timeout is not None and run.error is None:
            clock = pause(run.branch.timeout, f"{run.branch.name}: timeout")
            run.clock = asyncio.ensure_future(clock)
            run.clock.add_done_callback(partial(self._rang, run))

    def _free(self, task: asyncio.Task[None]) -> None:
        self.busy.discard(task)
        self.bell.ring()

    def _rang(self, run: _Run, clock: asyncio.Task[None]) -> None:
        if not clock.cancelled():
            self.expired.append(run)
            self.bell.ring()

    async def _alarm(self) -> None:
        if self.deadline is not None and not self.due:
            await pause(self.deadline, f"{current_scope().name or 'join'}: deadline")
            self.due = True
            self.bell.ring()

    async def _work(self, run: _Run) -> None:
        enter_scope(run.scope)
        try:
            value = await run.branch.work()
        except (Exception, asyncio.CancelledError) as error:
            if _stopped_from_outside(error):
                self._failed(run, error, self.default)
                raise
            policy = run.branch.on_failure or self.default
            if policy.kind == "fallback" and not run.given_up:
                run.stop_clock()
                await self._instead(run, error)
            else:
                self._failed(run, error, policy)
        else:
            self._settle(run, Outcome(run.branch.name, "succeeded", value))

    async def _instead(self, run: _Run, failure: BaseException) -> None:
        """Do the fallback; if it fails too, the branch failed under the join's default."""
        enter_scope(run.scope)
        policy = run.branch.on_failure
        assert policy is not None and policy.work is not None  # noqa: S101, PT018 - a fallback
        try:
            value = await policy.work()
        except (Exception, asyncio.CancelledError) as error:
            self._failed(run, error, self.default)
            if _stopped_from_outside(error):
                raise
        else:
            result = Outcome(run.branch.name, "succeeded", value, failure, via=policy.name)
            self._settle(run, result)

    def _failed(self, run: _Run, error: BaseException, policy: Policy) -> None:
        outcome = Outcome(run.branch.name, STATUS.get(policy.kind, "failed"), policy.value, error)
        if self._settle(run, outcome) and policy.kind == "fail":
            self.fatal.append(outcome)

    def _settle(self, run: _Run, outcome: Outcome[Any]) -> bool:
        """Write down what became of a branch, unless it was given up before."""
        if run.given_up:
            return False
        run.stop_clock()
        outcome = replace(outcome, started=run.started, ended=now())
        self.outcomes[outcome.name] = outcome
        self.fresh.append(outcome)
        self.successes += outcome.is_success
        self.failures += outcome.status == "failed"
        self.bell.ring()
        return True

    def _expire(self, run: _Run) -> None:
        """Part with a branch that took too long, without waiting for it; its policy applies."""
        branch = run.branch
        error = DeadlinePassed(f"branch {branch.name!r} took longer than {branch.timeout}")
        policy = branch.on_failure or self.default
        if policy.kind == "fallback":
            again = _Run(branch, replace(run.scope), error)
            again.started = run.started
            self.runs[branch.name] = again
            self.waiting.appendleft(again)
        else:
            self._failed(run, error, policy)
        run.give_up()
        self.partings.append(asyncio.ensure_future(self._part(run)))

    async def _part(self, run: _Run) -> None:
        """Give a parted branch time to undo what it did; then it may call nothing more."""
        if run.task is not None:
            await wait_all([run.task], CLEAN_UP)
            self._free(run.task)
        run.scope.closed = True

    async def _clean_up(self, left: list[_Run]) -> None:
        """Wait within bounds for what was cancelled, and say what became of each."""
        tasks = [r.task for r in left if r.task is not None]
        await wait_all([*tasks, *self.partings], CLEAN_UP)
        for run in left:
            run.scope.closed = True
            status: Status = "cancelled"
            if run.started is None:
                status = "not_started"
            elif run.task is not None and not run.task.done():
                status = "abandoned"
            outcome = Outcome[Any](run.branch.name, status, started=run.started, ended=now())
            self.outcomes[outcome.name] = outcome


def _check(branches: list[Branch[Any]], limit: int | None) -> None:
    """Raise Misuse for what no join can be built from."""
    twice = sorted(name for name, n in Counter(b.name for b in branches).items() if n > 1)
    if twice:
        raise Misuse(f"branches named twice: {', '.join(twice)}; rename one")
    if limit is not None and limit < 1:
        raise Misuse(f"limit={limit} lets nothing run; use 1 or more, or None")
    for branch in branches:
        if branch.timeout is not None and branch.timeout <= timedelta(0):
            raise Misuse(f"branch {branch.name!r} has no time at all; use a positive timeout")


def _stopped_from_outside(error: BaseException) -> bool:
    """Say whether the task itself was cancelled, rather than something it waited for."""
    task = asyncio.current_task()
    stopped = task is not None and task.cancelling() > 0
    return stopped and isinstance(error, asyncio.CancelledError)


def _failed(end: End, joined: Joined) -> JoinFailed:
    error = JoinFailed(end.message, joined.summary())
    error.values, error.__cause__ = joined.values, end.error
    return error
