"""The right synthesis of a case, by plain rules."""

from textwrap import shorten

from simulator.brain.documents import CheckDocument, SynthesisDocuments
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
    gaps = [_open(check, documents) for check in dict.fromkeys(g.check for g in documents.gaps)]
    clear = [_clear(check.check, documents) for check in documents.checks if _is_clear(check)]
    looked_at = tuple(e.id for e in documents.evidence)
    if not found and not gaps and looked_at:
        found = [Claim(text="Nothing on file speaks against the customer.", cites=looked_at)]
    return (*found, *gaps, *(claim for claim in clear if claim))


def _open(check: str, documents: SynthesisDocuments) -> Claim:
    """Say what a check left open, at most five gaps in words and all by their ids."""
    gaps = [g for g in documents.gaps if g.check == check]
    told = "; ".join(g.reason for g in gaps[:5]) + ("; ..." if len(gaps) > 5 else "")
    what = "a gap" if len(gaps) == 1 else f"{len(gaps)} gaps"
    text = f"The check of {check} has {what}: {told}"
    return Claim(text=shorten(text, 600, placeholder=" ..."), cites=tuple(g.id for g in gaps))


def _is_clear(check: CheckDocument) -> bool:
    return check.outcome is CheckOutcome.CLEAR


def _clear(check: str, documents: SynthesisDocuments) -> Claim | None:
    """Say of a check of the subject what its first record says; None if it has none."""
    seen = [e for e in documents.evidence if e.id.rsplit("-e", 1)[0] == check]
    if not seen:
        return None
    first = shorten(seen[0].excerpt or seen[0].record, 160, placeholder=" ...")
    text = f"The check of {check} is clear: {first} ({seen[0].source.replace('_', ' ')})."
    return Claim(text=text, cites=tuple(e.id for e in seen[:4]))
