"""What a simulator is started with: seed, speed, error rates, limits and faults."""

import re
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, TypeAdapter, model_validator

from simulator.limits import Limit
from workflows.data.common import Record
from workflows.data.due_diligence import ReferenceReply

VENDORS = ("openai", "anthropic", "gemini")
REGISTERS = ("companies_house", "gleif", "edgar", "vies")
LISTS = ("opensanctions", "ofac", "worldbank")
SOURCES = (*REGISTERS, *LISTS, "news", "dns", "rows")
EFFECTS = ("accounts", "mail", "chat", "payments", "warehouses", "carrier", "table")
SERVICES = (*VENDORS, *SOURCES, *EFFECTS)

COMPATIBLE = re.compile(r"[a-z][a-z0-9-]{0,30}")
"""Names of vendors that speak like OpenAI: whoever is asked below such a prefix, answers."""

Signaller = Callable[[str, str, ReferenceReply], Awaitable[None]]
"""Sends a signal: workflow id, signal name, message."""


class FaultKind(StrEnum):
    """What can go wrong with a service.

    Those of REFUSING meet a request before it is accepted; the others spoil an accepted one,
    which is billed or performed all the same. `expired` is for an item of a batch (path
    `batch-item`), as are `error`, `refusal` and `truncated` there.
    """

    DOWN = "down"
    ERROR = "error"
    OVERLOADED = "overloaded"
    SLOW = "slow"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    SPEND_LIMIT = "spend_limit"
    HTML = "html"
    ERROR_UNDER_200 = "error_under_200"
    NONSENSE = "nonsense"
    DROP = "drop"
    HANG = "hang"
    DRIP = "drip"
    CUT = "cut"
    UNFINISHED = "unfinished"
    ERROR_IN_STREAM = "error_in_stream"
    REFUSAL = "refusal"
    TRUNCATED = "truncated"
    BLOCKED = "blocked"
    BAD_TOOL = "bad_tool"
    WRONG_JSON = "wrong_json"
    MISSING_ITEMS = "missing_items"
    EXPIRED = "expired"


REFUSING = frozenset(
    {
        FaultKind.DOWN,
        FaultKind.ERROR,
        FaultKind.OVERLOADED,
        FaultKind.RATE_LIMITED,
        FaultKind.QUOTA,
        FaultKind.SPEND_LIMIT,
        FaultKind.HTML,
        FaultKind.ERROR_UNDER_200,
    }
)
"""Faults that leave nothing billed nor performed."""

OF_MODELS = frozenset(
    {
        FaultKind.SPEND_LIMIT,
        FaultKind.ERROR_IN_STREAM,
        FaultKind.REFUSAL,
        FaultKind.TRUNCATED,
        FaultKind.BLOCKED,
        FaultKind.BAD_TOOL,
        FaultKind.WRONG_JSON,
        FaultKind.MISSING_ITEMS,
        FaultKind.EXPIRED,
    }
)
"""Faults that only a model vendor can show."""


class Fault(Record):
    """A fault of a service, or of all with `*`.

    `times` None means until taken away; `share` of the requests meet it, drawn by the seed from
    each request and how often it came; `path` limits it to requests whose path below the service
    contains it, `body` to those whose body does, `model` to those for that model. `status`
    replaces the usual HTTP status; `retry_after` and `seconds` are real seconds, whatever the
    speed: how much slower `slow` is (30), how far apart the bytes of a `drip` are (1).
    """

    service: str
    kind: FaultKind
    times: Annotated[int, Field(ge=1)] | None = None
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    path: str = ""
    body: str = ""
    model: str = ""
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    retry_after: Annotated[float, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.service != "*" and self.service not in SERVICES:
            meant = get_close_matches(self.service, SERVICES, n=1, cutoff=0.8)
            if meant or not COMPATIBLE.fullmatch(self.service):
                known = ", ".join(meant or SERVICES)
                raise ValueError(
                    f"service {self.service!r} is unknown; use {known}, *, or the name of a"
                    " compatible vendor"
                )
        if self.kind in OF_MODELS and self.service in ("*", *SOURCES, *EFFECTS):
            raise ValueError(f"only a model vendor can show {self.kind!r}")
        return self


FAULTS = TypeAdapter(tuple[Fault, ...])
FIXED = TypeAdapter(dict[str, Annotated[float, Field(ge=0)]])


class SimulatorConfig(Record):
    """How the simulated world behaves. `speed` divides every delay.

    `fixed` are the seconds, at speed 1, that every answer of a model takes; others are drawn.
    `error_rates` are shares of wrong answers by model; `error_rate` is that of all others.
    `state` is a file of JSON lines which outlives the process; None keeps all in memory. A
    signal that fails is tried `signal_attempts` times, the pauses doubling from
    `signal_pause` up to 30 real seconds.
    """

    seed: int = 7
    speed: Annotated[float, Field(gt=0)] = 1.0
    fixed: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    error_rate: Annotated[float, Field(ge=0, le=1)] = 0.03
    error_rates: dict[str, float] = Field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    limits: tuple[Limit, ...] = ()
    state: Path | None = None
    signal_attempts: Annotated[int, Field(ge=1)] = 8
    signal_pause: Annotated[float, Field(ge=0)] = 0.5

    def error_rate_of(self, model: str) -> float:
        """Give the share of wrong answers of a model."""
        return self.error_rates.get(model, self.error_rate)
