"""Due diligence: what people decided becomes an outcome, and the record of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from workflows.data.case_file import CaseFile
from workflows.data.common import Condition, Decision
from workflows.data.decision import CaseSoFar, DecisionRecord
from workflows.data.due_diligence import CaseOutcome, Narrative, Onboarding, Tier
from workflows.data.hits import ReviewedHit
from workflows.patterns.gate import GateResult
from workflows.rules.dd import decision, routing
from workflows.steps.dd.audit import CaseAudit


@dataclass(frozen=True)
class Ended:
    """What was done about a decision: the onboarding, reasons to add, tasks nobody finished."""

    onboarding: Onboarding = Onboarding.NOT_STARTED
    why: tuple[str, ...] = ()
    open_tasks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Closing:
    """A case whose review ended at `at`. `known` holds its checks, narrative and routing."""

    case: CaseFile
    case_id: str
    known: CaseSoFar
    decided: GateResult
    hits: tuple[ReviewedHit, ...]
    at: datetime

    @cached_property
    def narrative(self) -> Narrative:
        """The summary the people decided on."""
        assert self.known.narrative is not None  # noqa: S101 - every review follows a summary
        return self.known.narrative

    @cached_property
    def tier(self) -> Tier:
        """The tier by rules, or what the model raised it to."""
        return routing.raised(self.by_rules, self.narrative.model_tier)

    @cached_property
    def by_rules(self) -> Tier:
        """The tier by rules alone."""
        return routing.tier_by_rules(self.known.checks)

    @cached_property
    def proposal(self) -> CaseOutcome:
        """What the rules proposed."""
        return routing.propose(self.known.checks)

    @cached_property
    def outcome(self) -> CaseOutcome:
        """What becomes of the customer."""
        said = self.decided
        return routing.settle(self.case, said.decisions, timed_out=said.timed_out)

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions of an approval."""
        return routing.conditions(self.case, self.outcome, self.decided.decisions)

    @cached_property
    def limit(self) -> Decimal:
        """What the customer may have a month, if approved."""
        amounts = [Decimal(c.value) for c in self.conditions if c.code == "LIMIT"]
        return amounts[-1] if amounts else self.case.product.monthly

    def record(
        self, ended: Ended, audit: CaseAudit, head: str, earlier: tuple[Decision, ...], usd: Decimal
    ) -> DecisionRecord:
        """Write the decision down. `head` is the hash of the audit's row of the decision."""
        checks, routed = self.known.checks, self.known.routing
        assert routed is not None  # noqa: S101 - every review follows a routing
        said, timed_out = self.decided.decisions, self.decided.timed_out
        return DecisionRecord(
            case=self.case.case,
            decision_id=f"{self.case_id}/decision",
            outcome=self.outcome,
            conditions=self.conditions,
            tier=self.tier,
            confidence=routing.confidence(checks, self.narrative),
            routing=routed,
            proposed=self.proposal,
            reasons=(*routing.reasons(checks, said, timed_out), *ended.why),
            decided_by=said,
            earlier=earlier,
            signed=tuple(audit.signed),
            checks=checks,
            parties=self.known.parties,
            hits=self.hits,
            information=self.known.information,
            narrative=self.narrative,
            onboarding=ended.onboarding,
            open_tasks=ended.open_tasks,
            decided_at=self.at,
            usd=usd,
            policy_version=routing.POLICY_VERSION,
            audit_head=head,
            **self._grounds(),
            **self._what_follows(),
        )

    def _grounds(self) -> dict[str, Any]:
        """Give the fields that say what the decision rests on."""
        checks, wrote = self.known.checks, self.narrative
        sure = routing.confidence(checks, wrote)
        return {
            "risk_score": decision.risk_score(self.tier, checks, sure),
            "model_opinion": decision.opinion(wrote, self.proposal),
            "because": decision.because(checks, timed_out=self.decided.timed_out),
            "overrides": decision.overrides(
                self.by_rules, self.tier, wrote, self.proposal, self.outcome, self.decided
            ),
            "inputs_sha256": decision.inputs_sha256(self.case),
            "lists": decision.lists_used(checks),
        }

    def _what_follows(self) -> dict[str, Any]:
        """Give the fields that say what follows from it."""
        day = self.at.date()
        review = decision.next_review_due(self.tier, self.outcome, day)
        appeal = decision.appeal_until(self.outcome, self.tier, day)
        limit, checks = str(self.limit), self.known.checks
        return {
            "next_review_due": review,
            "retention_until": decision.retention_until(day, review),
            "appeal_until": appeal,
            "customer_explanation": decision.customer_explanation(
                self.case, self.outcome, limit, checks, appeal
            ),
        }
