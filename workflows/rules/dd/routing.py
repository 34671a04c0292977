"""Due diligence: tier, confidence, proposal, route and final outcome. Total and pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from workflows.data.case_file import CaseFile
from workflows.data.case_policy import POLICY, Role
from workflows.data.common import Condition, Decision, Verdict
from workflows.data.due_diligence import CaseOutcome, Claim, Narrative, Route, Routing, Tier
from workflows.data.findings import (
    HARD,
    SUBJECT,
    Check,
    CheckOutcome,
    CheckResult,
    Finding,
    FindingCode,
)
from workflows.patterns.gate import ANYBODY
from workflows.patterns.route_rows import ANY, Factor, row
from workflows.patterns.route_table import Routed, RouteTable
from workflows.rules.dd.hits import counting

POLICY_VERSION = "dd-2026-11"
QUICK_CONFIDENCE = 0.90
ENOUGH_CONFIDENCE = 0.70
DISAGREEMENT = 0.65
"""Confidence of a case on whose outcome rules and model differ: under the bound on purpose."""

_TIERS = list(Tier)
_PROHIBITED = {
    FindingCode.SANCTIONED: "confirmed sanctions hit",
    FindingCode.OWNED_BY_SANCTIONED: "owned by sanctioned parties",
}
"""What prohibits a customer, in words."""
_DECLINE = {*_PROHIBITED, FindingCode.INSOLVENCY_FILING, FindingCode.NOT_ACTIVE}
_REFER = {
    FindingCode.SANCTIONED_PARTY,
    FindingCode.POSSIBLE_SANCTIONS_MATCH,
    FindingCode.POSSIBLE_PEP,
    FindingCode.DISQUALIFIED,
    FindingCode.DOCUMENT_FORGED,
    FindingCode.ADVERSE_MEDIA,
    FindingCode.INSOLVENCY_HISTORY,
    FindingCode.CREDIT_DISTRESS,
    FindingCode.IDENTITY_CONFLICT,
    FindingCode.UNRESOLVED_CONTROL,
    FindingCode.CIRCULAR_OWNERSHIP,
}
"""High, and somebody has to find out more before the customer may be had at all."""
_WATCHED = {
    FindingCode.POLITICALLY_EXPOSED,
    FindingCode.COMPLEX_STRUCTURE,
    FindingCode.TRUST_IN_CHAIN,
    FindingCode.NOMINEE_IN_CHAIN,
    FindingCode.HIGH_RISK_COUNTRY,
}
"""High, and understood: such a customer may be had, under conditions."""
_HIGH = _DECLINE | _REFER | _WATCHED
_SPECIAL = {FindingCode.POLITICALLY_EXPOSED, FindingCode.COMPLEX_STRUCTURE}


def findings_of(checks: Sequence[CheckResult]) -> list[Finding]:
    """Give all findings, in the order of the checks."""
    return [f for c in checks for f in c.findings]


def tier_by_rules(checks: Sequence[CheckResult]) -> Tier:
    """Set the tier from findings and from hard checks that came to nothing (fail closed)."""
    codes = _codes(checks)
    if codes & _PROHIBITED.keys():
        return Tier.PROHIBITED
    if codes & _HIGH or not screened(checks):
        return Tier.HIGH
    hard_gap = any(c.gaps for c in checks if c.check in HARD)
    return Tier.MEDIUM if codes or hard_gap else Tier.LOW


def prohibited_by(checks: Sequence[CheckResult]) -> str:
    """Say what prohibits the customer; empty if nothing does."""
    return "; ".join(
        f"{_PROHIBITED[f.code]}: {f.summary}" for f in counting(checks) if f.code in _PROHIBITED
    )


def screened(checks: Sequence[CheckResult]) -> bool:
    """Say whether everybody was screened against sanctions lists, without a gap."""
    answered = (CheckOutcome.CLEAR, CheckOutcome.FINDING)
    screens = [c for c in checks if c.check is Check.SANCTIONS]
    subject = any(c.party_id == SUBJECT for c in screens)
    return subject and all(c.outcome in answered and not c.gaps for c in screens)


def complex_or_pep(checks: Sequence[CheckResult]) -> bool:
    """Say whether the structure is complex or somebody is politically exposed."""
    return bool(_codes(checks) & _SPECIAL)


def _codes(checks: Sequence[CheckResult]) -> set[FindingCode]:
    return {f.code for f in counting(checks)}


def raised(tier: Tier, by_model: Tier | None) -> Tier:
    """Let the model raise the tier, never lower it. Only a confirmed list entry prohibits."""
    if by_model is None or tier is Tier.PROHIBITED:
        return tier
    wanted = min(_TIERS.index(by_model), _TIERS.index(Tier.HIGH))
    return _TIERS[max(_TIERS.index(tier), wanted)]


def propose(checks: Sequence[CheckResult]) -> CaseOutcome:
    """Propose an outcome by rules, for people to decide on."""
    codes, tier = _codes(checks), tier_by_rules(checks)
    if codes & _DECLINE:
        return CaseOutcome.DECLINE
    if codes & _REFER or not screened(checks):
        return CaseOutcome.REFER
    return CaseOutcome.APPROVE if tier is Tier.LOW else CaseOutcome.APPROVE_WITH_CONDITIONS


def confidence(checks: Sequence[CheckResult], narrative: Narrative) -> float:
    """Give the lowest of: the checks', the model's own, claims that held, agreement."""
    claims = len(narrative.claims) + len(narrative.dropped)
    held = len(narrative.claims) / claims if claims else 1.0
    agreed = 1.0 if narrative.proposed is propose(checks) else DISAGREEMENT
    return round(min([*(c.confidence for c in checks), narrative.confidence, held, agreed]), 3)


_USUAL = (Tier.LOW, Tier.MEDIUM)
ROUTES = RouteTable(
    "review",
    paths=Route,
    policy=POLICY_VERSION,
    factors=(
        Factor("tier", Tier),
        Factor("special", (True, False)),
        Factor("clean", (True, False)),
        Factor("straight", (True, False)),
    ),
    rows=(
        row(Route.COMPLIANCE, tier=Tier.PROHIBITED, special=ANY, clean=ANY, straight=ANY),
        row(Route.FOUR_EYES, tier=Tier.HIGH, special=ANY, clean=ANY, straight=ANY),
        row(Route.FOUR_EYES, tier=_USUAL, special=True, clean=ANY, straight=ANY),
        row(Route.ANALYST, tier=_USUAL, special=False, clean=ANY, straight=ANY),
        row(Route.QUICK, tier=Tier.LOW, special=False, clean=True, straight=ANY),
        row(Route.STRAIGHT, tier=Tier.LOW, special=False, clean=True, straight=True),
    ),
)
"""Who reviews a case. Special: complex or politically exposed. Clean: confidence from
QUICK_CONFIDENCE on, no open gap, no open hit. Straight: the policy's switch is on.
"""


@dataclass(frozen=True)
class Weighed:
    """What the route of a case depends on. `sure` is its confidence (0 to 1), `gaps` and `hits`
    count what is open; `agreed` says that rules and model propose the same, `special` that it is
    politically exposed or complex; `straight` is the policy's switch.
    """

    tier: Tier
    sure: float
    gaps: int = 0
    hits: int = 0
    agreed: bool = True
    special: bool = False
    straight: bool = False

    @property
    def extra(self) -> bool:
        """Whether one more round of evidence comes first: before the reviewers, never instead."""
        return not (self.sure >= ENOUGH_CONFIDENCE and self.agreed)  # so that NaN is doubt, too

    def __str__(self) -> str:
        why = f"tier {self.tier}, confidence {self.sure:.2f}, {self.gaps} open gaps"
        if self.hits:
            why += f", {self.hits} open hits"
        return why if self.agreed else f"{why}, rules and model differ"


def choose(case: Weighed) -> Routed[Route]:
    """Choose a case's reviewers, with the record of why. Every combination has one route."""
    return ROUTES.choose(
        tier=case.tier,
        special=case.special,
        clean=case.sure >= QUICK_CONFIDENCE and case.gaps == case.hits == 0,
        straight=case.straight and not case.extra,
    )


