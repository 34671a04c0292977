"""Plans: steps, what each waits for, how it may be done, and what limits it. Times in seconds."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from workflows.data.common import Record

StepId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)]
Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]

LAST_PAUSE = 30.0
"""The longest pause before another try (activities/failures.py)."""
COORDINATION = 0.1
"""98 ms were measured with one step on the critical path, 146 and 154 ms with two (docs/claims.md,
at the claims' own latencies)."""


class Mode(Record):
    """One way of doing a step: a model and tier, a cascade, a hedge, a vote, or leaving it out.

    A try takes `p50` seconds at the median, log-normal with `spread` as the standard deviation of
    its logarithm; the share `stragglers` of tries takes `straggler_times` as long. A try fails
    with the chance `fails` and is made again, `attempts` times in all: after `pause` seconds, then
    twice as many each time, LAST_PAUSE at most. `quality` is the chance that what comes out is
    right. `limit` names what it takes a place of while it lasts. `shape` are equally likely times
    in order, as multiples of `p50`, where no log-normal is like them.
    """

    name: str
    p50: Seconds
    spread: Annotated[float, Field(ge=0, le=3, allow_inf_nan=False)] = 0.0
    stragglers: Share = 0.0
    straggler_times: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0
    fails: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    attempts: Annotated[int, Field(ge=1, le=100)] = 1
    pause: Seconds = 0.0
    usd: Usd = 0.0
    quality: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    limit: str = ""
    shape: tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...] = ()

    def paused(self, failed: int) -> float:
        """Give the seconds of all pauses after so many tries that failed."""
        return sum(min(self.pause * 2.0**number, LAST_PAUSE) for number in range(failed))


class PlanStep(Record):
    """A step of a plan.

    It begins when all of `needs` have ended; `soft` is what it takes along if it is there by then,
    or comes within `soft_wait`.
    It happens with the chance `chance`, `times` times at once (`at_once` at most). `uses` names
    what it shares with others and changes; `effect` that it changes the outside world; `waits`
    that it waits for people or events, which is nobody's work.
    `again` says that it may be tried a second time while the first try runs.
    """

    id: StepId
    modes: Annotated[tuple[Mode, ...], Field(min_length=1)]
    needs: tuple[StepId, ...] = ()
    soft: tuple[StepId, ...] = ()
    soft_wait: Seconds = 0.0
    chance: Share = 1.0
    times: Annotated[int, Field(ge=1, le=100_000)] = 1
    at_once: Annotated[int, Field(ge=1, le=100_000)] | None = None
    uses: tuple[str, ...] = ()
    effect: bool = False
    waits: bool = False
    again: bool = True

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        names = [mode.name for mode in self.modes]
        if len(set(names)) < len(names):
            raise ValueError(f"step {self.id}: two modes share a name; rename one")
        return self


class Limit(Record):
    """What a provider, a person's desk or a machine bears. None means no limit is known."""

    at_once: Annotated[int, Field(ge=1)] | None = None
    per_minute: Annotated[int, Field(ge=1)] | None = None


class Plan(Record):
    """A graph of steps without a loop, in any order; `limits` by the name modes give.

    `coordination` are the seconds the engine takes for each step on the critical path.
    """

    name: str
    steps: Annotated[tuple[PlanStep, ...], Field(min_length=1, max_length=5_000)]
    limits: Mapping[str, Limit] = {}
    coordination: Seconds = COORDINATION

    @model_validator(mode="after")
    def _a_graph(self) -> Self:
        ids = [step.id for step in self.steps]
        if len(set(ids)) < len(ids):
            raise ValueError("two steps share an id; rename one")
        known = set(ids)
        for step in self.steps:
            if strange := [n for n in (*step.needs, *step.soft) if n not in known]:
                raise ValueError(f"step {step.id} needs {strange[0]}, which is no step")
        in_order(self.steps)
        return self


def in_order(steps: tuple[PlanStep, ...]) -> tuple[PlanStep, ...]:
    """Give the steps so that each comes after those it needs, else in their own order.

    Raises ValueError that names the steps of a loop.
    """
    open_needs = {step.id: set(step.needs) for step in steps}
    followers: dict[str, list[str]] = {step.id: [] for step in steps}
    for step in steps:
        for need in set(step.needs):
            followers[need].append(step.id)
    by_id = {step.id: step for step in steps}
    ready = [step.id for step in steps if not open_needs[step.id]]
    ordered: list[PlanStep] = []
    for current in ready:
        ordered.append(by_id[current])
        for follower in followers[current]:
            open_needs[follower].discard(current)
            if not open_needs[follower]:
                ready.append(follower)
    if len(ordered) < len(steps):
        raise ValueError(f"steps wait for each other: {' -> '.join(_loop(open_needs))}")
    return tuple(ordered)


def _loop(open_needs: Mapping[str, set[str]]) -> list[str]:
    """Follow open needs until a step comes again."""
    current = next(step for step, needs in open_needs.items() if needs)
    seen: list[str] = []
    while current not in seen:
        seen.append(current)
        current = min(open_needs[current])
    return [*seen[seen.index(current) :], current]
