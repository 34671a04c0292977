"""What a simulator is started with: seed, speed, error rates and faults."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, TypeAdapter, model_validator

from workflows.data.common import Record
from workflows.data.due_diligence import ReferenceReply

VENDORS = ("openai", "anthropic", "gemini")
SOURCES = ("companies_house", "gleif", "opensanctions", "ofac", "edgar")
EFFECTS = ("accounts", "mail", "chat")
SERVICES = (*VENDORS, *SOURCES, *EFFECTS)

Signaller = Callable[[str, str, ReferenceReply], Awaitable[None]]
"""Sends a signal: workflow id, signal name, message."""


class FaultKind(StrEnum):
    """What can go wrong with a service.

    `down`, `error`, `overloaded`, `rate_limited` and `quota` refuse a request before it is
    accepted; `drop`, `nonsense`, `slow`, `refusal` and `truncated` spoil an accepted one, which
    is billed or performed all the same. `expired` is for an item of a batch (path `batch-item`),
    as are `error`, `refusal` and `truncated` there.
    """

    DOWN = "down"
    ERROR = "error"
    OVERLOADED = "overloaded"
    SLOW = "slow"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    NONSENSE = "nonsense"
    DROP = "drop"
    REFUSAL = "refusal"
    TRUNCATED = "truncated"
    EXPIRED = "expired"


class Fault(Record):
    """A fault of a service, or of all with `*`.

    `times` None means until taken away; `path` limits it to requests whose path below the
    service contains it; `status` replaces the usual HTTP status; `retry_after` and `seconds`
    (how much slower, whatever the speed) are real seconds.
    """

    service: str
    kind: FaultKind
    times: Annotated[int, Field(ge=1)] | None = None
    path: str = ""
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    retry_after: Annotated[float, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(ge=0)] = 30.0

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.service != "*" and self.service not in SERVICES:
            raise ValueError(f"service {self.service!r} is not one of {', '.join(SERVICES)} or *")
        if self.kind in (FaultKind.REFUSAL, FaultKind.TRUNCATED) and self.service not in VENDORS:
            raise ValueError(f"only a model vendor can show {self.kind!r}")
        return self


FAULTS = TypeAdapter(tuple[Fault, ...])


class SimulatorConfig(Record):
    """How the simulated world behaves. `speed` divides every delay.

    `error_rates` are shares of wrong answers by model; `error_rate` is that of all others.
    `state` is a file of JSON lines which outlives the process; None keeps all in memory. A
    signal that fails is tried `signal_attempts` times, the pauses doubling from
    `signal_pause` up to 30 real seconds.
    """

    seed: int = 7
    speed: Annotated[float, Field(gt=0)] = 1.0
    error_rate: Annotated[float, Field(ge=0, le=1)] = 0.03
    error_rates: dict[str, float] = Field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    state: Path | None = None
    signal_attempts: Annotated[int, Field(ge=1)] = 8
    signal_pause: Annotated[float, Field(ge=0)] = 0.5

    def error_rate_of(self, model: str) -> float:
        """Give the share of wrong answers of a model."""
        return self.error_rates.get(model, self.error_rate)
