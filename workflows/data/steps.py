"""Records of fused steps: a step as it is sent to its activity, and what comes back."""

from decimal import Decimal

from pydantic import JsonValue

from workflows.data.common import Record


class StepOrder(Record):
    """A registered step to run, with its input as JSON."""

    step: str
    version: int
    given: dict[str, JsonValue]


class StepSpent(Record):
    """What the model calls of a fused step took, each counted once. `usd` is US dollars."""

    usd: Decimal = Decimal(0)
    input_tokens: int = 0
    output_tokens: int = 0


class StepResult(Record):
    """What a step gave, as JSON; `spent` is None if it asked no model."""

    value: dict[str, JsonValue]
    spent: StepSpent | None = None


class StepProgress(Record):
    """How far a fused step has come; the details of its heartbeats."""

    step: str
    answered: int
    """Calls answered by this attempt."""
    read_back: int
    """Calls whose answer an earlier attempt had left."""
    running: tuple[str, ...]
    """Branch and name of the calls under way."""
