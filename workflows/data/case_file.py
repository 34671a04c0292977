"""The case file of due diligence: one company, one product, one policy, checked on the way in."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from workflows.data.case_policy import (
    HitPolicy,
    InformationPolicy,
    Mail,
    ModelPolicy,
    ReferencePlan,
    ReviewPolicy,
    Role,
    ScreeningPolicy,
    Text,
    no_duplicates,
    none_twice,
)
from workflows.data.common import CaseId, CountryCode, Day, PartyId, PersonName, Record
from workflows.data.deciders import Keyed
from workflows.data.identifiers import problem
from workflows.data.identity import IdentityDocument
from workflows.data.sources import Identifier
from workflows.data.statements import Statement


class CheckedIdentifier(Identifier):
    """An identifier whose form and check digits were verified on the way in."""

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        if wrong := problem(self.scheme, self.value):
            raise ValueError(wrong)
        return self


class Subject(Record):
    """The company the case is about. Notices go to `contact`.

    `industry` is a NACE Rev. 2 or UK SIC 2007 code; `vat` begins with its country, EL for Greece,
    XI for Northern Ireland.
    """

    party_id: Literal["subject"] = "subject"
    name: Text
    country: CountryCode
    contact: Mail
    website: str = ""
    phone: str = ""
    industry: str = ""
    former_names: tuple[Text, ...] = ()
    incorporated: Day | None = None
    postcode: str = ""
    identifiers: Annotated[tuple[CheckedIdentifier, ...], Field(min_length=1)]
    vat: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}[A-Z0-9+*]{2,12})?$")] = ""
    listed: bool = False

    def number(self, scheme: str) -> str | None:
        """Give the identifier of `scheme`, if the case names one."""
        return next((i.value for i in self.identifiers if i.scheme == scheme), None)


class Party(Record):
    """A person or company besides the subject: named in the case, or discovered by a check.

    `birth` is YYYY or YYYY-MM where no whole `birth_date` is known.
    """

    party_id: PartyId
    kind: Literal["Person", "Company"]
    name: Text
    role: Literal["director", "owner", "signatory"]
    birth_date: Day | None = None
    birth: Annotated[str, StringConstraints(pattern=r"^(\d{4}(-\d{2})?)?$")] = ""
    country: CountryCode | None = None
    nationality: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    office: Text | Literal[""] | None = None
    """Public office the form declares for a person, or for family or close associates; empty: it
    declares that there is none; None: it does not say.
    """
    documents: Annotated[tuple[IdentityDocument, ...], Field(max_length=10)] = ()
    """Of identity, for persons."""


class Product(Record):
    """What the customer wants: a product and its monthly amount."""

    kind: Literal["trade_credit"]
    monthly: Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=2)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class CaseFile(Keyed):
    """The input of the process: one company, one product, one policy."""

    case: CaseId
    opened: Day
    author: PersonName
    subject: Subject
    parties: tuple[Party, ...] = ()
    statements: tuple[Statement, ...] = ()
    """Accounts the customer handed in."""
    product: Product
    references: ReferencePlan
    review: ReviewPolicy
    models: ModelPolicy = ModelPolicy()
    screening: ScreeningPolicy = ScreeningPolicy()
    hits: HitPolicy = HitPolicy()
    information: InformationPolicy = InformationPolicy()

    @field_validator("opened", mode="after")
    @classmethod
    def _plausible(cls, opened: date) -> date:
        if not date(2000, 1, 1) <= opened <= date(2100, 1, 1):
            raise ValueError(f"{opened} cannot be right; write the day the case was opened")
        return opened

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids: dict[str, str] = {"subject.party_id": self.subject.party_id}
        ids |= {f"parties[{n}].party_id": p.party_id for n, p in enumerate(self.parties)}
        referees = enumerate(self.references.referees)
        ids |= {f"references.referees[{n}].party_id": r.party_id for n, r in referees}
        none_twice(ids.items())
        no_duplicates(
            "parties[{}].name",
            (f"{p.kind} {p.name.casefold()} {p.birth_date or ''}".strip() for p in self.parties),
        )
        for number, party in enumerate(self.parties):
            papers = (d.document_id for d in party.documents)
            no_duplicates(f"parties[{number}].documents[{{}}].document_id", papers)
            for one in party.identifiers:
                if wrong := problem(one.scheme, one.value):
                    raise ValueError(f"parties[{number}].identifiers: {wrong}")
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
            for place, held in enumerate(party.documents):
                yield f"parties[{number}].documents[{place}].birth_date", held.birth_date
                yield f"parties[{number}].documents[{place}].issued", held.issued
        for number, statement in enumerate(self.statements):
            yield f"statements[{number}].end", statement.end

    def deciders(self) -> Iterable[str]:
        """Name the reviewers, those of the escalation, and their deputies, without the author."""
        deputies = (name for names in self.review.deputies.values() for name in names)
        named = (*(r.name for r in self.review.everybody()), *deputies)
        return (name for name in named if name != self.author)

    def _check_reviewers(self) -> None:
        author = self.person(self.author)
        free = [r for r in self.review.reviewers if self.person(r.name) != author]
        roles = {role for r in free for role in r.roles}
        missing = set(Role) - roles
        if missing:
            raise ValueError(
                f"review.reviewers: nobody but the author is {' or '.join(sorted(missing))};"
                " name another person with that role"
            )
        if len({self.person(r.name) for r in free}) < 2:
            raise ValueError("review.reviewers: name two people besides the author (four eyes)")
