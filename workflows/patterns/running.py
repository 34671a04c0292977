"""A branch under way: its attempts, and what its policy makes of a failure."""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from workflows.data.common import Verdict
from workflows.errors import Misuse, NotInStep, ScopeClosed, asked_of_sdk, reason
from workflows.patterns.attempt import Attempt, Effort, Lanes, failed
from workflows.patterns.branch import Branch
from workflows.patterns.clock import now, pause
from workflows.patterns.failure import (
    Ask,
    Compensate,
    Default,
    Fail,
    Fallback,
    FinishThenUndo,
    Hold,
    LastKnown,
    Policy,
    Retry,
    Skip,
    Tolerate,
)
from workflows.patterns.outcome import Outcome, Status
from workflows.patterns.saga import Saga
from workflows.scope import Scope, current_scope, enter_scope

NEVER_AGAIN = (Misuse, ScopeClosed, NotInStep)
"""Failures that another attempt cannot mend."""


class Host(Protocol):
    """What a running branch needs of its join."""

    default: Policy
    saga: Saga
    lanes: Lanes

    def hold(self, by: int) -> None:
        """Keep branches not yet begun waiting (1), or no longer (-1)."""
        ...

    def undo(self, effort: Effort) -> asyncio.Task[None]:
        """Undo what an effort did once its attempts have ended."""
        ...

    def settle(self, run: "Run", outcome: Outcome[Any]) -> None:
        """Write down what became of a branch."""
        ...


