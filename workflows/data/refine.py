"""Records of bounded loops: what each round made, scored and cost, and what travels on."""

from decimal import Decimal
from typing import Annotated, Generic, Literal, TypeAlias, TypeVar

from pydantic import AwareDatetime, Field, JsonValue

from workflows.data.common import Record

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741 - an item

Stop: TypeAlias = Literal[
    "quality", "rounds", "deadline", "budget", "stall", "failed", "cancelled", "complete"
]
"""Why a loop stopped. `failed`: nobody made anything in a round; `complete`: no items are left."""

AttemptState: TypeAlias = Literal["scored", "failed", "cancelled"]


class Meter(Record):
    """How far a loop has come: all that its bounds are held against.

    `reference` is the best score at the last gain that counted, `dry` the rounds since. `spent`
    is what attempts reported, `unclear` the reserve kept for those that ended without reporting.
    """

    started: AwareDatetime
    rounds: Annotated[int, Field(ge=0)] = 0
    best: float | None = None
    reference: float | None = None
    dry: Annotated[int, Field(ge=0)] = 0
    spent: Decimal = Decimal(0)
    unclear: Decimal = Decimal(0)


class AttemptView(Record):
    """What one writer did in one round. `value` is what it made, as JSON."""

    writer: str
    state: AttemptState
    value: JsonValue = None
    score: float | None = None
    reason: str = ""
    cost: Decimal = Decimal(0)


class RoundView(Record):
    """One round: what it was given, what its writers made of that, and where it led.

    `given` names the attempt it built on as `round/writer`, or is empty; `best` is the best score
    after it, `gain` what it added to the best before (None in the first).
    """

    number: int
    given: str
    attempts: tuple[AttemptView, ...]
    best: float | None
    gain: float | None
    cost: Decimal
    started: AwareDatetime
    ended: AwareDatetime


class RefineView(Record):
    """A loop as a query shows it. `stopped` None: it goes on. Costs in the budget's unit."""

    name: str
    rounds: tuple[RoundView, ...]
    stopped: Stop | None
    best: str
    spent: Decimal
    unclear: Decimal


class Page(Record, Generic[I]):
    """Some items of a source, and the cursor of those after them; None if there are none."""

    items: tuple[I, ...]
    following: str | None = None


class Progress(Record, Generic[S]):
    """Where an incremental loop stands; travels in the process's input from run to run.

    `cursor` points to the items not taken yet; `runs` counts continuations; `stopped` is set
    once the loop is over.
    """

    state: S
    cursor: str = ""
    items: Annotated[int, Field(ge=0)] = 0
    meter: Meter | None = None
    runs: Annotated[int, Field(ge=0)] = 0
    stopped: Stop | None = None
