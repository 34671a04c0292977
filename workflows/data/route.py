"""Records of routing: load as a factor, a model's proposal, and why a path was taken."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from workflows.data.common import Record

PATH_ATTRIBUTE = "BraidPath"
"""Search attribute (Keyword) that holds the path a process took last; else a memo field."""


class ServiceQuery(Record):
    """Which of these search attributes does the Temporal service know as Keyword?"""

    keywords: tuple[str, ...]


class ServiceView(Record):
    """What the Temporal service offers; upserting an unknown attribute would stop a workflow."""

    keywords: tuple[str, ...]


class LoadQuery(Record):
    """How much waits on these task queues? Named as in `calls.py`, without a suffix."""

    queues: Annotated[tuple[str, ...], Field(min_length=1, max_length=20)]


class QueueLoad(Record):
    """Activities that wait on a queue for a worker; those being worked on are not counted.

    `backlog` is the service's own estimate; `oldest` is how long the first of them has waited. Of a
    vendor's queue, `permits` counts the calls that workers hold until limits leave room, and `shut`
    says why none is sent at all: the breaker is open, or people paused it.
    """

    queue: str
    backlog: Annotated[int, Field(ge=0)]
    oldest: timedelta
    permits: Annotated[int, Field(ge=0)] = 0
    shut: Literal["", "breaker", "paused"] = ""


class Load(Record):
    """What is known of load now, by queue."""

    queues: tuple[QueueLoad, ...]


class LoadLevel(StrEnum):
    """Load as a factor of a route. `unknown` (it could not be read) needs a path of its own."""

    CALM = "calm"
    BUSY = "busy"
    UNKNOWN = "unknown"


class LoadReading(Record):
    """A load as it was read and judged, kept with the decision it led to."""

    queue: str
    level: LoadLevel
    backlog: int | None = None
    oldest: timedelta | None = None
    why: str


class PathProposal(Record):
    """The path a model proposes. `confidence` from 0 to 1; None (it cannot say) is too low."""

    path: Annotated[str, StringConstraints(max_length=100)]
    confidence: float | None
    why: Annotated[str, StringConstraints(max_length=2000)] = ""


class FactorValue(Record):
    """One factor of a decision and the value it had."""

    factor: str
    value: str


class RouteRecord(Record):
    """Why a path was taken.

    `row` is the row of the table that matched, `by` whether its own path was taken or the one
    the model proposed; `allowed` are the paths a model could have proposed there.
    """

    route: str
    policy: str
    factors: tuple[FactorValue, ...]
    row: str
    path: str
    by: Literal["table", "model"]
    why: str
    allowed: tuple[str, ...] = ()
    proposal: PathProposal | None = None
    load: tuple[LoadReading, ...] = ()
    at: AwareDatetime | None = None
