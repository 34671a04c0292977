"""Due diligence: when the customer may be asked, what, and what its answer does. Pure."""

from collections.abc import Mapping, Sequence

from workflows.data.findings import Check, CheckOutcome, CheckResult, Evidence, FindingCode, Gap
from workflows.data.information import InformationRequest, Wanted
from workflows.data.sources import Liveness
from workflows.rules.dd.hits import counting

_TIPS_OFF = {
    FindingCode.SANCTIONED,
    FindingCode.SANCTIONED_PARTY,
    FindingCode.OWNED_BY_SANCTIONED,
    FindingCode.POSSIBLE_SANCTIONS_MATCH,
}
_WEALTH = (
    "Which of your owners and directors hold or held a public office, or are close to somebody who"
    " does? Where do their wealth and the funds of this business come from?"
)
_INSOLVENCY = (
    "Where do the proceedings stand, and who may bind the company now? Please enclose proof."
)
ENHANCED: Mapping[FindingCode, str] = {
    FindingCode.COMPLEX_STRUCTURE: (
        "Please send a chart of all owners up to natural persons. Why is the company held this way?"
    ),
    FindingCode.TRUST_IN_CHAIN: (
        "Who are settlor, trustees, protectors and beneficiaries of each trust that has a part in"
        " the company? Please enclose the deed."
    ),
    FindingCode.NOMINEE_IN_CHAIN: "For whom does each nominee hold a part in the company?",
    FindingCode.UNRESOLVED_CONTROL: (
        "Which natural persons own 25 % or more of the company, or control it in another way? How?"
    ),
    FindingCode.CIRCULAR_OWNERSHIP: (
        "Which companies of your group hold parts in each other, how much, and why?"
    ),
    FindingCode.POLITICALLY_EXPOSED: _WEALTH,
    FindingCode.POSSIBLE_PEP: _WEALTH,
    FindingCode.HIGH_RISK_COUNTRY: "In which countries do you buy, sell and hold accounts?",
    FindingCode.INSOLVENCY_FILING: _INSOLVENCY,
    FindingCode.INSOLVENCY_HISTORY: _INSOLVENCY,
    FindingCode.CREDIT_DISTRESS: "Please send your last accounts, and say how debts due are paid.",
}
"""What else is asked at enhanced due diligence (FATF R.12). None names a suspicion."""


def might_tip_off(checks: Sequence[CheckResult]) -> bool:
    """Say whether asking the customer might tell it of a sanctions hit, if only a possible one."""
    return any(f.code in _TIPS_OFF for f in counting(checks))


def enhanced(
    checks: Sequence[CheckResult], asked: Sequence[InformationRequest] = ()
) -> Wanted | None:
    """Draft the questions of enhanced due diligence that findings call for; None if there are none.

    Those `asked` and answered are left out.
    """
    said = {q for request in asked if request.answered for q in request.wanted.questions}
    open_ = [f for f in counting(checks) if ENHANCED.get(f.code, "") not in {"", *said}]
    if not open_:
        return None
    questions = tuple(dict.fromkeys(ENHANCED[f.code] for f in open_))
    about = next((c.check for c in checks if open_[0] in c.findings), Check.DOSSIER)
    return Wanted(questions=questions, about=about)


def informed(
    checks: Sequence[CheckResult], requests: Sequence[InformationRequest]
) -> tuple[CheckResult, ...]:
    """Add answers as evidence of the checks they are about, and missing ones as gaps.

    A late answer is evidence that closes no gap; the same questions, put again and answered in
    time, close it. Of a check that did not run its answer goes to the first one. Adding them again
    changes nothing.
    """
    told = list(checks)
    for request in requests:
        places = [n for n, c in enumerate(told) if c.check == request.wanted.about]
        place = min(places, default=0)  # the subject's comes before those of parties
        told[place] = _told(told[place], request, open_gap=not _answered_since(request, requests))
    return tuple(told)


def _answered_since(asked: InformationRequest, requests: Sequence[InformationRequest]) -> bool:
    """Say whether all its questions were put again to the same end, and answered in time."""
    return any(
        later.number > asked.number
        and later.answered is not None
        and not later.note
        and later.wanted.about == asked.wanted.about
        and set(asked.wanted.questions) <= set(later.wanted.questions)
        for later in requests
    )


def _told(check: CheckResult, request: InformationRequest, *, open_gap: bool) -> CheckResult:
    name = f"{check.check}-information-{request.number}"
    evidence = tuple(e for e in check.evidence if e.id != name)
    gaps = tuple(g for g in check.gaps if g.id != name)
    outcome = check.outcome
    if request.answered is not None:
        evidence += (_evidence(name, request),)
    if request.note and open_gap:
        reason = f"information {request.number} of the customer: {request.note}"
        if request.answered is not None:
            reason += f"; it came on {request.answered:%Y-%m-%d}, as {name}, for people to weigh"
        gaps += (Gap(id=name, check=check.check, reason=reason),)
        outcome = CheckOutcome.INCONCLUSIVE if outcome is CheckOutcome.CLEAR else outcome
    return check.model_copy(update={"evidence": evidence, "gaps": gaps, "outcome": outcome})


def _evidence(name: str, request: InformationRequest) -> Evidence:
    assert request.answered is not None  # noqa: S101 - of answered requests only
    return Evidence(
        id=name,
        source="customer",
        record=f"information-{request.number}",
        liveness=Liveness.SIMULATED if request.simulated else Liveness.LIVE,
        retrieved_at=request.answered,
        sha256=(request.document.sha256 or "") if request.document else "",
        excerpt=request.excerpt,
    )
