"""Records of the decision on a case: what it is, what it rests on, what follows from it."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, Field

from workflows.data.case_file import Party
from workflows.data.common import CaseId, Condition, Decision, PartyId, PersonName, Record, Verdict
from workflows.data.due_diligence import CaseOutcome, Narrative, Onboarding, Routing, Tier
from workflows.data.findings import CheckResult, Share
from workflows.data.hits import ReviewedHit
from workflows.data.information import InformationRequest

Score = Annotated[int, Field(ge=0, le=100)]


class Because(Record):
    """A reason by its id: a finding's code, or `GAP`, and which one of whom."""

    code: str
    ref: str
    party_id: PartyId = "subject"


class Signed(Record):
    """A decision at a gate with its time and the roles of whoever gave it."""

    user: PersonName
    roles: tuple[str, ...]
    gate: str
    verdict: Verdict
    at: AwareDatetime
    comment: str = ""
    stands_for: PersonName | None = None


class ModelOpinion(Record):
    """What the model proposed, and whether the rules propose the same."""

    outcome: CaseOutcome
    confidence: Share
    agreed: bool
    model: str


class Override(Record):
    """Where a model raised the tier, or people decided otherwise than the rules proposed."""

    what: str
    """`tier` or `outcome`."""
    before: str
    after: str
    by: str
    """A person, or `model` and its name."""
    why: str = ""


class ListUsed(Record):
    """A list the case was screened against. `sha256` is empty if its answers were not all one."""

    id: str
    version: str
    sha256: str = ""
    as_of: date | None = None


class DecisionRecord(Record):
    """The result of the process: the decision and everything it rests on."""

    case: CaseId
    decision_id: str = ""
    """The workflow id and `decision`: one decision per run."""
    outcome: CaseOutcome
    conditions: tuple[Condition, ...] = ()
    tier: Tier
    risk_score: Score | None = None
    """Ranks cases within a queue; decides nothing. Its formula: rules/dd/decision.py."""
    confidence: Share
    routing: Routing
    proposed: CaseOutcome | None = None
    """By the rules, of `policy_version`."""
    model_opinion: ModelOpinion | None = None
    """None if no model gave one."""
    reasons: tuple[str, ...]
    because: tuple[Because, ...] = ()
    overrides: tuple[Override, ...] = ()
    decided_by: tuple[Decision, ...]
    earlier: tuple[Decision, ...] = ()
    """Decisions at gates that ended in `more`."""
    signed: tuple[Signed, ...] = ()
    """All decisions at all gates until now, with their times."""
    checks: tuple[CheckResult, ...]
    parties: tuple[Party, ...] = ()
    """Those screened besides the subject, named in the case or discovered."""
    hits: tuple[ReviewedHit, ...] = ()
    """What people made of hits on lists."""
    information: tuple[InformationRequest, ...] = ()
    """What the customer was asked, and answered."""
    narrative: Narrative
    onboarding: Onboarding
    open_tasks: tuple[str, ...] = ()
    decided_at: AwareDatetime
    usd: Decimal
    policy_version: str
    inputs_sha256: str = ""
    """Over the canonical JSON of the case file."""
    lists: tuple[ListUsed, ...] = ()
    next_review_due: date | None = None
    """None without a customer to review."""
    retention_until: date | None = None
    """At the earliest; moves on with every review."""
    customer_explanation: str = ""
    """What the customer may be told. Never hints at a list, a report or a suspicion."""
    appeal_until: date | None = None
    audit_head: str = ""
    """Hash of the audit's row of this decision."""


class CaseSoFar(Record):
    """The answer to the query `result_so_far` while a case is open."""

    checks: tuple[CheckResult, ...] = ()
    parties: tuple[Party, ...] = ()
    narrative: Narrative | None = None
    routing: Routing | None = None
    proposal: CaseOutcome | None = None
    information: tuple[InformationRequest, ...] = ()
    decision: DecisionRecord | None = None
