"""Records of degrading: what is left, and what was done because it ran short."""

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, Field

from workflows.data.common import Decision, Record


class Shortage(StrEnum):
    """What can run short."""

    BUDGET = "budget"
    """Money, in US dollars."""
    LIMIT = "limit"
    """What a vendor or resource still gives: requests, tokens, places."""
    DEADLINE = "deadline"
    """Time, in seconds."""


class Left(Record):
    """How much is left `of` how much, in the unit of its shortage. Overspent is below zero."""

    left: Decimal
    of: Annotated[Decimal, Field(gt=0)]

    @property
    def share(self) -> Decimal:
        """The part left, from 0 (nothing, or overspent) on."""
        return max(self.left / self.of, Decimal(0))

    @classmethod
    def time(cls, left: timedelta, of: timedelta) -> Self:
        """Build it from times."""
        return cls(left=seconds(left), of=seconds(of))


class Remaining(Record):
    """What is left now. What is not known is left out, and no rule about it holds."""

    budget: Left | None = None
    limit: Left | None = None
    deadline: Left | None = None

    def of(self, shortage: Shortage) -> Left | None:
        """Give what is left of one thing."""
        return {
            Shortage.BUDGET: self.budget,
            Shortage.LIMIT: self.limit,
            Shortage.DEADLINE: self.deadline,
        }[shortage]


class MeasureKind(StrEnum):
    """What is done about a shortage."""

    ROLE = "cheaper_role"
    SKIP = "skip_branch"
    ASK = "ask_person"
    GO_ON = "go_on"


class Taken(Record):
    """A measure that was taken: what, when, and why, with the figures it rests on.

    `rule` counts the policy's rules from 1. `subject` is the role replaced (`instead` is used for
    it), the branch skipped or the gate opened. Of a gate, `decisions` and `timed_out` say how it
    ended.
    """

    policy: str
    rule: int
    kind: MeasureKind
    subject: str = ""
    instead: str = ""
    shortage: Shortage
    figures: Left
    why: str
    at: AwareDatetime
    decisions: tuple[Decision, ...] = ()
    timed_out: bool = False

    @property
    def unanswered(self) -> bool:
        """Whether a person was asked and the gate has not ended yet."""
        return self.kind is MeasureKind.ASK and not self.decisions and not self.timed_out


def seconds(time: timedelta) -> Decimal:
    """Give a time in seconds, to the microsecond."""
    return Decimal(time // timedelta(microseconds=1)) / 1_000_000
