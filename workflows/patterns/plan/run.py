"""Run a plan: every step the moment its own inputs are there, and no step sooner.

`ran = await run_plan([Planned("a", a), Planned("b", b, needs=("a",))], limits={"crm": 2})`
Failures, retries, undo and people are those of joins and sagas: a step is a join of one branch.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from workflows.data.blueprints.plan import Limit
from workflows.errors import JoinFailed, Unresolved, Unusable, reason
from workflows.patterns.attempt import Watch
from workflows.patterns.branch import Branch
from workflows.patterns.clock import now, pause
from workflows.patterns.failure import Policy, retry
from workflows.patterns.join import join
from workflows.patterns.outcome import Outcome
from workflows.patterns.plan.order import priorities
from workflows.patterns.plan.places import Places, limits_of
from workflows.patterns.plan.step import MOST_ITEMS, Each, Planned, Seen, ordered
from workflows.patterns.together import Group, within
from workflows.patterns.until import all_succeed, at_least


@dataclass(frozen=True)
class Revision:
    """A step went on without what `late` gave, which came `at` this time."""

    step: str
    late: str
    at: datetime


@dataclass(frozen=True)
class Ran:
    """What became of each step, in the plan's order, and what came too late for whom.

    A step whose `when` did not hold is `skipped`; one that needs a failed one is `not_started`,
    its error says why.
    """

    outcomes: Mapping[str, Outcome[Any]]
    revisions: tuple[Revision, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """Every step's value; None where it has none."""
        return {name: outcome.value for name, outcome in self.outcomes.items()}


class Watcher(Protocol):
    """Who is told as steps begin and end."""

    def step_began(self, name: str) -> None:
        """Hear that a step begins; one that is skipped never does."""

    def step_ended(self, outcome: Outcome[Any]) -> None:
        """Hear what became of a step."""


async def run_plan(
    steps: Sequence[Planned],
    *,
    limits: Mapping[str, int | Limit] | None = None,
    watcher: Watcher | None = None,
) -> Ran:
    """Run all steps, each as soon as it may; `limits` says by name how many places there are, or,
    as a Limit, also how much work may begin in a minute.

    The first failure that no policy answers cancels and awaits the rest, and is raised. Raises
    Misuse, before anything runs, when the steps are no graph.
    """
    held = limits_of(limits or {})
    return await _Running(ordered(steps), held, watcher).run([s.name for s in steps])


