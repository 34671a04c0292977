"""Due diligence: when the customer may be asked, and what its answer does to the checks. Pure."""

from collections.abc import Sequence

from workflows.data.findings import CheckOutcome, CheckResult, Evidence, FindingCode, Gap
from workflows.data.information import InformationRequest
from workflows.data.sources import Liveness
from workflows.rules.dd.hits import counting

_TIPS_OFF = {
    FindingCode.SANCTIONED,
    FindingCode.OWNED_BY_SANCTIONED,
    FindingCode.POSSIBLE_SANCTIONS_MATCH,
}


def might_tip_off(checks: Sequence[CheckResult]) -> bool:
    """Say whether asking the customer might tell it of a sanctions hit, if only a possible one."""
    return any(f.code in _TIPS_OFF for f in counting(checks))


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
