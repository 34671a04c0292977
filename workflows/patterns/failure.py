"""What a branch's failure means, branch by branch. A timeout and too little coverage are failures.

A policy that finds no value itself (`fallback`, `last_known`, `ask`, `compensate`) leaves the
branch failed under the join's default: `fail` or `tolerate`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from workflows.data.common import Verdict
from workflows.errors import Misuse
from workflows.patterns.checks import is_time, is_whole, must_be, must_call
from workflows.patterns.gate import GateSpec, OpenGate

if TYPE_CHECKING:
    from workflows.patterns.branch import Branch


class Policy:
    """What a branch's failure means. Build it with the functions below."""


class Fail(Policy):
    """See `fail`."""


class Tolerate(Policy):
    """See `tolerate`."""


class Skip(Policy):
    """See `skip`."""


class Compensate(Policy):
    """See `compensate`."""


class FinishThenUndo(Policy):
    """See `finish_then_undo`."""


@dataclass(frozen=True)
class Default(Policy):
    """See `default`."""

    value: Any


@dataclass(frozen=True)
class Fallback(Policy):
    """See `fallback`."""

    branch: Branch[Any]

    def __post_init__(self) -> None:
        from workflows.patterns.branch import Branch  # branches import policies

        must_be(Branch, self.branch, "fallback(...)", "write fallback(Branch(name, work))")


@dataclass(frozen=True)
class Known:
    """An earlier result and when it was found."""

    value: Any
    at: datetime

    def __post_init__(self) -> None:
        must_be(datetime, self.at, "Known(at=...)", "give the datetime at which it was found")
        if self.at.tzinfo is None:
            raise Misuse("Known(at=...) needs a time zone, or its age is anybody's guess")


Held: TypeAlias = Known | Callable[[], Awaitable[Known | None]] | None


@dataclass(frozen=True)
class LastKnown(Policy):
    """See `last_known`."""

    max_age: timedelta
    held: Held

    def __post_init__(self) -> None:
        if not is_time(self.max_age):
            raise Misuse(
                f"last_known(max_age={self.max_age!r}) takes no result at all; use a positive age,"
                " as timedelta(days=2)"
            )
        if not (self.held is None or isinstance(self.held, Known)):
            must_call(self.held, "last_known(held=...), neither None nor Known(value, at),")

    async def find(self) -> Known | None:
        """Give the earlier result, however old. Raises Misuse if what was found is none."""
        found = await self.held() if callable(self.held) else self.held
        if found is not None:
            must_be(Known, found, "what last_known(...) found", "give Known(value, at) or None")
        return found


@dataclass(frozen=True)
class Ask(Policy):
    """See `ask`."""

    spec: GateSpec
    open: OpenGate

    def __post_init__(self) -> None:
        must_be(GateSpec, self.spec, "ask(spec=...)", "make it with task_gate(...)")
        must_call(self.open, "ask(open=...)")
        allowed = (Verdict.RETRY, Verdict.SKIP, Verdict.SUPPLY)
        if wrong := [v for v in self.spec.verdicts if v not in allowed]:
            raise Misuse(
                f"gate {self.spec.name!r} offers {', '.join(wrong)}; a person asked about a branch"
                " retries, skips or supplies a value: make the gate with task_gate(...)"
            )


@dataclass(frozen=True)
class Retry(Policy):
    """See `retry`."""

    times: int
    backoff: timedelta
    then: Policy | None = None

    def __post_init__(self) -> None:
        if not is_whole(self.times) or self.times < 1:
            raise Misuse(f"retry(times={self.times!r}) repeats nothing; use a count of 1 or more")
        must_be(timedelta, self.backoff, "retry(backoff=...)", "write timedelta(seconds=...)")
        if self.then is not None:
            must_be_policy(self.then, "retry(then=...)")
        if self.backoff < timedelta(0):
            raise Misuse("retry(backoff=...) must not be negative; use timedelta(0) for no pause")


@dataclass(frozen=True)
class Hold(Policy):
    """See `hold`."""

    policy: Policy

    def __post_init__(self) -> None:
        must_be_policy(self.policy, "hold(...)")
        if not isinstance(self.policy, Retry | Ask):
            raise Misuse("hold(...) goes round retry(...) or ask(...): nothing else takes time")


def fail() -> Policy:
    """Fail the join at once; siblings are cancelled and awaited."""
    return Fail()


def tolerate() -> Policy:
    """Keep the failure in the result and go on."""
    return Tolerate()


def skip() -> Policy:
    """Treat the branch as if it had not been asked: neither success nor failure."""
    return Skip()


def default(value: Any) -> Policy:
    """Put `value` in place; the branch counts as success and is marked defaulted."""
    return Default(value)


def fallback(branch: Branch[Any]) -> Policy:
    """Do another branch's work instead, under that branch's timeout and policy.

    Its name is kept in the outcome's `via`.
    """
    return Fallback(branch)


def last_known(max_age: timedelta, held: Held) -> Policy:
    """Take an earlier result not older than `max_age`: counts as success, marked stale.

    `held` is the result, or finds it.
    """
    return LastKnown(max_age, held)


def ask(spec: GateSpec, open: OpenGate) -> Policy:
    """Ask a person, who retries the branch, skips it or supplies its value.

    The gate's proposal becomes the reason of the failure. Its deadline bounds the waiting.
    """
    return Ask(spec, open)


def compensate() -> Policy:
    """Undo what this branch registered with its saga, and only then count it as failed."""
    return Compensate()


def finish_then_undo() -> Policy:
    """Let branches under way run to their end, undo all effects of the join, then fail it."""
    return FinishThenUndo()


def retry(times: int, backoff: timedelta, then: Policy | None = None) -> Policy:
    """Repeat the whole branch up to `times` times, then go by `then` (None: the join's default).

    `backoff` passes before the first repeat and doubles each time. What was put together wrongly
    or given up is not repeated.
    """
    return Retry(times, backoff, then)


def hold(policy: Policy) -> Policy:
    """While `policy` retries or asks, branches that were not started wait."""
    return Hold(policy)


BARE = (fail, tolerate, skip, compensate, finish_then_undo)
MADE = (default, fallback, last_known, ask, retry, hold)


def must_be_policy(value: object, what: str) -> None:
    """Raise Misuse unless this is a policy; for one without its brackets say what to write."""
    bare, made = ([f.__name__ for f in makers if f is value] for makers in (BARE, MADE))
    written = f"{bare[0]}()" if bare else f"{made[0]}(...)" if made else "a policy, as tolerate()"
    must_be(Policy, value, what, f"write {written}")


def within(policy: Policy | None) -> Iterator[Policy]:
    """Give a policy and all those inside it."""
    if policy is None:
        return
    yield policy
    match policy:
        case Hold():
            yield from within(policy.policy)
        case Retry():
            yield from within(policy.then)
        case Fallback():
            yield from within(policy.branch.on_failure)