class _Running:
    """A plan under way."""

    def __init__(
        self, steps: list[Planned], limits: Mapping[str, Limit], watcher: Watcher | None
    ) -> None:
        self.watch = Watch()
        self.places = Places(limits, self.watch.ring)
        places = {name: limit.at_once for name, limit in limits.items() if limit.at_once}
        self.rank = priorities(steps, places)
        self.watcher = watcher
        self.waiting = {step.name: step for step in steps}
        self.outcomes: dict[str, Outcome[Any]] = {}
        self.clocks: dict[str, asyncio.Task[None]] = {}
        self.missed: dict[str, list[str]] = {}
        self.revisions: list[Revision] = []
        self.errors: dict[str, BaseException] = {}

    async def run(self, names: Sequence[str]) -> Ran:
        try:
            async with Group() as group:
                while len(self.outcomes) < len(names):
                    if self._start_ready(group):
                        self.watch.ring()  # who begins asks for a place before any is given
                    else:
                        self.places.grant()
                    if len(self.outcomes) < len(names):
                        await self.watch.wait()
                    if failed := next((n for n in names if n in self.errors), None):
                        raise self.errors[failed]
        finally:
            for clock in self.clocks.values():
                clock.cancel()
            self.places.close()
        return Ran({name: self.outcomes[name] for name in names}, tuple(self.revisions))

    # ---- which may begin -------------------------------------------------------------------

    def _start_ready(self, group: Group) -> bool:
        """Begin what may begin, in order: what ends at once may let others begin. Say if any."""
        before = len(self.waiting)
        for step in list(self.waiting.values()):
            if any(need not in self.outcomes for need in step.needs):
                continue
            if lost := next((n for n in step.needs if _is_lost(self.outcomes[n])), None):
                self._leave_out(step, self.outcomes[lost])
            elif self._has_waited(step):
                del self.waiting[step.name]
                group.start(self._do(step, self._seen(step)))
        return len(self.waiting) < before

    def _leave_out(self, step: Planned, lost: Outcome[Any]) -> None:
        why = reason(lost.error) if lost.error else lost.status
        error = Unresolved(f"step {step.name!r} needs {lost.name!r}, which gave nothing: {why}")
        del self.waiting[step.name]
        self._end(Outcome(step.name, "not_started", error=error, ended=now()))

    def _has_waited(self, step: Planned) -> bool:
        """Say whether all it would like to have is there, or was waited for long enough."""
        if all(name in self.outcomes for name in step.soft) or not step.soft_wait:
            return True
        if step.name not in self.clocks:
            clock = asyncio.ensure_future(pause(step.soft_wait, f"{step.name}: in time"))
            clock.add_done_callback(lambda _task: self.watch.ring())
            self.clocks[step.name] = clock
        return self.clocks[step.name].done()

    def _seen(self, step: Planned) -> Seen:
        """Give what it reads, and note what it goes on without."""
        if (clock := self.clocks.pop(step.name, None)) is not None:
            clock.cancel()
        for name in step.soft:
            if name not in self.outcomes:
                self.missed.setdefault(name, []).append(step.name)
        wanted = (n for n in (*step.needs, *step.soft) if n in self.outcomes)
        return Seen({name: self.outcomes[name].value for name in wanted})

    # ---- one step --------------------------------------------------------------------------

    async def _do(self, step: Planned, seen: Seen) -> None:
        self.watch.enter()
        try:
            self._end(await self._outcome(step, seen))
        except Exception as error:
            self.errors[step.name] = error
            if self.watcher is not None:
                self.watcher.step_ended(Outcome(step.name, "failed", error=error, ended=now()))
            self.watch.ring()

    async def _outcome(self, step: Planned, seen: Seen) -> Outcome[Any]:
        if step.when is not None and not step.when(seen):
            return Outcome(step.name, "skipped", ended=now())
        if self.watcher is not None:
            self.watcher.step_began(step.name)
        work, policy = partial(self._goes, step, seen), _tried(step, step.on_failure)
        if step.each is not None:
            work, policy = partial(self._for_each, step, step.each, seen), step.on_failure
        try:
            joined = await join([Branch(step.name, work, policy)])
        except JoinFailed as error:  # the step's own failure says it all
            raise error.__cause__ or error from None
        return joined[step.name]

    def _end(self, outcome: Outcome[Any]) -> None:
        self.outcomes[outcome.name] = outcome
        if outcome.is_success:
            late = (Revision(step, outcome.name, now()) for step in self._missing(outcome.name))
            self.revisions.extend(late)
        if self.watcher is not None:
            self.watcher.step_ended(outcome)
        self.watch.ring()

    def _missing(self, name: str) -> list[str]:
        return self.missed.pop(name, [])

    # ---- its work --------------------------------------------------------------------------

    async def _for_each(self, step: Planned, each: Each, seen: Seen) -> list[Any]:
        items = each.items(seen)
        if len(items) > MOST_ITEMS:
            raise Unusable(f"step {step.name!r}: {len(items)} items; {MOST_ITEMS} at most")
        enough = None if each.enough is None else min(each.enough, len(items))
        if enough == 0 or not items:
            return []
        until = at_least(enough) if enough else all_succeed().tolerate(share=each.tolerate)
        policy = _tried(step, None)
        branches = [
            Branch(str(number), partial(self._goes, step, replace(seen, item=item)), policy)
            for number, item in enumerate(items, 1)
        ]
        joined = await join(branches, until=until, limit=each.at_once)
        if joined.reason not in ("complete", "enough"):
            why = next((f"; {o.name}: {reason(o.error)}" for o in joined.failed if o.error), "")
            told = f"{len(joined.failed)} of {len(items)} items failed"
            raise Unresolved(f"step {step.name!r}: {told}{why}")
        return [outcome.value for outcome in joined.branches.values()]

    async def _goes(self, step: Planned, seen: Seen) -> Any:
        """Do the work, and again until it will do."""
        again = step.again
        times = again.at_most if again else 1
        for number in range(times):
            seen = replace(seen, last=await self._go(step, replace(seen, round=number)))
            if again is None or again.until(seen):
                return seen.last
        raise Unresolved(f"step {step.name!r} did not come to what it repeats for in {times} goes")

    async def _go(self, step: Planned, seen: Seen) -> Any:
        async with self.places.held(step.uses, self.rank[step.name]):
            if step.timeout is None:
                return await step.work(seen)
            return await within(step.timeout, _awaited(step, seen), f"step {step.name!r}")


async def _awaited(step: Planned, seen: Seen) -> Any:
    return await step.work(seen)


def _tried(step: Planned, then: Policy | None) -> Policy | None:
    return retry(step.attempts - 1, step.backoff, then) if step.attempts > 1 else then


def _is_lost(outcome: Outcome[Any]) -> bool:
    """Say whether nothing may build on it: a skipped step gives None, a failed one nothing."""
    return not outcome.is_success and outcome.status != "skipped"
