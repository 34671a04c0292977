"""What checks find: the twelve checks of due diligence, findings, gaps and their evidence."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator

from workflows.data.common import PartyId, Record
from workflows.data.ownership import Structure
from workflows.data.sources import Liveness
from workflows.data.worksheet import Worksheet

Share = Annotated[float, Field(ge=0, le=1)]
SUBJECT: PartyId = "subject"
"""The company a case is about, among its parties."""


class Check(StrEnum):
    """The checks of a case. Those of the subject are branches of that name."""

    IDENTITY = "identity"
    """Are the persons who they say they are? Documents, machine readable zones."""
    EXISTENCE = "existence"
    """Does the company exist, and is it the one on the form? Register, LEI, VAT number."""
    OWNERSHIP = "ownership"
    """Who owns and controls it? Emits the parties of the second wave."""
    SANCTIONS = "sanctions"
    PEP = "pep"
    """Is a person politically exposed?"""
    MEDIA = "media"
    CREDIT = "credit"
    REFERENCES = "references"
    BACKGROUND = "background"
    """Disqualifications, debarments, insolvencies, alarming filings."""
    GEOGRAPHY = "geography"
    """Countries and industry, by dated lists."""
    CONTACT = "contact"
    """Mail, phone, domain and web."""
    DOSSIER = "dossier"
    """Is everything there that the rules require? The last one."""


HARD = frozenset(
    {
        Check.IDENTITY,
        Check.EXISTENCE,
        Check.OWNERSHIP,
        Check.SANCTIONS,
        Check.CREDIT,
        Check.GEOGRAPHY,
        Check.DOSSIER,
    }
)
"""Checks that must be conclusive before a case may be approved without conditions. The others
are soft: their gaps lower confidence, never clear anything. Credit is hard because every
product there is grants credit.
"""


class CheckOutcome(StrEnum):
    """What became of a check. Only `clear` is a pass, and it has no open gap."""

    CLEAR = "clear"
    FINDING = "finding"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"
    UNAVAILABLE = "unavailable"


class FindingCode(StrEnum):
    """Facts that speak against the customer, or call for a closer look."""

    # sanctions and persons
    SANCTIONED = "SANCTIONED"
    SANCTIONED_PARTY = "SANCTIONED_PARTY"
    """An owner is sanctioned, and neither director nor signatory."""
    POSSIBLE_SANCTIONS_MATCH = "POSSIBLE_SANCTIONS_MATCH"
    OWNED_BY_SANCTIONED = "OWNED_BY_SANCTIONED"
    """50 % or more, alone or together (OFAC's 50 percent rule; AMLR Art. 20: more than 50 %)."""
    POLITICALLY_EXPOSED = "POLITICALLY_EXPOSED"
    POSSIBLE_PEP = "POSSIBLE_PEP"
    ADVERSE_MEDIA = "ADVERSE_MEDIA"
    DISQUALIFIED = "DISQUALIFIED"
    DOCUMENT_FORGED = "DOCUMENT_FORGED"
    """Check digits of a document do not add up."""
    DOCUMENT_EXPIRED = "DOCUMENT_EXPIRED"
    # the company
    NOT_ACTIVE = "NOT_ACTIVE"
    DEREGISTERED = "DEREGISTERED"
    IDENTITY_CONFLICT = "IDENTITY_CONFLICT"
    ACCOUNTS_OVERDUE = "ACCOUNTS_OVERDUE"
    VAT_INVALID = "VAT_INVALID"
    # ownership
    COMPLEX_STRUCTURE = "COMPLEX_STRUCTURE"
    TRUST_IN_CHAIN = "TRUST_IN_CHAIN"
    NOMINEE_IN_CHAIN = "NOMINEE_IN_CHAIN"
    UNRESOLVED_CONTROL = "UNRESOLVED_CONTROL"
    """Control without a stated share, or too much of the shares unknown."""
    CIRCULAR_OWNERSHIP = "CIRCULAR_OWNERSHIP"
    # credit
    INSOLVENCY_FILING = "INSOLVENCY_FILING"
    INSOLVENCY_HISTORY = "INSOLVENCY_HISTORY"
    CREDIT_DISTRESS = "CREDIT_DISTRESS"
    CREDIT_MODEL_ALARM = "CREDIT_MODEL_ALARM"
    """A score of a formula is in its distress zone; by itself never a reason to decline."""
    ADVERSE_REFERENCE = "ADVERSE_REFERENCE"
    # surroundings
    HIGH_RISK_COUNTRY = "HIGH_RISK_COUNTRY"
    HIGH_RISK_INDUSTRY = "HIGH_RISK_INDUSTRY"
    CONTACT_MISMATCH = "CONTACT_MISMATCH"


class Strength(StrEnum):
    """How firmly a finding stands: on an exact identifier, a record, a name, an opinion."""

    IDENTIFIER = "identifier"
    RECORD = "record"
    NAME = "name"
    OPINION = "opinion"


class Disposition(StrEnum):
    """What a person made of a possible hit."""

    TRUE_MATCH = "true_match"
    FALSE_POSITIVE = "false_positive"
    INCONCLUSIVE = "inconclusive"


class Evidence(Record):
    """A record that was looked at, with where it came from and when."""

    id: str
    source: str
    record: str
    liveness: Liveness
    retrieved_at: AwareDatetime
    as_of: date | None = None
    sha256: str = ""
    licence: str = ""
    excerpt: str = ""


class MatchedOn(Record):
    """Which values agreed, in words a reviewer can read; `parts` names them one by one."""

    field: str
    query: str
    candidate: str
    parts: tuple[str, ...] = ()


class Finding(Record):
    """Something that speaks against the customer, with the evidence for it.

    `score` is the similarity of names, 0 to 1, where names were compared.
    """

    id: str
    code: FindingCode
    party_id: PartyId
    summary: str
    strength: Strength
    evidence: tuple[str, ...]
    score: Share | None = None
    matched_on: MatchedOn | None = None
    disposition: Disposition | None = None


class Gap(Record):
    """Something that could not be established, and why. Never a pass."""

    id: str
    check: Check
    reason: str


class CheckResult(Record):
    """What a check of the subject or of one party came to."""

    check: Check
    party_id: PartyId = SUBJECT
    outcome: CheckOutcome
    confidence: Share
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    fallback: str = ""
    """Name of the fallback that answered instead of the first choice; empty if none did."""
    worksheet: Worksheet | None = None
    """Of the credit check, where accounts were to be had."""
    high_credit: float | None = None
    """Of the references: what referees were owed at most (median), in the product's currency."""
    structure: Structure | None = None
    """Of the ownership check: the holders with the largest parts."""

    @model_validator(mode="after")
    def _a_gap_is_never_a_pass(self) -> Self:
        if self.outcome is CheckOutcome.CLEAR and (self.gaps or self.findings):
            raise ValueError(f"{self.check} cannot be clear with open gaps or findings")
        return self
