"""A blueprint's case: the definition with its values, and what came of each step."""

from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256

from pydantic import AwareDatetime, Field

from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.choices import Choices
from workflows.data.blueprints.decided import Decided
from workflows.data.blueprints.plan import StepId
from workflows.data.common import JSON, CaseId, CostView, Record


class BlueprintCase(Record):
    """A run of a blueprint. The definition travels with it, so a running case keeps its version.

    `others` are the blueprints its `run` steps name; `choices` say how each step is done.
    """

    case: CaseId
    blueprint: Blueprint
    values: Mapping[str, JSON] = Field(default_factory=dict)
    others: Mapping[str, Blueprint] = Field(default_factory=dict)
    choices: Choices | None = Field(default=None, exclude_if=lambda chosen: chosen is None)

    @cached_property
    def sha256(self) -> str:
        """Which definition it is."""
        return digest(self.blueprint)


class StepEnd(Record):
    """What became of a step, and why if it gave nothing of its own."""

    state: str
    why: str = ""


class Revised(Record):
    """A step went on without what `late` gave, which came at this time."""

    step: StepId
    late: StepId
    at: AwareDatetime


class BlueprintResult(Record):
    """What a blueprint's case has come to, and of which definition it is."""

    case: CaseId
    blueprint: str
    sha256: str
    outcome: str = ""
    result: Mapping[str, JSON] = Field(default_factory=dict)
    steps: Mapping[StepId, StepEnd] = Field(default_factory=dict)
    revisions: tuple[Revised, ...] = ()
    cost: CostView = CostView()
    decided: Decided | None = Field(default=None, exclude_if=lambda decided: decided is None)


def digest(blueprint: Blueprint) -> str:
    """Give the sha256 of a definition; fields left at their defaults do not count."""
    said = blueprint.model_dump_json(by_alias=True, exclude_defaults=True)
    return sha256(said.encode()).hexdigest()