class Run:
    """A branch of a running join. `final` is the policy that had the last word on a failure."""

    def __init__(self, host: Host, branch: Branch[Any], place: int) -> None:
        self.host, self.branch, self.place = host, branch, place
        self.scope = current_scope().inside(branch.name)
        self.efforts: list[Effort] = []
        self.winner: Effort | None = None
        self.final: Policy = host.default
        self.started: datetime | None = None
        self.task: asyncio.Task[None] | None = None
        self.given_up = False

    @property
    def attempts(self) -> list[Attempt]:
        """Every attempt so far."""
        return [a for effort in self.efforts for a in effort.attempts]

    @property
    def begun(self) -> int:
        """How many attempts were made; one that still waits for a slot is none."""
        return sum(a.task is not None for a in self.attempts)

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """Everything it has under way."""
        tasks = [self.task, *(a.task for a in self.attempts)]
        return [t for t in tasks if t is not None]

    @property
    def parted(self) -> Status:
        """What became of it after it was given up."""
        if self.task is None:
            return "not_started"
        return "cancelled" if all(t.done() for t in self.tasks) else "abandoned"

    @property
    def lost(self) -> list[Effort]:
        """Efforts that did not bring the branch its value."""
        return [e for e in self.efforts if e is not self.winner]

    def so_far(self, status: Status) -> Outcome[Any]:
        """Give an outcome without a value."""
        return Outcome(self.branch.name, status, attempts=self.begun, started=self.started)

    def begin(self) -> Attempt:
        """Give the first attempt, and follow what becomes of it."""
        self.started = now()
        effort = self._effort(self.branch, self.scope)
        first = effort.attempt()
        self.task = asyncio.ensure_future(self._follow(effort))
        return first

    def give_up(self) -> None:
        """Cancel it, once, with everything it has under way."""
        if self.task is not None and not self.given_up:
            self.task.cancel()
        self.given_up = True
        for attempt in self.attempts:
            attempt.give_up()

    def _effort(self, branch: Branch[Any], scope: Scope) -> Effort:
        name = branch.name if not self.efforts else f"{self.branch.name}/{branch.name}"
        effort = Effort(branch, self.place, scope, self.host.saga.inside(name))
        self.efforts.append(effort)
        return effort

    async def _follow(self, effort: Effort) -> None:
        enter_scope(self.scope)
        try:
            outcome = await self._outcome(effort)
        except (Exception, asyncio.CancelledError) as error:  # of a gate, or of what finds values
            outcome = failed(self.branch, error)
            self.final = Fail() if _is_misuse(error) else self.host.default
        if self.given_up:
            return
        name, began = self.branch.name, self.started
        whole = replace(outcome, name=name, attempts=self.begun, started=began, ended=now())
        self.host.settle(self, whole)

    async def _outcome(self, effort: Effort) -> Outcome[Any]:
        """Wait for an attempt, and see what its policy makes of a failure."""
        outcome = await effort.result()
        if outcome.is_success:
            self.winner = effort
            return outcome
        return await self._recover(effort, effort.branch.on_failure, outcome)

    async def _again(self, effort: Effort) -> Outcome[Any]:
        """Make one more attempt."""
        self.host.lanes.queue(effort.attempt())
        outcome = await effort.result()
        if outcome.is_success:
            self.winner = effort
        return outcome

    async def _recover(
        self, effort: Effort, policy: Policy | None, failure: Outcome[Any]
    ) -> Outcome[Any]:
        """Do what a policy says about a failure."""
        policy = Fail() if _is_outside(failure) else policy or self.host.default
        match policy:
            case Fail() | Tolerate() | FinishThenUndo():
                self.final = policy
                return failure
            case Skip():
                return replace(failure, status="skipped")
            case Default():
                return _stood_in(failure, status="defaulted", value=policy.value)
            case Fallback():
                return await self._instead(policy, failure)
            case LastKnown():
                return await self._earlier(effort, policy, failure)
            case Ask():
                return await self._asked(effort, policy, failure)
            case Retry():
                return await self._repeated(effort, policy, failure)
            case Hold():
                self.host.hold(1)
                try:
                    return await self._recover(effort, policy.policy, failure)
                finally:
                    self.host.hold(-1)
            case Compensate():
                await asyncio.shield(self.host.undo(effort))
                return await self._recover(effort, self.host.default, failure)
            case _:
                raise Misuse(
                    f"branch {effort.branch.name!r}: {type(policy).__name__} is no policy;"
                    " use one of failure.py, as tolerate()"
                )

    async def _instead(self, policy: Fallback, failure: Outcome[Any]) -> Outcome[Any]:
        spare = policy.branch
        effort = self._effort(spare, self.scope.inside(spare.name))
        self.host.lanes.queue(effort.attempt())
        outcome = await self._outcome(effort)
        if outcome.is_success:
            return replace(outcome, error=failure.error, via=outcome.via or spare.name)
        return outcome

    async def _earlier(
        self, effort: Effort, policy: LastKnown, failure: Outcome[Any]
    ) -> Outcome[Any]:
        known = await policy.find()
        if known is None or now() - known.at > policy.max_age:
            return await self._recover(effort, self.host.default, failure)
        return _stood_in(failure, status="stale", value=known.value, age=now() - known.at)

    async def _asked(self, effort: Effort, policy: Ask, failure: Outcome[Any]) -> Outcome[Any]:
        while not failure.is_success:
            if _is_outside(failure):
                return await self._recover(effort, policy, failure)
            why = reason(failure.error) if failure.error is not None else failure.status
            decision = (await policy.open(replace(policy.spec, proposal=why))).last
            if decision is None:
                return await self._recover(effort, self.host.default, failure)
            if decision.verdict is Verdict.SKIP:
                return replace(failure, status="skipped")
            if decision.verdict is Verdict.SUPPLY:
                value = policy.spec.supplied(decision.value)
                via = policy.spec.name
                return _stood_in(failure, status="succeeded", value=value, via=via)
            failure = await self._again(effort)
        return failure

    async def _repeated(self, effort: Effort, policy: Retry, failure: Outcome[Any]) -> Outcome[Any]:
        for number in range(policy.times):
            if isinstance(failure.error, NEVER_AGAIN) or _is_outside(failure):
                break
            await pause(policy.backoff * 2**number, f"{self.scope.name}: retry {number + 1}")
            failure = await self._again(effort)
            if failure.is_success:
                return failure
        return await self._recover(effort, policy.then, failure)


def _is_outside(failure: Outcome[Any]) -> bool:
    """Say whether it failed because it is in no workflow: no policy makes good what is misbuilt."""
    return bool(asked_of_sdk(failure.error))


def _is_misuse(error: BaseException) -> bool:
    """Say whether a policy broke because it is put together wrongly."""
    return isinstance(error, Misuse) or bool(asked_of_sdk(error))


def _stood_in(failure: Outcome[Any], **found: Any) -> Outcome[Any]:
    """Put a value from elsewhere in place; what the failed work covered no longer matters."""
    return replace(failure, coverage=1.0, confidence=None, **found)
