"""Hit review: a person's worksheet on a possible hit, what became of it, what is remembered."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, StringConstraints, model_validator

from workflows.data.common import PartyId, PersonName, Record
from workflows.data.documents import Sha256
from workflows.data.findings import Disposition, FindingCode


class Says(StrEnum):
    """An answer of the worksheet."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class NamePart(StrEnum):
    """How much of the name agrees."""

    ALL = "all"
    MOST = "most"
    PART = "part"
    NONE = "none"


class HitReason(StrEnum):
    """Why a hit was disposed as it was."""

    ID_MATCH = "ID_MATCH"
    DOB_MATCH = "DOB_MATCH"
    SEVERAL_MATCHES = "SEVERAL_MATCHES"
    NAME_ONLY = "NAME_ONLY"
    ID_CONFLICT = "ID_CONFLICT"
    DOB_CONFLICT = "DOB_CONFLICT"
    COUNTRY_CONFLICT = "COUNTRY_CONFLICT"
    TYPE_CONFLICT = "TYPE_CONFLICT"
    WRONG_LIST = "WRONG_LIST"
    TOO_LITTLE_KNOWN = "TOO_LITTLE_KNOWN"


_MATCHES = {HitReason.ID_MATCH, HitReason.DOB_MATCH, HitReason.SEVERAL_MATCHES}
_UNSURE = {HitReason.NAME_ONLY, HitReason.TOO_LITTLE_KNOWN}
REASONS: dict[Disposition, frozenset[HitReason]] = {
    Disposition.TRUE_MATCH: frozenset(_MATCHES),
    Disposition.FALSE_POSITIVE: frozenset(set(HitReason) - _MATCHES - {HitReason.TOO_LITTLE_KNOWN}),
    Disposition.INCONCLUSIVE: frozenset(_UNSURE),
}
"""Which reasons go with which disposition."""


class Worksheet(Record):
    """The five questions of OFAC's FAQ 5, in its order."""

    right_list: Says
    """Is it a hit against a list that counts here?"""
    same_type: Says
    """Is the entry of the party's kind (person, company, vessel)?"""
    name_part: NamePart
    enough_identifiers: Says
    """Does the entry tell enough to compare: birth date, numbers, addresses?"""
    several_similarities: Says
    """Are several of them similar or exact?"""

    def against(self) -> bool:
        """Say whether an answer speaks against a match."""
        nothing_agrees = (
            self.enough_identifiers is Says.YES and self.several_similarities is Says.NO
        )
        little = self.name_part in (NamePart.PART, NamePart.NONE)
        return Says.NO in (self.right_list, self.same_type) or little or nothing_agrees

    def speaks_for(self) -> bool:
        """Say whether the answers bear a match."""
        sure = {self.right_list, self.same_type, self.several_similarities} == {Says.YES}
        return sure and not self.against()


class HitReview(Record):
    """What one person made of a hit: the `value` of a `supply` at its gate.

    A disposition its own worksheet or reason speaks against is refused.
    """

    disposition: Disposition
    reason: HitReason
    worksheet: Worksheet
    comment: Annotated[str, StringConstraints(max_length=2000)] = ""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        known = REASONS[self.disposition]
        if self.reason not in known:
            raise ValueError(
                f"{self.reason} is no reason for {self.disposition}; say {', '.join(sorted(known))}"
            )
        if self.disposition is Disposition.TRUE_MATCH and not self.worksheet.speaks_for():
            raise ValueError(
                "true_match needs the right list, the same type, most of the name and several"
                " similarities; correct the worksheet or say inconclusive"
            )
        if self.disposition is Disposition.FALSE_POSITIVE and not self.worksheet.against():
            raise ValueError(
                "false_positive needs an answer that speaks against the match: wrong list, other"
                " type, only part of the name, or enough identifiers and no similarities;"
                " correct the worksheet or say inconclusive"
            )
        return self


class ReviewedHit(Record):
    """What became of a hit. `disposition` None: nobody disposed of it, so it is open."""

    gate: str
    finding: str
    code: FindingCode
    party_id: PartyId
    entry: str
    """Source and record of the list entry."""
    disposition: Disposition | None
    by: tuple[PersonName, ...] = ()
    reviews: tuple[HitReview, ...] = ()
    """One by each of `by`."""
    at: AwareDatetime
    note: str = ""


class ClearedHit(Record):
    """A false positive that is remembered, for one party of one customer and one list entry.

    Hashes in place of names: the memory identifies nobody. It holds until `expires`, and only
    while neither the party's attributes nor the entry's text changed.
    """

    customer: str
    party_sha256: Sha256
    entry: str
    entry_sha256: Sha256
    by: PersonName
    reason: HitReason
    case: str
    at: AwareDatetime
    expires: AwareDatetime


class ClearedQuery(Record):
    """Was this hit disposed as a false positive before? `at` is the day it is asked for."""

    customer: str
    party_sha256: Sha256
    entry: str
    entry_sha256: Sha256
    at: AwareDatetime


class ClearedAnswer(Record):
    """The memory that holds, or why one does not hold any more."""

    cleared: ClearedHit | None = None
    lifted: str = ""
