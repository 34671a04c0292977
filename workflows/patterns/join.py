"""Join: run branches at once and go on as soon as enough of them have settled.

`joined = await join({"a": ask_a, "b": ask_b}, until=at_least(1), deadline=timedelta(days=2))`
Plain cases are `asyncio.gather`; this adds policies, deadlines, early ends, and the cancelling
and awaiting of the branches that are no longer needed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Generic, TypeVar

from temporalio.exceptions import is_cancelled_exception

from workflows.calls import Scope, current_scope, enter_scope
from workflows.errors import DeadlinePassed, JoinFailed, Misuse, reason
from workflows.patterns.clock import Bell, now, pause, shielded, wait_all
from workflows.patterns.failure import Policy, fail, tolerate
from workflows.patterns.outcome import Joined, Outcome, Status
from workflows.patterns.until import Tally, Until, all_succeed

T = TypeVar("T")
CLEAN_UP = timedelta(seconds=10)
"""How long branches that are given up may take to end."""

Work = Callable[[], Awaitable[T]]


@dataclass(frozen=True, eq=False)
class Branch(Generic[T]):
    """One of several things done at once.

    `work` is called when the branch starts. `on_failure` None means the join's default; `timeout`
    fails this branch alone.
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

    Raises JoinFailed when a branch fails whose policy is `fail` or a predicate raises, and
    Misuse, before anything runs, when the join can never end as asked.
    """
    return await _Join(_listed(branches), until or all_succeed(), deadline, limit).run()


def _listed(branches: Mapping[str, Work[Any]] | Sequence[Branch[Any]]) -> list[Branch[Any]]:
    if isinstance(branches, Mapping):
        return [Branch(name, work) for name, work in branches.items()]
    return list(branches)


class _Join:
    """One running join. All state changes ring the bell; the verdict is found when it wakes."""

    def __init__(
        self,
        branches: list[Branch[Any]],
        until: Until,
        deadline: timedelta | None,
        limit: int | None,
    ) -> None:
        names = [b.name for b in branches]
        if twice := {n for n in names if names.count(n) > 1}:
            raise Misuse(f"branches named twice: {', '.join(sorted(twice))}; rename one")
        if limit is not None and limit < 1:
            raise Misuse(f"limit={limit} lets nothing run; use 1 or more, or None")
        until.check(len(branches))
        self.branches, self.until, self.deadline = branches, until, deadline
        self.limit = limit or len(branches)
        self.default = fail() if until.fails_by_default else tolerate()
        self.outcomes: dict[str, Outcome[Any]] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.scopes: dict[str, Scope] = {}
        self.strays: list[asyncio.Task[Any]] = []
        self.failure: Outcome[Any] | None = None
        self.bell = Bell()
        self.ended = False

    async def run(self) -> Joined:
        alarm = asyncio.ensure_future(self._alarm(self.deadline)) if self.deadline else None
        try:
            why = await self._until_ended(alarm)
        except BaseException:
            self.ended = True
            await shielded(self._clean_up())
            raise
        finally:
            if alarm is not None:
                alarm.cancel()
        self.ended = True
        await shielded(self._clean_up())
        joined = Joined(why, {b.name: self.outcomes[b.name] for b in self.branches})
        if self.failure is not None:
            raise _failed(self.failure, joined)
        return joined

    async def _until_ended(self, alarm: asyncio.Task[None] | None) -> str:
        while True:
            if self.failure is None and (why := self.until.verdict(self._tally())) is not None:
                return why
            if self.failure is not None:
                return "failed"
            if alarm is not None and alarm.done():
                return "deadline"
            self._start_ready()
            await self.bell.wait()

    def _tally(self) -> Tally:
        settled = [self.outcomes[b.name] for b in self.branches if b.name in self.outcomes]
        return Tally(settled, len(self.branches) - len(settled))

    def _start_ready(self) -> None:
        for branch in self.branches:
            running = sum(not t.done() for t in self.tasks.values())
            if running >= self.limit:
                return
            if branch.name not in self.tasks:
                self.scopes[branch.name] = current_scope().inside(branch.name)
                task = asyncio.ensure_future(self._one(branch))
                task.add_done_callback(partial(self._ended, branch.name))
                self.tasks[branch.name] = task

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        """Take note of a branch that was cancelled from outside the join."""
        if name not in self.outcomes and not self.ended:
            error = None if task.cancelled() else task.exception()
            self._settle(Outcome(name, "failed" if error else "cancelled", error=error))
        self.bell.ring()

    async def _alarm(self, after: timedelta) -> None:
        await pause(after, f"{current_scope().name or 'join'}: deadline")
        self.bell.ring()

    async def _one(self, branch: Branch[Any]) -> None:
        enter_scope(self.scopes[branch.name])
        begun = Outcome[Any](branch.name, "succeeded", started=now())
        try:
            value = await self._within(branch)
            self._settle(replace(begun, value=value))
        except Exception as error:
            if self.ended and is_cancelled_exception(error):
                return  # given up; _clean_up says so
            await self._failed(branch, begun, error)

    async def _within(self, branch: Branch[Any]) -> Any:
        """Do the work; when its timeout passes, give it up without waiting for it."""
        if branch.timeout is None:
            return await branch.work()
        inner = replace(current_scope(), closed=False)

        async def in_scope() -> Any:
            enter_scope(inner)
            return await branch.work()

        work = asyncio.ensure_future(in_scope())
        clock = asyncio.ensure_future(pause(branch.timeout, f"{branch.name}: timeout"))
        bell = Bell()
        for task in (work, clock):
            task.add_done_callback(lambda _t: bell.ring())
        try:
            while not (work.done() or clock.done()):
                await bell.wait()
        finally:
            clock.cancel()
            if not work.done():
                inner.closed = True
                work.cancel()
                self.strays.append(work)
        if work.done():
            return work.result()
        raise DeadlinePassed(f"branch {branch.name!r} took longer than {branch.timeout}")

    async def _failed(self, branch: Branch[Any], begun: Outcome[Any], error: Exception) -> None:
        policy = branch.on_failure or self.default
        if policy.kind == "fallback" and policy.work is not None:
            try:
                value = await policy.work()
            except Exception as second:
                if self.ended and is_cancelled_exception(second):
                    return
                error, policy = second, self.default
            else:
                self._settle(replace(begun, value=value, error=error, via=policy.name))
                return
        status: Status = {"default": "defaulted", "skip": "skipped"}.get(policy.kind, "failed")  # type: ignore[assignment]
        failed = replace(begun, status=status, value=policy.value, error=error)
        self._settle(failed)
        if policy.kind == "fail" and self.failure is None:
            self.failure = self.outcomes[branch.name]

    def _settle(self, outcome: Outcome[Any]) -> None:
        if not self.ended:
            self.outcomes[outcome.name] = replace(outcome, ended=now())

    async def _clean_up(self) -> None:
        """Cancel what still runs, wait for it within bounds, and say what became of each."""
        for name, task in self.tasks.items():
            if name not in self.outcomes:
                self.scopes[name].closed = True
                task.cancel()
        await wait_all([*self.tasks.values(), *self.strays], CLEAN_UP)
        for branch in self.branches:
            if branch.name in self.outcomes:
                continue
            task = self.tasks.get(branch.name)  # type: ignore[assignment]
            status: Status = "cancelled"
            if task is None:
                status = "not_started"
            elif not task.done():
                status = "abandoned"
            self.outcomes[branch.name] = Outcome(branch.name, status, ended=now())
        for stray in self.strays:
            stray.add_done_callback(lambda t: t.cancelled() or t.exception())


def _failed(failure: Outcome[Any], joined: Joined) -> JoinFailed:
    why = reason(failure.error) if failure.error else failure.status
    error = JoinFailed(f"branch {failure.name!r} failed: {why}", joined.summary())
    error.__cause__ = failure.error
    return error
