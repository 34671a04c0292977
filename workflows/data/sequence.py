"""Records of a sequence: where each stage is, how often it was tried, and what was decided."""

from datetime import timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from workflows.data.common import JSON, Record


class StageState(StrEnum):
    """Where a stage is now."""

    WAITING = "waiting"
    RUNNING = "running"
    ASKING = "asking"
    """A person is asked what becomes of it."""
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    SUPPLIED = "supplied"
    """A person gave its value."""
    FAILED = "failed"
    CANCELLED = "cancelled"


class StageDecision(Record):
    """What was decided about one failure of a stage: by its judge, or `by` a person."""

    attempt: int
    at: AwareDatetime
    error: str
    choice: str
    after: timedelta = timedelta(0)
    by: str = ""


class StageView(Record):
    """One stage as a query shows it. `value` is what it gave, as JSON."""

    name: str
    state: StageState
    attempts: int = 0
    value: JSON = None
    decided: tuple[StageDecision, ...] = ()
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None
