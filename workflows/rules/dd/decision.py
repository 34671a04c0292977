"""Due diligence: what a decision rests on and what follows from it. Pure, and total.

Risk score, 0 to 100: each tier has a band (low 0-24, medium 25-49, high 50-84, prohibited 85-100).
A case starts at the lower end of its band; each finding adds points by its strength (identifier 10,
record 6, name 4, opinion 2), each gap 2 in a hard check and 1 in a soft one, and what confidence
lacks of 1 adds up to 10. The sum is cut at the upper end. So the score ranks cases of a tier, never
across tiers, and decides nothing.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import sha256

from workflows.data.audit import canonical
from workflows.data.case_file import CaseFile
from workflows.data.decision import Because, ListUsed, ModelOpinion, Override
from workflows.data.due_diligence import CaseOutcome, Narrative, Tier
from workflows.data.findings import HARD, Check, CheckResult, FindingCode, Strength
from workflows.data.scheduled import ReviewDays
from workflows.patterns.gate import GateResult
from workflows.rules.dd.hits import counting

BANDS = {
    Tier.LOW: (0, 24),
    Tier.MEDIUM: (25, 49),
    Tier.HIGH: (50, 84),
    Tier.PROHIBITED: (85, 100),
}
POINTS = {Strength.IDENTIFIER: 10, Strength.RECORD: 6, Strength.NAME: 4, Strength.OPINION: 2}
REVIEW_YEARS = {Tier.LOW: 3, Tier.MEDIUM: 2, Tier.HIGH: 1}
"""House policy, under the caps of AMLR Art. 26 (1 year at high risk, else 5)."""
RETENTION_YEARS = 5
"""FATF R.11 and AMLR Art. 77: five years from the end of the relationship, or of the attempt."""
APPEAL = timedelta(days=30)
REPORT_DAYS = 10
"""Business days in which a hit must be reported (OFAC, 31 CFR 501.603 and 501.604)."""
APPROVED = (CaseOutcome.APPROVE, CaseOutcome.APPROVE_WITH_CONDITIONS)
LISTS = (Check.SANCTIONS, Check.PEP, Check.GEOGRAPHY)
"""The checks that look into lists."""
TELLABLE = {
    FindingCode.NOT_ACTIVE: "the register does not show the company as active",
    FindingCode.DEREGISTERED: "its securities are no longer registered",
    FindingCode.IDENTITY_CONFLICT: "the application differs from the public registers",
    FindingCode.ACCOUNTS_OVERDUE: "its accounts are overdue",
    FindingCode.VAT_INVALID: "the VAT number given is not valid",
    FindingCode.INSOLVENCY_FILING: "a public filing tells of an insolvency",
    FindingCode.INSOLVENCY_HISTORY: "the register holds an insolvency",
    FindingCode.CREDIT_DISTRESS: "public filings tell of financial distress",
    FindingCode.CREDIT_MODEL_ALARM: "the published figures call for a lower limit",
    FindingCode.DOCUMENT_EXPIRED: "a document has expired",
}
"""What may be told to a customer. A case with any other finding is told of none."""


def risk_score(tier: Tier, checks: Sequence[CheckResult], confidence: float) -> int:
    """Rank a case within its tier; the module says how."""
    low, high = BANDS[tier]
    points = sum(POINTS[f.strength] for f in counting(checks))
    points += sum((2 if c.check in HARD else 1) * len(c.gaps) for c in checks)
    return min(high, low + points + round(10 * (1 - confidence)))


def because(checks: Sequence[CheckResult], *, timed_out: bool) -> tuple[Because, ...]:
    """List the reasons by id: findings, gaps, and a review that was not finished."""
    said = [
        Because(code=str(f.code), ref=f.id, party_id=f.party_id) for c in checks for f in c.findings
    ]
    said += [Because(code="GAP", ref=g.id, party_id=c.party_id) for c in checks for g in c.gaps]
    if timed_out:
        said.append(Because(code="REVIEW_EXPIRED", ref="review"))
    return tuple(said)


def opinion(narrative: Narrative, proposal: CaseOutcome) -> ModelOpinion | None:
    """Give the model's opinion beside the rules' proposal; None if rules alone wrote."""
    if not narrative.model:
        return None
    return ModelOpinion(
        outcome=narrative.proposed,
        confidence=narrative.confidence,
        agreed=narrative.proposed is proposal,
        model=narrative.model,
    )


def overrides(
    by_rules: Tier,
    tier: Tier,
    narrative: Narrative,
    proposal: CaseOutcome,
    outcome: CaseOutcome,
    decided: GateResult,
) -> tuple[Override, ...]:
    """List where a model raised the tier, and where people decided otherwise than proposed."""
    found = []
    if tier is not by_rules:
        said = Override(
            what="tier",
            before=by_rules,
            after=tier,
            by=f"model {narrative.model}",
            why="; ".join(c.text for c in narrative.claims)[:300],
        )
        found.append(said)
    if outcome is not proposal and decided.last:
        why = "; ".join(d.comment for d in decided.decisions if d.comment)
        said = Override(
            what="outcome", before=proposal, after=outcome, by=decided.last.by, why=why[:300]
        )
        found.append(said)
    return tuple(found)


def lists_used(checks: Sequence[CheckResult]) -> tuple[ListUsed, ...]:
    """Name the lists the case was screened against: the first record of each source says which.

    `sha256` only where all answers were the same: a search answers each party differently.
    """
    found: dict[str, ListUsed] = {}
    for seen in (e for c in checks if c.check in LISTS for e in c.evidence):
        first = found.setdefault(
            seen.source,
            ListUsed(id=seen.source, version=seen.record, sha256=seen.sha256, as_of=seen.as_of),
        )
        if first.sha256 != seen.sha256:
            found[seen.source] = first.model_copy(update={"sha256": ""})
    return tuple(found.values())


def inputs_sha256(case: CaseFile) -> str:
    """Give the hash of the case file, over its canonical JSON."""
    return sha256(canonical(case.model_dump(mode="json")).encode()).hexdigest()


def next_review_due(tier: Tier, outcome: CaseOutcome, decided: date) -> date | None:
    """Say when the customer must be looked at again; None if there is none to look at."""
    years = REVIEW_YEARS.get(tier)
    return _years_after(decided, years) if years and outcome in APPROVED else None


def review_days(schedule: str, case: str, tier: Tier, first: date | None) -> ReviewDays | None:
    """Say on which days a schedule screens the customer of a decided case again; None if none."""
    years = REVIEW_YEARS.get(tier)
    if first is None or years is None:
        return None
    note = f"review of {case}: tier {tier}, due {first}, every {years} years"
    return ReviewDays(schedule=schedule, first=first, years=years, note=note)


def retention_until(decided: date, review_due: date | None) -> date:
    """Say until when the record is kept at the least. A relationship lasts to its next review."""
    return _years_after(review_due or decided, RETENTION_YEARS)


def appeal_until(outcome: CaseOutcome, tier: Tier, decided: date) -> date | None:
    """Say until when a customer may ask for another look; None where nothing was refused."""
    refused = outcome in (CaseOutcome.DECLINE, CaseOutcome.APPROVE_WITH_CONDITIONS)
    return decided + APPEAL if refused and tier is not Tier.PROHIBITED else None


def customer_explanation(
    case: CaseFile,
    outcome: CaseOutcome,
    limit: str,
    checks: Sequence[CheckResult],
    appeal: date | None,
) -> str:
    """Write what the customer may be told: never of a list, a report or a suspicion.

    One finding that may not be told silences all, so that what is said never hints at more.
    """
    product, amount = case.product.kind.replace("_", " "), case.product.currency
    amount += f" {int(limit):,}" if limit.isdigit() else f" {limit}"
    if outcome is CaseOutcome.REFER:
        return "Your application is still being looked at."
    if outcome is CaseOutcome.APPROVE:
        return f"We offer you {product}, up to {amount} a month."
    found = {f.code for f in counting(checks)}
    grounds = [TELLABLE[c] for c in TELLABLE if c in found] if found <= set(TELLABLE) else []
    told = "We cannot offer you the product you asked for"
    if outcome is CaseOutcome.APPROVE_WITH_CONDITIONS:
        told = f"We offer you {product}, up to {amount} a month"
    why = f", because {' and '.join(grounds)}" if grounds else ""
    more = (
        f" You may ask a person to look at this again until {appeal.day} {appeal:%B %Y}."
        if appeal
        else ""
    )
    return f"{told}{why}. People took this decision.{more}"


def report_due(decided: date) -> date:
    """Give the last day for a report. Knows weekends, no holidays, so it is never too late."""
    day, left = decided, REPORT_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, month=3, day=1)
