"""Records of the due diligence process: tier, route, synthesis, references."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from workflows.data.common import PartyId, Record
from workflows.data.findings import Share


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


class Dropped(Claim):
    """A claim that did not hold: `why` says which of its words what it cites does not bear out."""

    why: str = ""


class Narrative(Record):
    """The synthesis after its claims were checked against what they cite."""

    claims: tuple[Claim, ...]
    dropped: tuple[Dropped, ...]
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
