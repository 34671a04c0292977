"""The policy part of a case file: whom to ask, who decides, what it may cost, whom to screen."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from workflows.data.common import PartyId, PersonName, Record

YEAR = timedelta(days=366)
"""The longest deadline: a timer of thousands of years overflows a clock inside the workflow."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Mail = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


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
        within_a_year("deadline", self.deadline)
        # One referee under two names would be two of the conclusive replies.
        no_duplicates("referees[{}].mail", (r.mail.casefold() for r in self.referees))
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


class EscalationLevel(Record):
    """Who is asked besides, once a gate has been open for `after`."""

    after: timedelta
    reviewers: Annotated[tuple[Reviewer, ...], Field(min_length=1)]


POLICY = "policy"
"""Who decides a case that goes straight through. No person may have this name."""


class ReviewPolicy(Record):
    """Who reviews, and how long the review may take before it is reminded of and ends."""

    reviewers: Annotated[tuple[Reviewer, ...], Field(min_length=1)]
    deadline: timedelta = timedelta(days=3)
    reminder: timedelta = timedelta(days=1)
    rounds: Annotated[int, Field(ge=0, le=3)] = 2
    """How often `more` may be asked for."""
    escalation: tuple[EscalationLevel, ...] = ()
    deputies: dict[PersonName, tuple[PersonName, ...]] = Field(default_factory=dict)
    """Who may decide in whose seat, by the name of the person represented."""
    straight_through: bool = False
    """Approve without a person what would be a quick approval."""

    @model_validator(mode="after")
    def _enough_people(self) -> Self:
        no_duplicates("reviewers[{}].name", (r.name for r in self.reviewers))
        in_time(self.deadline, self.reminder)
        return self

    @model_validator(mode="after")
    def _others(self) -> Self:
        """Check escalation and deputies, so that no gate is found to be wrong weeks later."""
        before = timedelta(0)
        for number, level in enumerate(self.escalation):
            if not before < level.after < self.deadline:
                raise ValueError(
                    f"escalation[{number}].after: {level.after} must be later than {before} and"
                    f" before the deadline of {self.deadline}"
                )
            before = level.after
            place = f"escalation[{number}].reviewers[{{}}].name"
            no_duplicates(place, (r.name for r in level.reviewers))
        known = {r.name for r in self.everybody()}
        for name, deputies in self.deputies.items():
            if name not in known:
                raise ValueError(f"deputies.{name}: is no reviewer; name one of {sorted(known)}")
            if not deputies or name in deputies:
                raise ValueError(f"deputies.{name}: name somebody else")
            no_duplicates(f"deputies.{name}[{{}}]", deputies)
        if POLICY in known | {d for names in self.deputies.values() for d in names}:
            raise ValueError(f"reviewers: nobody may be called {POLICY!r}; choose another name")
        return self

    def everybody(self) -> tuple[Reviewer, ...]:
        """Give the reviewers and those of the escalation levels."""
        return (*self.reviewers, *(r for level in self.escalation for r in level.reviewers))


class HitPolicy(Record):
    """How long people have to dispose of a hit, and how long a false positive is remembered."""

    deadline: timedelta = timedelta(days=3)
    reminder: timedelta = timedelta(days=1)
    remember: timedelta = timedelta(days=365)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        within_a_year("remember", self.remember)
        in_time(self.deadline, self.reminder)
        return self


class InformationPolicy(Record):
    """How long the customer has to answer what it is asked, and how often it is reminded."""

    deadline: timedelta = timedelta(days=14)
    reminder: timedelta = timedelta(days=5)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        in_time(self.deadline, self.reminder)
        return self


class ModelPolicy(Record):
    """What the models may cost for this case, in US dollars; nothing is bounded if left out."""

    budget_usd: Annotated[Decimal, Field(gt=0, max_digits=9, decimal_places=4)] | None = None


class ScreeningPolicy(Record):
    """How many parties besides the subject are screened, and how many at once. Parties beyond
    `parties` are named in a gap, never passed over in silence. `press` is how long the search of
    the press may take for one, and again the reading of what it found.
    """

    parties: Annotated[int, Field(ge=1, le=1000)] = 200
    at_once: Annotated[int, Field(ge=1, le=100)] = 20
    press: timedelta = timedelta(minutes=10)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        within_a_year("press", self.press)
        return self


def within_a_year(what: str, time: timedelta) -> None:
    """Refuse a time that is not above zero or too long for a timer."""
    if not timedelta(0) < time <= YEAR:
        raise ValueError(f"{what}: write a time above zero and at most P366D, as P5D (five days)")


def in_time(deadline: timedelta, reminder: timedelta) -> None:
    """Refuse a deadline that is too long, or a reminder that never comes."""
    within_a_year("deadline", deadline)
    if not timedelta(0) < reminder <= deadline:
        raise ValueError("reminder: write a time above zero and not above the deadline")


def no_duplicates(what: str, items: Iterable[str]) -> None:
    """Refuse the second of two equal items; `what` names its place with {} for its number."""
    none_twice((what.format(number), item) for number, item in enumerate(items))


def none_twice(items: Iterable[tuple[str, str]]) -> None:
    """Refuse the second of two equal items, naming its place."""
    seen: set[str] = set()
    for place, item in items:
        if item in seen:
            raise ValueError(f"{place}: {item} stands there twice; remove one or rename it")
        seen.add(item)
