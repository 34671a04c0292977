"""Records of fused steps: a step as it is sent to its activity, and what comes back."""

from pydantic import JsonValue

from workflows.data.common import Record


class StepOrder(Record):
    """A registered step to run, with its input as JSON."""

    step: str
    version: int
    given: dict[str, JsonValue]


class StepResult(Record):
    """What a step gave, as JSON."""

    value: dict[str, JsonValue]


class StepProgress(Record):
    """How far a fused step has come; the details of its heartbeats."""

    step: str
    answered: int
    """Calls answered by this attempt."""
    read_back: int
    """Calls whose answer an earlier attempt had left."""
    running: tuple[str, ...]
    """Branch and name of the calls under way."""
