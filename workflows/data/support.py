"""Records of the support request: the case file, what models answer, and how it was resolved."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from workflows.data.case_policy import Mail, ModelPolicy, Text, no_duplicates, within_a_year
from workflows.data.common import CaseId, CountryCode, PartyId, PersonName, Record
from workflows.data.deciders import Keyed
from workflows.data.ladder import RungState

Long = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000)]
Share = Annotated[float, Field(ge=0, le=1)]


class Standing(StrEnum):
    """How long somebody has been a customer."""

    NEW = "new"
    EXISTING = "existing"


class Size(StrEnum):
    """What kind of customer it is."""

    ENTERPRISE = "enterprise"
    SMALL = "small"


class Reach(StrEnum):
    """Whether the customer sits in the country of the desk."""

    DOMESTIC = "domestic"
    INTERNATIONAL = "international"


class RequestType(StrEnum):
    """What a request is about."""

    QUESTION = "question"
    FAULT = "fault"
    BILLING = "billing"
    SECURITY = "security"


class Risk(StrEnum):
    """What a wrong answer may do."""

    LOW = "low"
    HIGH = "high"


class ServiceTier(StrEnum):
    """What the customer pays for: who answers, and how soon. What is owed is the same."""

    STANDARD = "standard"
    PREMIUM = "premium"


class SupportPath(StrEnum):
    """Who tries first. Whoever comes last is a person."""

    KNOWLEDGE = "knowledge"
    SPECIALIST = "specialist"
    PERSON = "person"
    """A person answers; the specialist model only drafts."""


class SupportOutcome(StrEnum):
    """The two ends there are."""

    ANSWERED = "answered"
    HANDED_OVER = "handed_over"
    """Nobody answered in time: named people have it, the customer was told so, and they did it."""


class Article(Record):
    """One article of the knowledge base."""

    id: PartyId
    title: Text
    text: Long


class SupportCustomer(Record):
    """Who asks; the reply goes to `contact`."""

    party_id: PartyId = "customer"
    name: Text
    contact: Mail
    standing: Standing
    size: Size
    country: CountryCode


class SupportDesk(Record):
    """Who answers for a tier, and within what time from the request's arrival; `leads` are asked
    too when the others were reminded and did not.
    """

    people: Annotated[tuple[PersonName, ...], Field(min_length=1)]
    within: timedelta
    leads: tuple[PersonName, ...] = ()

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        within_a_year("within", self.within)
        no_duplicates("people[{}]", self.people)
        no_duplicates("people and leads[{}]", (*self.people, *self.leads))
        return self

    @property
    def everybody(self) -> tuple[str, ...]:
        """The people, and who leads them."""
        return (*self.people, *self.leads)


class SupportRequest(Keyed):
    """The case file: who asks what, what the knowledge base says, and who is there to answer.

    `home` is the country of the desk.
    """

    case: CaseId
    customer: SupportCustomer
    home: CountryCode
    subject: Text
    text: Long
    knowledge: Annotated[tuple[Article, ...], Field(max_length=50)] = ()
    standard: SupportDesk
    premium: SupportDesk
    models: ModelPolicy = ModelPolicy()

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        no_duplicates("knowledge[{}].id", (a.id for a in self.knowledge))
        return self

    def deciders(self) -> Iterable[str]:
        """Name the people of both tiers."""
        return (*self.standard.everybody, *self.premium.everybody)


class RequestReading(Record):
    """What a model takes a request to be about."""

    type: RequestType
    confidence: Share


class SupportAnswer(Record):
    """What a model answers the customer, from which articles; no text if it cannot."""

    text: str
    cites: tuple[str, ...]
    confidence: Share


class PersonalAnswer(Record):
    """What a person answers the customer."""

    text: Long


class Attempt(Record):
    """One who tried to answer, what became of that and why."""

    by: str
    state: RungState
    why: str = ""


class SupportResult(Record):
    """How a request was resolved; before its end, what is known of that.

    `by` is the rung or the person the answer came from, or to whom it was handed over. `told` says
    how the customer was: by mail, or by whom by hand.
    """

    case: str
    outcome: SupportOutcome | None = None
    type: RequestType | None = None
    risk: Risk | None = None
    tier: ServiceTier | None = None
    path: SupportPath | None = None
    answer: str = ""
    cites: tuple[str, ...] = ()
    by: str = ""
    attempts: tuple[Attempt, ...] = ()
    due: AwareDatetime | None = None
    told: str = ""
    in_time: bool = False
    gaps: tuple[str, ...] = ()
    usd: Decimal = Decimal(0)
    """What the models cost."""
