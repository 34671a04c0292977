"""Choices: which way each step of a plan is done, why, and what was expected of it.

The record travels with a run, so that a replay decides as the run did and never plans again.
Times in whole milliseconds, money in millionths of a dollar.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from workflows.data.blueprints.plan import Share, StepId
from workflows.data.common import Record
from workflows.data.llm import ModelRef

PLANNER = "2"
"""The version of the rules by which a run re-plans: a run keeps to the one it began with."""

LEFT_OUT = "leave out"
"""The way of a step that is not done."""
Whole = Annotated[int, Field(ge=0)]


class Objective(StrEnum):
    """What is wished for."""

    FASTEST = "fastest"
    CHEAPEST = "cheapest"
    BEST = "best"


class Wish(Record):
    """What a plan should reach: an objective within a deadline and a budget, both optional.

    `target` is how often the deadline should be kept; `quality` the least chance that every step
    comes out right.
    """

    objective: Objective
    deadline_ms: Annotated[int, Field(gt=0)] | None = None
    micro_usd: Whole | None = None
    quality: Share = 0.0
    target: Annotated[float, Field(gt=0, lt=1)] = 0.95

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.objective is Objective.CHEAPEST and self.deadline_ms is None:
            raise ValueError("cheapest needs a deadline (--deadline 45m, or in the blueprint)")
        if self.objective is Objective.BEST and self.deadline_ms is None and self.micro_usd is None:
            raise ValueError("best needs a deadline or a budget (--budget 2.5)")
        return self


class Way(Record):
    """A mode in whole numbers: its cost, its loss of quality, and how long it takes.

    `planned` is the time a plan reckons with, `usual` the median, `patient` and `late` the times
    within which 85 and 97 % end. `loss` is -ln(quality), in millionths.
    """

    name: str
    micro_usd: Whole
    loss: Whole
    planned: Whole
    usual: Whole
    patient: Whole
    late: Whole
    limit: str = ""


class Composite(Record):
    """A way made of several questions: a vote of one model, or a cheap model before a strong one.

    How many vote, and how sure is sure enough, stands in the step.
    """

    kind: Literal["vote", "cascade"]
    models: Annotated[tuple[ModelRef, ...], Field(min_length=1, max_length=2)]


class StepChoice(Record):
    """What was chosen for one step, of which ways, and when it is expected to begin and end.

    `level` is its priority, 1 the most urgent of 5. `slack` is how much later it may end.
    `critical` is the share of simulated runs in which it was on the path that took longest.
    """

    step: StepId
    needs: tuple[StepId, ...]
    ways: Annotated[tuple[Way, ...], Field(min_length=1)]
    chosen: Whole
    why: str = ""
    level: Annotated[int, Field(ge=1, le=5)] = 3
    starts: Whole = 0
    ends: Whole = 0
    slack: Whole = 0
    critical: Share = 0.0
    hedged: bool = False
    """It may be tried a second time while the first try runs: it changes nothing outside."""

    @property
    def way(self) -> Way:
        """The way that was chosen."""
        return self.ways[self.chosen]


class Choices(Record):
    """The decision record of one run. Steps come after those they need.

    `hit` is the share of simulated runs within the deadline, `gap` how much dearer (slower, less
    good) the plan may be than the best there is, for the times it reckons with. `notes` say what a
    person should know: that a deadline is out of reach, or more is spent than it needs.
    """

    wish: Wish
    steps: Annotated[tuple[StepChoice, ...], Field(min_length=1)]
    feasible: bool
    quantile: Share
    p50: Whole
    p95: Whole
    micro_usd: Whole
    hit: Share | None = None
    strained: Share | None = None
    """The share within the deadline where vendors are half as slow again as learned."""
    solver: str
    gap: Annotated[float, Field(ge=0)] | None = None
    rolling: bool = True
    """Whether a run re-plans at each completion; the figures are of runs that do as it says."""
    hedges: Whole = 0
    """How many second tries the whole run may make."""
    patience: Annotated[int, Field(gt=0)] = 1_000
    """How long a step runs at least before a second try, in thousandths of what 85 % keep to."""
    runs: Whole
    seed: int
    snapshot: int | None = None
    """The snapshot of learned estimates it was planned on."""
    planner: str = PLANNER
    notes: tuple[str, ...] = ()
    slower: Annotated[int, Field(gt=0)] = 1_000
    """How much slower than learned the last run was, in thousandths: what this one begins with."""
    definition: str = ""
    """The sha256 of the blueprint it was made for, which alone may run by it."""
    models: Mapping[str, ModelRef] = Field(default_factory=dict)
    """The model each way stands for; a way that is not here asks none by name."""
    composites: Mapping[str, Composite] = Field(default_factory=dict)
    """The ways that ask several."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        seen: set[str] = set()
        for step in self.steps:
            if not seen.issuperset(step.needs) or step.step in seen:
                raise ValueError(f"step {step.step} stands before a step it needs, or twice")
            if step.chosen >= len(step.ways):
                raise ValueError(f"step {step.step} has no way number {step.chosen}")
            seen.add(step.step)
        return self

    @property
    def modes(self) -> Mapping[StepId, str]:
        """The name of the mode of each step."""
        return {step.step: step.way.name for step in self.steps}