def route(case: Weighed) -> Routing:
    """Route a case to its reviewers, and say whether more evidence is needed first."""
    return Routing(route=choose(case).path, extra_round=case.extra, why=str(case))


NEEDS: dict[Route, tuple[str, ...]] = {
    Route.STRAIGHT: (),
    Route.QUICK: (ANYBODY,),
    Route.ANALYST: (Role.ANALYST,),
    Route.FOUR_EYES: (ANYBODY, Role.SENIOR),
    Route.COMPLIANCE: (Role.COMPLIANCE,),
}
"""Whom a route needs: one different person for each role."""


def by_policy(routing: Routing) -> Decision:
    """Write down that nobody decided: the policy did."""
    said = f"straight through by policy {POLICY_VERSION}: {routing.why}"
    return Decision(verdict=Verdict.APPROVE, by=POLICY, comment=said)


def barred(checks: Sequence[CheckResult], more: int) -> dict[Verdict, str]:
    """Say which verdicts cannot be given, and why. `more` counts the evidence rounds left."""
    reasons = {}
    if more <= 0:
        reasons[Verdict.MORE] = (
            "no more rounds of evidence are left; decide approve, decline or refer"
        )
    if why := prohibited_by(checks):
        reasons[Verdict.APPROVE] = f"a finding prohibits approval ({why}); decide decline or refer"
    return reasons


