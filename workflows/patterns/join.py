"""Join: run branches at once and go on as soon as enough of them have settled.

`joined = await join({"a": ask_a, "b": ask_b}, until=at_least(1), deadline=timedelta(days=2))`
Plain cases are `asyncio.gather`; this adds policies, deadlines, early ends, and the cancelling
and awaiting of the branches that are no longer needed.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal, TypeAlias, get_args

from workflows.errors import JoinFailed, Misuse, reason
from workflows.patterns.attempt import Effort, Lanes, Watch
from workflows.patterns.branch import Branch, Work, branches_of, policies_of
from workflows.patterns.checks import is_time, is_whole, must_be
from workflows.patterns.clock import CLEAN_UP, now, pause, shielded, wait_all
from workflows.patterns.failure import Fail, FinishThenUndo, fail, tolerate
from workflows.patterns.outcome import Joined, Outcome
from workflows.patterns.running import Run
from workflows.patterns.saga import Saga, Undone, current_saga
from workflows.patterns.until import End, Tally, Until, all_succeed
from workflows.scope import Scope, current_scope, enter_scope, log, told

__all__ = ["Branch", "join"]

Late: TypeAlias = Literal["cancel", "finish"]


async def join(
    branches: Mapping[str, Work[Any]] | Sequence[Branch[Any]],
    *,
    until: Until | None = None,
    deadline: timedelta | None = None,
    late: Late = "cancel",
    limit: int | None = None,
    clean_up: timedelta = CLEAN_UP,
) -> Joined:
    """Run branches at once until enough have settled; cancel and await the rest.

    A `deadline` of nothing or less has passed already. Under `late="finish"` branches under way
    go on; see `Joined.late`. `limit` bounds the attempts in flight; one that is given up counts
    until it ended, at most the `clean_up` time, after which it is abandoned and may call nothing
    more. What given-up branches registered with their saga is undone before the join returns.

    Raises JoinFailed when a branch fails whose policy is `fail` or `finish_then_undo` or a
    predicate raises, and Misuse, before anything runs, when the join can never end as asked.
    """
    branches = branches_of(branches)
    until = all_succeed() if until is None else until
    _check(until, deadline, late, limit, clean_up)
    until.check(len(branches))
    lanes = Lanes(limit, clean_up, Watch())
    return await _Join(branches, until, deadline, lanes).run(late)


class _Join:
    """One running join. All state changes ring the bell; the verdict is found when it wakes."""

    def __init__(
        self,
        branches: Sequence[Branch[Any]],
        until: Until,
        deadline: timedelta | None,
        lanes: Lanes,
    ) -> None:
        self.until, self.deadline, self.lanes = until, deadline, lanes
        self.default = fail() if until.fails_by_default else tolerate()
        outside = current_saga()
        self.inside_saga = outside is not None
        undoes_all = any(isinstance(p, FinishThenUndo) for p in policies_of(branches))
        self.saga = outside.inside("join") if outside and undoes_all else outside or Saga()
        self.runs = {b.name: Run(self, b, place) for place, b in enumerate(branches)}
        self.waiting = deque(self.runs.values())
        self.held = 0
        self.undoing: dict[Effort, asyncio.Task[None]] = {}
        self.outcomes: dict[str, Outcome[Any]] = {}
        self.fresh: list[Outcome[Any]] = []
        self.counts = Counter[str]()
        self.fatal: list[Outcome[Any]] = []
        self.doomed: list[Outcome[Any]] = []
        self.due = deadline is not None and deadline <= timedelta(0)
        self.alarm = asyncio.ensure_future(self._alarm())

    async def run(self, late: Late) -> Joined:
        rest: _Rest | None = None
        try:
            end = await self._until_ended()
            if late == "finish" and end.reason != "failed":
                rest = self._let_go_on()
            else:
                await self.give_up(undo_all=end.reason == "failed")
        except (Exception, asyncio.CancelledError):  # not when an evicted workflow is closed
            await self.give_up(undo_all=True)
            raise
        found = {n: self.outcomes.get(n) or run.so_far("late") for n, run in self.runs.items()}
        if end.reason == "failed":
            raise self._error(end, found)
        return Joined(end.reason, found, end.by, self._undone(), rest)

    # ---- for its branches ------------------------------------------------------------------

    def hold(self, by: int) -> None:
        """Keep branches not yet begun waiting (1), or no longer (-1)."""
        self.held += by
        self.lanes.watch.ring()

    def undo(self, effort: Effort) -> asyncio.Task[None]:
        """Undo what an effort did, once, when its attempts have ended."""
        if effort not in self.undoing:
            self.undoing[effort] = asyncio.ensure_future(_undo(effort))
        return self.undoing[effort]

    def settle(self, run: Run, outcome: Outcome[Any]) -> None:
        """Write down what became of a branch."""
        self.outcomes[outcome.name] = outcome
        self.fresh.append(outcome)
        self.counts["success" if outcome.is_success else outcome.status] += 1
        if outcome.status == "failed" and isinstance(run.final, Fail):
            self.fatal.append(outcome)
        elif outcome.status == "failed" and isinstance(run.final, FinishThenUndo):
            self.doomed.append(outcome)
        elif not self.doomed:  # else all is undone together, in reverse
            self._undo_lost(run)
        log.info("branch ended", extra=told(state=outcome.status))
        self.lanes.watch.ring()

    # ---- until it ends ---------------------------------------------------------------------

    async def _until_ended(self) -> End:
        while (end := self._look()) is None:
            self.lanes.start_queued()
            while self.waiting and self.lanes.is_free and not self.held and not self.doomed:
                self.lanes.start(self.waiting.popleft().begin())
            await self.lanes.moved()
        return end

    def _look(self) -> End | None:
        """Look once at everything that happened since the last look."""
        fresh, self.fresh = sorted(self.fresh, key=self._place), []
        under_way = len(self.runs) - len(self.outcomes) - len(self.waiting)
        if self.fatal:
            return self._failed(self.fatal)
        if self.doomed:
            return self._failed(self.doomed) if self.due or not under_way else None
        tally = Tally(
            total=len(self.runs),
            settled=len(self.outcomes) - self.counts["skipped"],
            successes=self.counts["success"],
            failures=self.counts["failed"],
            open=len(self.runs) - len(self.outcomes),
            fresh=fresh,
        )
        end = self.until.verdict(tally)
        return End("deadline") if end is None and self.due else end

    def _failed(self, outcomes: list[Outcome[Any]]) -> End:
        first = min(outcomes, key=self._place)
        why = reason(first.error) if first.error else first.status
        return End("failed", first.name, first.error, f"branch {first.name!r} failed: {why}")

    def _place(self, outcome: Outcome[Any]) -> int:
        return self.runs[outcome.name].place

    async def _alarm(self) -> None:
        if self.deadline is not None and not self.due:
            await pause(self.deadline, f"{current_scope().name or 'join'}: deadline")
            self.due = True
            self.lanes.watch.ring()

    # ---- after its end ---------------------------------------------------------------------

    async def give_up(self, *, undo_all: bool = False) -> None:
        """Cancel what is left and clean up after it, whatever is cancelled meanwhile."""
        self.alarm.cancel()
        left = [r for name, r in self.runs.items() if name not in self.outcomes]
        for run in left:
            run.give_up()
        await shielded(self._clean_up(left, undo_all=undo_all))

    async def _clean_up(self, left: list[Run], *, undo_all: bool) -> None:
        """Wait within bounds for what was cancelled, say what became of each, undo its effects."""
        cancelled = [task for run in left for task in run.tasks]
        await wait_all([*cancelled, *self.lanes.partings], self.lanes.clean_up)
        for run in left:
            run.scope.closed = True
            self.outcomes[run.branch.name] = replace(run.so_far(run.parted), ended=now())
            for effort in run.efforts:
                self.undo(effort)
        undo_all = undo_all and (bool(self.doomed) or not self.inside_saga)
        for run in () if undo_all else self.runs.values():
            self._undo_lost(run)
        for task in list(self.undoing.values()):
            await task
        if undo_all:
            enter_scope(Scope(current_scope().name))
            await self.saga.undo()
        self.lanes.watch.ring()

    def _undo_lost(self, run: Run) -> None:
        """Undo what brought a branch no value, whatever ended it and whatever stood in for it."""
        for effort in run.lost:
            self.undo(effort)

    def _let_go_on(self) -> "_Rest":
        """Freeze the result; what is under way goes on, what was not begun never begins."""
        self.alarm.cancel()
        for run in self.waiting:
            self.outcomes[run.branch.name] = run.so_far("not_started")
        return _Rest(self, [n for n in self.runs if n not in self.outcomes])

    async def go_on(self) -> None:
        """Serve the branches under way until they have settled."""
        while len(self.outcomes) < len(self.runs):
            self.lanes.start_queued()
            await self.lanes.moved()
        for run in self.runs.values():
            self._undo_lost(run)
        for task in list(self.undoing.values()):
            await task

    def _undone(self) -> tuple[Undone, ...]:
        sections = [e.section for run in self.runs.values() for e in run.efforts]
        if self.doomed or not self.inside_saga:
            sections = [self.saga]
        return tuple(undone for section in sections for undone in section.undone)

    def _error(self, end: End, found: Mapping[str, Outcome[Any]]) -> JoinFailed:
        undone = self._undone()
        listed = [[{"step": u.step, "error": u.error} for u in undone]] if undone else []
        error = JoinFailed(end.message, {n: o.summary() for n, o in found.items()}, *listed)
        error.values = {n: o.value for n, o in found.items() if o.is_success}
        error.undone, error.__cause__ = undone, end.error
        return error


class _Rest:
    """Branches that go on after their join has ended."""

    def __init__(self, join: _Join, names: Sequence[str]) -> None:
        self._join, self._names = join, names
        self._going = asyncio.ensure_future(join.go_on())

    async def wait(self) -> tuple[Outcome[Any], ...]:
        try:
            await asyncio.shield(self._going)
        except asyncio.CancelledError:
            await self.cancel()
            raise
        return tuple(self._join.outcomes[name] for name in self._names)

    async def cancel(self) -> None:
        await self._join.give_up()


async def _undo(effort: Effort) -> None:
    """Undo in an open scope, as the branch's own may be closed."""
    await effort.parted()
    enter_scope(Scope(effort.scope.name))
    if effort.section.registered:
        await effort.section.undo()


def _check(
    until: object, deadline: object, late: object, limit: int | None, clean_up: object
) -> None:
    """Raise Misuse for what no join can be built from."""
    if callable(until):
        name = getattr(until, "__name__", "at_least")
        raise Misuse(f"until={name} is a function; call it, as until={name}(...)")
    must_be(Until, until, f"until={until!r}", "write a condition, as at_least(2)")
    if deadline is not None:
        must_be(timedelta, deadline, f"deadline={deadline!r}", "write timedelta(seconds=...)")
    if late not in get_args(Late):
        raise Misuse(f"late={late!r} is not known; use 'cancel' or 'finish'")
    if limit is not None and not (is_whole(limit) and limit >= 1):
        raise Misuse(f"limit={limit!r} lets nothing run; use a count of 1 or more, or None")
    if not is_time(clean_up):
        raise Misuse("clean_up must be a positive timedelta: what is cancelled needs time to end")
