"""The right synthesis of a case, by plain rules."""

from simulator.brain.documents import SynthesisDocuments
from workflows.data.due_diligence import CaseOutcome, Claim, Synthesis, Tier
from workflows.data.findings import CheckOutcome

PROPOSALS = {
    "SANCTIONED": CaseOutcome.DECLINE,
    "INSOLVENCY_FILING": CaseOutcome.DECLINE,
    "NOT_ACTIVE": CaseOutcome.DECLINE,
    "CREDIT_MODEL_ALARM": CaseOutcome.APPROVE_WITH_CONDITIONS,
    "ACCOUNTS_OVERDUE": CaseOutcome.APPROVE_WITH_CONDITIONS,
    "ADVERSE_REFERENCE": CaseOutcome.APPROVE_WITH_CONDITIONS,
}
"""What a finding leads to; a finding not named here leads to `refer`."""

_ORDER = (
    CaseOutcome.APPROVE,
    CaseOutcome.APPROVE_WITH_CONDITIONS,
    CaseOutcome.REFER,
    CaseOutcome.DECLINE,
)
_SETTLED = (CheckOutcome.CLEAR, CheckOutcome.NOT_APPLICABLE, CheckOutcome.FINDING)


def synthesis(documents: SynthesisDocuments) -> Synthesis:
    """Propose an outcome and say why, each claim citing ids of the documents."""
    outcome = _proposal(documents)
    lowest = min((check.confidence for check in documents.checks), default=0.5)
    confidence = {
        CaseOutcome.DECLINE: 0.96,
        CaseOutcome.APPROVE: max(0.5, min(0.95, lowest)),
    }.get(outcome, 0.75)
    return Synthesis(
        outcome=outcome, tier=documents.tier, claims=_claims(documents), confidence=confidence
    )


def _proposal(documents: SynthesisDocuments) -> CaseOutcome:
    """Take the strictest of what the tier, the findings and the gaps lead to."""
    proposals = [CaseOutcome.APPROVE]
    if documents.tier is Tier.PROHIBITED:
        proposals.append(CaseOutcome.DECLINE)
    proposals += [PROPOSALS.get(str(f.code), CaseOutcome.REFER) for f in documents.findings]
    if documents.gaps or any(c.outcome not in _SETTLED for c in documents.checks):
        proposals.append(CaseOutcome.REFER)
    return max(proposals, key=_ORDER.index)


def _claims(documents: SynthesisDocuments) -> tuple[Claim, ...]:
    found = [
        Claim(text=f.summary or f"The case has the finding {f.code}.", cites=(f.id,))
        for f in documents.findings
    ]
    gaps = [
        Claim(text=f"The check of {g.check} has a gap: {g.reason}", cites=(g.id,))
        for g in documents.gaps
    ]
    looked_at = tuple(e.id for e in documents.evidence)
    if not found and not gaps and looked_at:
        return (Claim(text="Nothing on file speaks against the customer.", cites=looked_at),)
    return (*found, *gaps)
