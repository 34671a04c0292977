"""The decision record of a run: by which choices it went, what it changed, when, and why.

Times in whole milliseconds from the begin of the case, money in millionths of a dollar.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from workflows.data.blueprints.choices import Whole, Wish
from workflows.data.blueprints.plan import StepId
from workflows.data.common import Record

MOST_TURNS = 1_000
"""Turns that are kept; the result of a case has a bound."""


class TurnKind(StrEnum):
    """What a run may decide on its way."""

    MOVED = "moved"
    """A step that had not begun goes another way than was chosen."""
    AGAIN = "again"
    """A running step is tried a second time."""
    LEFT_OUT = "left out"
    """An optional step is not done."""
    SIMPLER = "simpler"
    """A step goes the simpler way it names for times of load."""


class Turn(Record):
    """Something a run decided: `way` is what the step goes by from then on."""

    at: Whole
    kind: TurnKind
    step: StepId
    way: str
    before: str = ""
    why: str


class Decided(Record):
    """What a run decided so far.

    `wish` is None of a run without choices. `ways` are those of steps that began or were left out.
    `slower` is how many thousandths of the learned times its steps took; `in_time` whether it
    ended by its deadline, None before it ended or without one. `lost` counts turns beyond
    MOST_TURNS.
    """

    wish: Wish | None = None
    planner: str = ""
    snapshot: int | None = None
    ways: Mapping[StepId, str] = Field(default_factory=dict)
    turns: tuple[Turn, ...] = ()
    lost: Whole = 0
    slower: Annotated[int, Field(gt=0)] = 1_000
    took: Whole | None = None
    in_time: bool | None = None
