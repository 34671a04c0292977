"""Records every process shares: what it answers to queries, and the messages it takes."""

import re
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self, TypeAlias

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

JSON: TypeAlias = JsonValue
"""Whatever JSON can say."""

CaseId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
"""Lower-case words, digits and dashes. Part of the workflow id, so it names no person."""

PartyId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


def _written_out(value: object) -> object:
    """Refuse 0 or 20261120, which pydantic would take for seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and value.strip().isdigit()):
        raise ValueError("a number is no day; write it as 2026-11-20")
    return value


Day = Annotated[date, BeforeValidator(_written_out)]
"""A day as people write it in case files."""
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
PersonName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9._-]{0,39}$")]
"""The short name somebody decides under, as in the case policy."""


class Record(BaseModel):
    """A frozen record. Unknown fields are refused, so that a misspelt one is never lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BranchState(StrEnum):
    """Where a branch is now."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DEFAULTED = "defaulted"
    CANCELLED = "cancelled"


class BranchView(Record):
    """One branch as the query `branches` shows it."""

    name: str
    state: BranchState
    note: str = ""
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None


class StatusView(Record):
    """The answer to the query `status`."""

    process: str
    case: str
    phase: str
    waiting_for: tuple[str, ...] = ()
    started: AwareDatetime
    outcome: str | None = None


class CostView(Record):
    """The answer to the query `cost`: model calls of this case so far, in US dollars."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: Decimal = Decimal(0)
    by_branch: dict[str, Decimal] = Field(default_factory=dict)

    def plus(self, more: "CostView") -> "CostView":
        """Add up two costs, branch by branch."""
        both = self.by_branch | {
            name: self.by_branch.get(name, Decimal(0)) + usd for name, usd in more.by_branch.items()
        }
        return CostView(
            calls=self.calls + more.calls,
            input_tokens=self.input_tokens + more.input_tokens,
            output_tokens=self.output_tokens + more.output_tokens,
            usd=self.usd + more.usd,
            by_branch=both,
        )


class Verdict(StrEnum):
    """What a person says at a gate: about the customer, not the proposal; or about a step."""

    APPROVE = "approve"
    DECLINE = "decline"
    REFER = "refer"
    MORE = "more"
    RETRY = "retry"
    """The step is tried again."""
    SKIP = "skip"
    """The process goes on without the step."""
    SUPPLY = "supply"
    """The person gives the step's result, as `value`."""
    DONE = "done"
    """The person did by hand what the process could not."""


class Condition(Record):
    """A condition tied to an approval, as LIMIT=10000."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z_]{1,30}$")]
    value: Annotated[str, StringConstraints(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _limit_is_an_amount(self) -> Self:
        if self.code == "LIMIT" and not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", self.value):
            raise ValueError(f"LIMIT is {self.value!r}; write an amount, as LIMIT=10000")
        return self


class Decision(Record):
    """One person's decision at a gate; the message of the update and the signal `decide`."""

    verdict: Verdict
    by: PersonName
    gate: str = "review"
    conditions: tuple[Condition, ...] = ()
    comment: Annotated[str, StringConstraints(max_length=4000)] = ""
    token: Annotated[str | None, Field(repr=False)] = None
    """Signs the decision where the case names keys: see `workflows/data/deciders.py`."""
    value: JSON | None = None
    """What is supplied, or what `more` asks for."""
    stands_for: PersonName | None = None
    """In whose seat a deputy decides. Left out, it is filled in where the decision is counted."""


class DecisionAnswer(Record):
    """What the update `decide` returns: whether the gate is settled or who is still awaited."""

    gate: str
    accepted: bool
    settled: bool
    still_needed: tuple[str, ...] = ()
    stands_for: str | None = None
    signed: Annotated[bool, Field(exclude_if=lambda signed: not signed)] = False
    """Whether its signature was checked; left out where the case names no keys."""


class Refusal(Record):
    """A message that was refused, kept so that its sender can read why."""

    at: datetime
    by: str
    message: str
    reason: str


class Escalated(Record):
    """The moment a gate's question went to a next group of people, and whom it reached."""

    level: int
    at: AwareDatetime
    to: tuple[str, ...]


class GateView(Record):
    """An open gate as the query `open_gates` shows it."""

    name: str
    question: str
    proposal: str
    conditions: tuple[Condition, ...] = ()
    """Those that go with the proposal, if it is to approve."""
    needs: tuple[str, ...]
    may_decide: tuple[str, ...]
    decided: tuple[Decision, ...] = ()
    opened: AwareDatetime
    deadline: AwareDatetime
    reminders: int = 0
    verdicts: tuple[Verdict, ...] = (
        Verdict.APPROVE,
        Verdict.DECLINE,
        Verdict.REFER,
        Verdict.MORE,
    )
    """What may be said."""
    supplies: JSON | None = None
    """JSON schema of the `value` of a `supply`."""
    suggested: JSON | None = None
    """A first draft of the value of a `supply` or a `more`, whichever takes one."""
    asks: JSON | None = None
    """JSON schema of the `value` of a `more`; without a value it asks for nothing particular."""
    deputies: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Who may decide in whose seat, by the name of the person represented."""
    escalations: tuple[Escalated, ...] = ()
    signed: bool = False
    """Whether only signed decisions count; their tokens name `opened`."""


class GateState(Record):
    """An open gate as it is carried into the next run of its process."""

    name: str
    opened: AwareDatetime
    decisions: tuple[Decision, ...] = ()
    reminders: int = 0
    escalations: tuple[Escalated, ...] = ()


class DeskState(Record):
    """The open gates of a process, carried into its next run."""

    gates: tuple[GateState, ...] = ()


SCOPE_HEADER = "braid-scope"
"""Header that carries the journal's scope (the root workflow id) down to every activity."""
BRANCH_HEADER = "braid-branch"
"""Header that carries the name of the branch an activity was called from."""
ORIGIN_HEADER = "braid-origin"
"""Memo and header that name, parted by spaces, the scopes whose replies may be read besides."""
PAYER_HEADER = "braid-payer"
"""Memo and header that name, as scope and name, a budget of many cases that pays for model calls
too."""
UNREAD = "braid-unread"
"""Header of a signal that is refused because it cannot be read; the marker that keeps it refused is
called after it.
"""
ONE_AT_A_TIME = "braid-one-at-a-time"
"""Memo (true) and header of a case whose Calls take turns, as do those of its children."""
SHADOW = "braid-shadow"
"""Memo (true) and header of a case that changes nothing outside, nor do its children."""
LAPSE = "lapse"
"""Signal that ends a gate of a shadow as if its deadline had passed; the message is its name."""
ANEW = "braid-anew"
"""Memo of a fork: the calls that may not read those replies, as a list of `Anew`."""


class Anew(Record):
    """A call that a fork asks anew: the `number`-th of its name in its branch. For a child the
    branch is empty: its history does not tell.
    """

    branch: str
    name: str
    number: int
