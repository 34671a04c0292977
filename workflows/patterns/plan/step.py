"""A step of a plan as the executor takes it: its work, what it waits for, and how it may fail."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from workflows.data.blueprints.plan import Mode, PlanStep, in_order
from workflows.errors import Misuse
from workflows.patterns.checks import is_time, is_whole, must_call
from workflows.patterns.failure import Policy

MOST_ITEMS = 1_000
"""Items of one step: beyond that a process spreads them (docs/patterns/spread.md)."""


@dataclass(frozen=True)
class Seen:
    """What work can read: values of the steps it waited for (None: skipped, or soft and not there
    in time), inside `each` the item, inside `again` the round and what the one before gave.
    """

    steps: Mapping[str, Any] = field(default_factory=dict)
    item: Any = None
    last: Any = None
    round: int = 0


@dataclass(frozen=True)
class Each:
    """Do the work for each item; the value is a list in their order, None where an item failed.

    `enough` successes end it, the rest is cancelled; `tolerate` is the share that may fail.
    """

    items: Callable[[Seen], Sequence[Any]]
    at_once: int | None = None
    enough: int | None = None
    tolerate: float = 0.0


@dataclass(frozen=True)
class Again:
    """Do the work again until `until` holds of what it gave (`last`), `at_most` times in all."""

    until: Callable[[Seen], bool]
    at_most: int


@dataclass(frozen=True)
class Planned:
    """One step. `timeout` bounds one go at the work, waiting for a place not included.

    It begins when all of `needs` have ended, and waits `soft_wait` at most for those of `soft`.
    `attempts` are the goes in all, with `backoff` before the second (it doubles); then `on_failure`
    (None: the plan fails). `uses` names limits it takes a place of; `seconds` is how long it
    usually lasts: of steps that want one place, what the most follows on goes first.
    """

    name: str
    work: Callable[[Seen], Awaitable[Any]]
    needs: tuple[str, ...] = ()
    soft: tuple[str, ...] = ()
    soft_wait: timedelta = timedelta(0)
    when: Callable[[Seen], bool] | None = None
    each: Each | None = None
    again: Again | None = None
    attempts: int = 1
    backoff: timedelta = timedelta(seconds=1)
    timeout: timedelta | None = None
    on_failure: Policy | None = None
    uses: tuple[str, ...] = ()
    seconds: float = 1.0

    def __post_init__(self) -> None:
        must_call(self.work, f"the work of step {self.name!r}")
        if not is_whole(self.attempts) or self.attempts < 1:
            raise Misuse(f"step {self.name!r}: attempts={self.attempts!r}; use 1 or more")
        if self.timeout is not None and not is_time(self.timeout):
            raise Misuse(f"step {self.name!r} has no time at all; use a positive timeout")
        if self.again is not None and self.again.at_most < 1:
            raise Misuse(f"step {self.name!r}: at_most={self.again.at_most}; use 1 or more")


def ordered(steps: Sequence[Planned]) -> list[Planned]:
    """Give the steps, each after those it needs. Raises Misuse: names, unknown needs, a loop."""
    by_name = {step.name: step for step in steps}
    if len(by_name) < len(steps):
        raise Misuse("two steps of a plan share a name; rename one")
    for step in steps:
        for need in (*step.needs, *step.soft):
            if need not in by_name:
                raise Misuse(f"step {step.name!r} needs {need!r}, which is no step; correct it")
    try:
        bare = tuple(PlanStep(id=s.name, modes=(_ANY,), needs=s.needs) for s in steps)
        return [by_name[step.id] for step in in_order(bare)]
    except ValueError as error:
        raise Misuse(f"a plan cannot be run: {error}; take one of these needs out") from None


_ANY = Mode(name="any", p50=0)


def ranks(steps: Sequence[Planned]) -> dict[str, float]:
    """Give, of steps in order, the seconds from a step's beginning to the end of what follows."""
    after = dict.fromkeys((step.name for step in steps), 0.0)
    rank = {}
    for step in reversed(steps):
        rank[step.name] = step.seconds + after[step.name]
        for need in step.needs:
            after[need] = max(after[need], rank[step.name])
    return rank
