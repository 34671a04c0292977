"""Records of the due diligence process: tier, route, synthesis, references, decision."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, StringConstraints

from workflows.data.common import CaseId, Condition, Decision, PartyId, Record
from workflows.data.findings import CheckResult, Share
from workflows.data.hits import ReviewedHit


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

    STRAIGHT = "straight_through"
    """Nobody: the policy approves. Off unless the case file switches it on."""
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
    hits: tuple[ReviewedHit, ...] = ()
    """What people made of hits on lists."""
    narrative: Narrative
    onboarding: Onboarding
    open_tasks: tuple[str, ...] = ()
    decided_at: AwareDatetime
    usd: Decimal
    policy_version: str
