"""Records of the due diligence process: its checks, what models answer, and the decision."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from workflows.data.common import (
    CaseId,
    Condition,
    Decision,
    PartyId,
    Record,
)
from workflows.data.sources import Liveness

Share = Annotated[float, Field(ge=0, le=1)]


# ---- what the checks find ------------------------------------------------------------------


class Check(StrEnum):
    """The checks of a case. Each is a branch of that name."""

    IDENTITY = "identity"
    CREDIT = "credit"
    REFERENCES = "references"
    BACKGROUND = "background"


class CheckOutcome(StrEnum):
    """What became of a check. Only `clear` is a pass, and it has no open gap."""

    CLEAR = "clear"
    FINDING = "finding"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"
    UNAVAILABLE = "unavailable"


class FindingCode(StrEnum):
    """Facts that speak against the customer."""

    SANCTIONED = "SANCTIONED"
    POSSIBLE_SANCTIONS_MATCH = "POSSIBLE_SANCTIONS_MATCH"
    INSOLVENCY_FILING = "INSOLVENCY_FILING"
    INSOLVENCY_HISTORY = "INSOLVENCY_HISTORY"
    CREDIT_DISTRESS = "CREDIT_DISTRESS"
    ACCOUNTS_OVERDUE = "ACCOUNTS_OVERDUE"
    NOT_ACTIVE = "NOT_ACTIVE"
    DEREGISTERED = "DEREGISTERED"
    IDENTITY_CONFLICT = "IDENTITY_CONFLICT"
    ADVERSE_REFERENCE = "ADVERSE_REFERENCE"


class Strength(StrEnum):
    """How firmly a finding stands: on an exact identifier, a record, a name, an opinion."""

    IDENTIFIER = "identifier"
    RECORD = "record"
    NAME = "name"
    OPINION = "opinion"


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


class Finding(Record):
    """Something that speaks against the customer, with the evidence for it."""

    id: str
    code: FindingCode
    party_id: PartyId
    summary: str
    strength: Strength
    evidence: tuple[str, ...]


class Gap(Record):
    """Something that could not be established, and why. Never a pass."""

    id: str
    check: Check
    reason: str


class CheckResult(Record):
    """What a check came to."""

    check: Check
    outcome: CheckOutcome
    confidence: Share
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    fallback: str = ""
    """Name of the fallback that answered instead of the first choice; empty if none did."""

    @model_validator(mode="after")
    def _a_gap_is_never_a_pass(self) -> Self:
        if self.outcome is CheckOutcome.CLEAR and (self.gaps or self.findings):
            raise ValueError(f"{self.check} cannot be clear with open gaps or findings")
        return self


# ---- what models answer --------------------------------------------------------------------


class Discrepancy(Record):
    """A field on which two documents disagree."""

    field: str
    first: str
    second: str


class IdentityReading(Record):
    """A model's comparison of the form with the registers."""

    same_entity: Literal["yes", "no", "unclear"]
    discrepancies: tuple[Discrepancy, ...]
    confidence: Share


class CreditReading(Record):
    """A model's reading of filings and register facts."""

    level: Literal["none", "watch", "distress", "unknown"]
    reasons: tuple[str, ...]
    confidence: Share


class HitReading(Record):
    """A model's comparison of a party with a row of a sanctions list."""

    name: Literal["agree", "conflict", "unknown"]
    identifier: Literal["agree", "conflict", "unknown"]
    country: Literal["agree", "conflict", "unknown"]
    explanation: str
    confidence: Share


class ReferenceReading(Record):
    """A model's reading of a referee's free text."""

    conclusive: bool
    favourable: bool
    days_beyond_terms: Annotated[int, Field(ge=0)] | None
    confidence: Share


class Tier(StrEnum):
    """Risk tier; rules set it, a model may raise it, never lower it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    PROHIBITED = "prohibited"


class CaseOutcome(StrEnum):
    """What becomes of the customer."""

    APPROVE = "approve"
    APPROVE_WITH_CONDITIONS = "approve_with_conditions"
    DECLINE = "decline"
    REFER = "refer"


class Claim(Record):
    """A sentence of the synthesis and the ids of evidence, findings or gaps it rests on."""

    text: str
    cites: tuple[str, ...]


class Synthesis(Record):
    """A model's summary of the case, proposing an outcome."""

    outcome: CaseOutcome
    tier: Tier
    claims: tuple[Claim, ...]
    confidence: Share


# ---- references and review -----------------------------------------------------------------


class ReferenceReply(Record):
    """A referee's answer; the message of the signal `reference_reply`."""

    party_id: PartyId
    text: Annotated[str, StringConstraints(max_length=20_000)]
    simulated: bool = False


class Narrative(Record):
    """The synthesis after its citations were checked."""

    claims: tuple[Claim, ...]
    dropped: tuple[Claim, ...]
    """Claims without a citation that exists in the case."""
    proposed: CaseOutcome
    model_tier: Tier | None
    confidence: Share
    model: str
    simulated: bool


class Route(StrEnum):
    """Who reviews the case."""

    QUICK = "quick_approval"
    ANALYST = "analyst"
    FOUR_EYES = "two_people_one_senior"
    COMPLIANCE = "compliance_officer"


class Routing(Record):
    """The route, and why; `extra_round` asks for one more round of evidence before it."""

    route: Route
    extra_round: bool
    why: str


class Onboarding(StrEnum):
    """What became of the onboarding saga."""

    NOT_STARTED = "not_started"
    DONE = "done"
    UNDONE = "undone"
    OPEN_TASKS = "open_tasks"
    """Undone but for what `open_tasks` lists: a person must finish it."""


class CaseSoFar(Record):
    """The answer to the query `result_so_far` while a case is open."""

    checks: tuple[CheckResult, ...] = ()
    narrative: Narrative | None = None
    routing: Routing | None = None
    proposal: CaseOutcome | None = None
    decision: "DecisionRecord | None" = None


class DecisionRecord(Record):
    """The result of the process: the decision and everything it rests on."""

    case: CaseId
    outcome: CaseOutcome
    conditions: tuple[Condition, ...] = ()
    tier: Tier
    confidence: Share
    routing: Routing
    reasons: tuple[str, ...]
    decided_by: tuple[Decision, ...]
    earlier: tuple[Decision, ...] = ()
    """Decisions at gates that ended in `more`."""
    checks: tuple[CheckResult, ...]
    narrative: Narrative
    onboarding: Onboarding
    open_tasks: tuple[str, ...] = ()
    decided_at: AwareDatetime
    usd: Decimal
    policy_version: str
