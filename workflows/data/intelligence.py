"""Records of competitive intelligence: whom to watch, what was heard, and the report."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from workflows.data.aggregate import BranchClaim, Cited, DroppedCitation, MissingBranch
from workflows.data.case_policy import ModelPolicy
from workflows.data.common import CaseId, Day, PartyId, Record
from workflows.data.sources import Identifier

Line = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class SourceKind(StrEnum):
    """Where a competitor is looked up."""

    NEWS = "news"
    REGISTER = "register"
    FILINGS = "filings"
    DOMAIN = "domain"


class Competitor(Record):
    """Whom to watch, and by what it is known in registers; what is left out is not looked up."""

    id: PartyId
    name: Line
    identifier: Identifier | None = None
    cik: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,10}$")] | None = None
    domain: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{3,253}$")] | None = None


class SourceQuestion(Record):
    """One source asked about one competitor; a branch of the process."""

    competitor: Competitor
    kind: SourceKind

    @property
    def name(self) -> str:
        """The branch's name."""
        return f"{self.competitor.id}-{self.kind}"


class Signal(Record):
    """One thing heard of a competitor, and where it stands."""

    text: str
    kind: str
    day: date | None = None
    url: str = ""


class NewSignal(Signal):
    """A signal the last report did not have, and of whom."""

    competitor: str


class SourceReading(Record):
    """What one source says of one competitor. `unread` news no model sorted."""

    competitor: str
    source: str
    signals: tuple[Signal, ...] = ()
    unread: bool = False


class IntelligenceOutcome(StrEnum):
    """How much the report rests on."""

    COMPLETE = "complete"
    ENOUGH = "enough"
    THIN = "thin"
    """The deadline passed, or sources failed, with fewer answers than asked for."""
    NOTHING = "nothing"


class IntelligenceReport(Record):
    """The report: cited claims, what is new since the last one, and what is missing.

    `contributed`, `partial` and `missing` name every question asked. `written_by` is `model`, or
    `code` where none answered.
    """

    case: CaseId
    outcome: IntelligenceOutcome
    since: date
    headline: str
    claims: tuple[BranchClaim, ...]
    new: tuple[NewSignal, ...]
    heard: dict[str, SourceReading]
    contributed: tuple[str, ...]
    partial: tuple[str, ...]
    missing: tuple[MissingBranch, ...]
    dropped: tuple[DroppedCitation, ...]
    written_by: Literal["code", "model"]
    cost_usd: Decimal


class IntelligenceOrder(Record):
    """What to find out about whom.

    Looks back to `since`, else `days`. As soon as `enough` questions are answered the rest is
    given up; None waits for all. After `deadline` the report is written from what came. `last`
    is the last report of the same schedule, which fills it in: what that heard is not new again.
    """

    case: CaseId
    about: Line
    competitors: Annotated[tuple[Competitor, ...], Field(min_length=1, max_length=50)]
    terms: Annotated[tuple[Line, ...], Field(max_length=10)] = ()
    since: Day | None = None
    days: Annotated[int, Field(ge=1, le=3650)] = 2
    enough: Annotated[int, Field(ge=1)] | None = None
    deadline: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(minutes=5)
    models: ModelPolicy = ModelPolicy()
    last: IntelligenceReport | None = None

    @property
    def questions(self) -> tuple[SourceQuestion, ...]:
        """Every source that can be asked about every competitor."""
        return tuple(
            SourceQuestion(competitor=c, kind=kind)
            for c in self.competitors
            for kind, known in (
                (SourceKind.NEWS, c.name),
                (SourceKind.REGISTER, c.identifier),
                (SourceKind.FILINGS, c.cik),
                (SourceKind.DOMAIN, c.domain),
            )
            if known
        )

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        twice = [i for i, n in Counter(c.id for c in self.competitors).items() if n > 1]
        if twice:
            raise ValueError(f"competitors: {twice[0]!r} is there twice; give each its own id")
        asked = len(self.questions)
        if self.enough is not None and self.enough > asked:
            raise ValueError(f"enough: {self.enough} of {asked} questions; write at most {asked}")
        return self


class NewsSignal(Record):
    """One item of the news that matters, by its address."""

    url: str
    kind: Literal["product", "price", "people", "money", "legal", "market"]
    summary: str


class CompetitorReading(Record):
    """What a model finds in the news of a competitor."""

    signals: tuple[NewsSignal, ...]


class Briefing(Cited):
    """The synthesis a model writes; its claims cite branches."""

    headline: str


class IntelligenceSoFar(Record):
    """What was heard by now, by branch, and the report once it is written."""

    heard: dict[str, SourceReading] = Field(default_factory=dict)
    report: IntelligenceReport | None = None