def settle(case: CaseFile, decisions: Sequence[Decision], *, timed_out: bool) -> CaseOutcome:
    """Turn decisions into the case's outcome.

    People who differ: the senior's word counts; among equals the more cautious one. A review
    nobody finished in time is referred, never approved.
    """
    if timed_out or not decisions:
        return CaseOutcome.REFER
    return max(map(_outcome, _that_count(case, decisions)), key=_CAUTION.index)


def _that_count(case: CaseFile, decisions: Sequence[Decision]) -> Sequence[Decision]:
    seniors = {r.name for r in case.review.everybody() if Role.SENIOR in r.roles}
    return [d for d in decisions if (d.stands_for or d.by) in seniors] or decisions


_CAUTION = [
    CaseOutcome.APPROVE,
    CaseOutcome.APPROVE_WITH_CONDITIONS,
    CaseOutcome.REFER,
    CaseOutcome.DECLINE,
]


def _outcome(decision: Decision) -> CaseOutcome:
    if decision.verdict is Verdict.APPROVE:
        return CaseOutcome.APPROVE_WITH_CONDITIONS if decision.conditions else CaseOutcome.APPROVE
    return CaseOutcome.DECLINE if decision.verdict is Verdict.DECLINE else CaseOutcome.REFER


def conditions(
    case: CaseFile, outcome: CaseOutcome, decisions: Sequence[Decision]
) -> tuple[Condition, ...]:
    """Give the conditions of an approval, of those whose word counts: the lowest LIMIT, and of
    every other code the one said last.
    """
    if outcome is not CaseOutcome.APPROVE_WITH_CONDITIONS:
        return ()
    said = [c for d in _that_count(case, decisions) for c in d.conditions]
    said.sort(key=lambda c: -Decimal(c.value) if c.code == "LIMIT" else Decimal(0))
    return tuple({c.code: c for c in said}.values())


def reasons(
    checks: Sequence[CheckResult], decisions: Sequence[Decision], timed_out: bool
) -> tuple[str, ...]:
    """List findings, gaps and comments: why the case came out as it did."""
    said = [f"{f.code}: {f.summary} [{', '.join(f.evidence)}]" for f in findings_of(checks)]
    said += [f"GAP {g.check}: {g.reason}" for c in checks for g in c.gaps]
    said += [f"{d.by}: {d.comment}" for d in decisions if d.comment]
    if timed_out:
        said.append("REVIEW: not finished by its deadline, so the case is referred")
    return tuple(said)


def narrative_by_rules(checks: Sequence[CheckResult]) -> Narrative:
    """Write the narrative from the findings alone, when no model answered."""
    claims = tuple(
        Claim(text=f"{f.code}: {f.summary}", cites=(f.id, *f.evidence)) for f in findings_of(checks)
    )
    return Narrative(
        claims=claims,
        dropped=(),
        proposed=propose(checks),
        model_tier=None,
        confidence=ENOUGH_CONFIDENCE,
        model="",
        simulated=False,
    )
