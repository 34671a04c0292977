"""The case file of due diligence: one company, one product, one policy, checked on the way in."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from workflows.data.common import CaseId, CountryCode, PartyId, PersonName, Record
from workflows.data.identifiers import problem
from workflows.data.sources import Identifier

YEAR = timedelta(days=366)
"""The longest deadline: a timer of thousands of years overflows a clock inside the workflow."""


def _written_out(value: object) -> object:
    """Refuse 0 or 20261120, which pydantic would take for seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and value.strip().isdigit()):
        raise ValueError("a number is no day; write it as 2026-11-20")
    return value


Day = Annotated[date, BeforeValidator(_written_out)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class CheckedIdentifier(Identifier):
    """An identifier whose form and check digits were verified on the way in."""

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        if wrong := problem(self.scheme, self.value):
            raise ValueError(wrong)
        return self


Mail = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


class Subject(Record):
    """The company the case is about. Notices go to `contact`."""

    party_id: PartyId = "subject"
    name: Text
    country: CountryCode
    contact: Mail
    incorporated: Day | None = None
    postcode: str = ""
    identifiers: Annotated[tuple[CheckedIdentifier, ...], Field(min_length=1)]
    listed: bool = False

    def number(self, scheme: str) -> str | None:
        """Give the identifier of `scheme`, if the case names one."""
        return next((i.value for i in self.identifiers if i.scheme == scheme), None)


class Party(Record):
    """A person or company named in the case besides the subject."""

    party_id: PartyId
    kind: Literal["Person", "Company"]
    name: Text
    role: Literal["director", "owner", "signatory"]
    birth_date: Day | None = None
    country: CountryCode | None = None


class Product(Record):
    """What the customer wants: a product and its monthly amount."""

    kind: Literal["trade_credit"]
    monthly: Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=2)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Referee(Record):
    """Somebody asked for a reference, by mail."""

    party_id: PartyId
    kind: Literal["trade", "bank"]
    name: Text
    mail: Mail


class ReferencePlan(Record):
    """Whom to ask, how many conclusive replies satisfy the check, and by when."""

    referees: Annotated[tuple[Referee, ...], Field(min_length=1)]
    needed: Annotated[int, Field(ge=1)] = 2
    deadline: timedelta = timedelta(days=5)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.needed > len(self.referees):
            raise ValueError(
                f"needed: {self.needed} of {len(self.referees)} referees cannot answer; lower"
                " it or name more referees"
            )
        _within_a_year("deadline", self.deadline)
        # One referee under two names would be two of the conclusive replies.
        _no_duplicates("referees[{}].mail", (r.mail.casefold() for r in self.referees))
        return self


class Role(StrEnum):
    """What a reviewer may do."""

    ANALYST = "analyst"
    SENIOR = "senior"
    COMPLIANCE = "compliance"


class Reviewer(Record):
    """A person of the case policy who may decide."""

    name: PersonName
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]


class ReviewPolicy(Record):
    """Who reviews, and how long the review may take before it is reminded of and ends."""

    reviewers: Annotated[tuple[Reviewer, ...], Field(min_length=1)]
    deadline: timedelta = timedelta(days=3)
    reminder: timedelta = timedelta(days=1)
    rounds: Annotated[int, Field(ge=0, le=3)] = 2
    """How often `more` may be asked for."""

    @model_validator(mode="after")
    def _enough_people(self) -> Self:
        _no_duplicates("reviewers[{}].name", (r.name for r in self.reviewers))
        _within_a_year("deadline", self.deadline)
        if not timedelta(0) < self.reminder <= self.deadline:
            raise ValueError("reminder: write a time above zero and not above the deadline")
        return self


class ModelPolicy(Record):
    """What the models may cost for this case, in US dollars; nothing is bounded if left out."""

    budget_usd: Annotated[Decimal, Field(gt=0, max_digits=9, decimal_places=4)] | None = None


class CaseFile(Record):
    """The input of the process: one company, one product, one policy."""

    case: CaseId
    opened: Day
    author: PersonName
    subject: Subject
    parties: tuple[Party, ...] = ()
    product: Product
    references: ReferencePlan
    review: ReviewPolicy
    models: ModelPolicy = ModelPolicy()

    @field_validator("opened", mode="after")
    @classmethod
    def _plausible(cls, opened: date) -> date:
        if not date(2000, 1, 1) <= opened <= date(2100, 1, 1):
            raise ValueError(f"{opened} cannot be right; write the day the case was opened")
        return opened

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = {"subject.party_id": self.subject.party_id}
        ids |= {f"parties[{n}].party_id": p.party_id for n, p in enumerate(self.parties)}
        referees = enumerate(self.references.referees)
        ids |= {f"references.referees[{n}].party_id": r.party_id for n, r in referees}
        _none_twice(ids.items())
        _no_duplicates(
            "parties[{}].name",
            (f"{p.kind} {p.name.casefold()} {p.birth_date or ''}".strip() for p in self.parties),
        )
        for what, day in self._dates():
            if day is not None and not date(1600, 1, 1) <= day <= self.opened:
                raise ValueError(
                    f"{what}: {day} cannot be right; write a day not after the case was opened"
                )
        self._check_reviewers()
        return self

    def _dates(self) -> Iterable[tuple[str, date | None]]:
        yield "subject.incorporated", self.subject.incorporated
        for number, party in enumerate(self.parties):
            yield f"parties[{number}].birth_date", party.birth_date

    def _check_reviewers(self) -> None:
        free = [r for r in self.review.reviewers if r.name != self.author]
        roles = {role for r in free for role in r.roles}
        missing = set(Role) - roles
        if missing:
            raise ValueError(
                f"review.reviewers: nobody but the author is {' or '.join(sorted(missing))};"
                " name another person with that role"
            )
        if len(free) < 2:
            raise ValueError("review.reviewers: name two people besides the author (four eyes)")


def _within_a_year(what: str, time: timedelta) -> None:
    if not timedelta(0) < time <= YEAR:
        raise ValueError(f"{what}: write a time above zero and at most P366D, as P5D (five days)")


def _no_duplicates(what: str, items: Iterable[str]) -> None:
    _none_twice((what.format(number), item) for number, item in enumerate(items))


def _none_twice(items: Iterable[tuple[str, str]]) -> None:
    """Refuse the second of two equal items, naming its place."""
    seen: set[str] = set()
    for place, item in items:
        if item in seen:
            raise ValueError(f"{place}: {item} stands there twice; remove one or rename it")
        seen.add(item)
