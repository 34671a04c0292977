"""When a join ends: conditions over what has settled so far, combined with `|`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from inspect import iscoroutine, iscoroutinefunction
from typing import Any, Literal

from workflows.errors import Misuse, Unusable
from workflows.patterns.checks import is_number, is_whole, must_be, must_call
from workflows.patterns.outcome import Outcome, Reason

Predicate = Callable[[Outcome[Any]], bool]


@dataclass(frozen=True)
class End:
    """Why a join ends. `by` names the branch that ended it; with an `error` the join fails."""

    reason: Reason | Literal["failed"]
    by: str = ""
    error: BaseException | None = None
    message: str = ""


@dataclass(frozen=True)
class Tally:
    """What a condition looks at: counts, and in declaration order what settled since last time.

    `settled` leaves out what was skipped: as if it had not been asked.
    """

    total: int
    settled: int
    successes: int
    failures: int
    open: int
    fresh: Sequence[Outcome[Any]] = ()


@dataclass(frozen=True)
class Condition:
    """One reason to end a join."""

    kind: Literal["all_succeed", "all_settled", "settled", "success", "outcome"]
    count: int = 1
    predicate: Predicate | None = None

    def __post_init__(self) -> None:
        if not is_whole(self.count):
            raise Misuse(f"at_least({self.count!r}) counts no branches; use a whole number")
        if self.kind != "outcome":
            return
        must_call(self.predicate, "the predicate of outcome(...)")
        if any(map(iscoroutinefunction, (self.predicate, type(self.predicate).__call__))):
            raise Misuse(
                "the predicate of outcome(...) is async, and what it gives always true; make it a"
                " plain function of an Outcome"
            )

    def met(self, tally: Tally) -> End | None:
        """Give the end if the condition holds."""
        match self.kind:
            case "all_succeed" | "all_settled":
                return End("complete") if tally.open == 0 else None
            case "settled":
                return End("enough") if tally.settled >= self.count else None
            case "success":
                return End("enough") if tally.successes >= self.count else None
            case "outcome":
                return next((e for e in map(self._judge, tally.fresh) if e is not None), None)

    def reachable(self, tally: Tally) -> bool:
        """Say whether it can still come to hold."""
        match self.kind:
            case "success":
                return tally.successes + tally.open >= self.count
            case "settled":
                return tally.settled + tally.open >= self.count
            case "outcome":
                return tally.open > 0
            case _:
                return True

    def check(self, branches: int) -> None:
        """Raise Misuse if it can never hold for so many branches."""
        if self.kind in ("settled", "success"):
            if self.count < 1:
                raise Misuse(f"at_least({self.count}) waits for nothing; ask for 1 or more")
            if self.count > branches:
                raise Misuse(
                    f"{self.count} outcomes are wanted of {branches} branches;"
                    " lower the number or add branches"
                )

    def _judge(self, outcome: Outcome[Any]) -> End | None:
        assert self.predicate is not None  # noqa: S101 - built only by outcome()
        try:
            held = _answer(self.predicate(outcome))
        except Exception as error:
            message = f"the predicate of outcome(...) failed on branch {outcome.name!r}: {error!r}"
            return End("failed", outcome.name, error, message)
        return End("outcome", outcome.name) if held else None


def _answer(held: object) -> bool:
    """Raise Unusable for what is neither True nor False: a text as "no" would be taken for yes."""
    if iscoroutine(held):
        held.close()
    if not isinstance(held, bool):
        raise Unusable(f"it gave a {type(held).__name__}; compare, to give True or False")
    return held


@dataclass(frozen=True)
class Until:
    """Conditions of which the first to hold ends the join, and the failures it tolerates."""

    conditions: tuple[Condition, ...]
    max_failures: int | None = None
    max_share: float | None = None

    def __or__(self, other: "Until") -> "Until":
        must_be(Until, other, "what stands after |", "write a condition, as at_least(2)")
        if self.tolerates and other.tolerates:
            raise Misuse("both sides of | tolerate failures; write (a | b).tolerate(...) once")
        bound = self if self.tolerates else other
        both = self.conditions + other.conditions
        return Until(both, bound.max_failures, bound.max_share)

    def tolerate(self, count: int | None = None, share: float | None = None) -> "Until":
        """Go on while at most `count` branches, or that `share` of them (0 to 1), failed."""
        if (count is None) == (share is None):
            raise Misuse("tolerate(...) takes either count or share")
        if self.tolerates:
            raise Misuse("tolerate(...) stands there twice; write it once, after the last |")
        sound = is_number(share) if count is None else is_whole(count)
        if not sound or (count or 0) < 0 or not 0 <= (share or 0) <= 1:
            raise Misuse(
                "tolerate(count=...) is a whole number of 0 or more, tolerate(share=...) goes from"
                f" 0 to 1; not {share if count is None else count!r}"
            )
        return replace(self, max_failures=count, max_share=share)

    @property
    def fails_by_default(self) -> bool:
        """Whether a branch without a policy fails the join.

        Also in a combination: `all_succeed() | outcome(...)` never calls a failure complete.
        """
        return any(c.kind == "all_succeed" for c in self.conditions) and not self.tolerates

    @property
    def tolerates(self) -> bool:
        """Whether failures are counted against a bound."""
        return self.max_failures is not None or self.max_share is not None

    def check(self, branches: int) -> None:
        """Raise Misuse if the join can never end as asked."""
        for condition in self.conditions:
            condition.check(branches)
        if self.max_failures is not None and self.max_failures > branches:
            raise Misuse(
                f"tolerate(count={self.max_failures}) is more than the {branches} branches;"
                " lower it"
            )

    def verdict(self, tally: Tally) -> End | None:
        """Look once: success first, then the bound on failures, then what became impossible."""
        too_many = self._too_many(tally)
        for condition in self.conditions:
            end = condition.met(tally)
            if end is not None and not (end.reason == "complete" and too_many):
                return end
        if too_many:
            return End("too_many_failures")
        if not any(c.reachable(tally) for c in self.conditions):
            return End("impossible")
        return None

    def _too_many(self, tally: Tally) -> bool:
        failed = tally.failures
        if self.max_failures is not None and failed > self.max_failures:
            return True
        return self.max_share is not None and failed > 0 and failed / tally.total > self.max_share


def all_succeed() -> Until:
    """Every branch succeeded; one that fails for good fails the join (the default)."""
    return Until((Condition("all_succeed"),))


def all_settled() -> Until:
    """Every branch ended, one way or the other."""
    return Until((Condition("all_settled"),))


def first_settled() -> Until:
    """Any one branch ended."""
    return Until((Condition("settled"),))


def first_success() -> Until:
    """Any one branch succeeded."""
    return Until((Condition("success"),))


def at_least(count: int) -> Until:
    """So many branches succeeded."""
    return Until((Condition("success", count),))


def outcome(predicate: Predicate) -> Until:
    """A branch ended in a way for which `predicate` holds."""
    return Until((Condition("outcome", predicate=predicate),))
