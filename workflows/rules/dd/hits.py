"""Due diligence: which findings are hits, and what a person's disposition makes of them. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from workflows.data.case_file import CaseFile, Party, Subject
from workflows.data.findings import (
    SUBJECT,
    Check,
    CheckResult,
    Disposition,
    Evidence,
    Finding,
    FindingCode,
    Strength,
)
from workflows.data.hits import HitReason, HitReview, NamePart, ReviewedHit, Says, Worksheet
from workflows.rules.dd.sheet import folded

CONFIRMS = {
    FindingCode.POSSIBLE_SANCTIONS_MATCH: FindingCode.SANCTIONED,
    FindingCode.POSSIBLE_PEP: FindingCode.POLITICALLY_EXPOSED,
}
"""What a possible hit becomes when people say it is the party."""
CONFIRMED = frozenset(CONFIRMS.values())
SANCTIONS = frozenset({FindingCode.POSSIBLE_SANCTIONS_MATCH, FindingCode.SANCTIONED})
ALL_OF_IT, MOST_OF_IT = 0.98, 0.85
"""Similarities from which all, or most, of a name is said to agree."""


DECISIVE = frozenset({"director", "signatory"})
"""Roles in which a sanctioned party makes the customer one we may not serve."""


@dataclass(frozen=True)
class Hit:
    """A finding people have to look at, with what identifies it beyond this case."""

    check: Check
    finding: Finding
    entry: str
    entry_sha256: str
    party_sha256: str
    decisive: bool
    """On somebody whose being listed prohibits: the subject, a director or signatory."""

    @property
    def gate(self) -> str:
        """Name the hit's gate; the same hit found again has the same."""
        told = [self.finding.code, self.finding.party_id, self.entry, self.entry_sha256]
        return f"hit-{_digest([*told, self.party_sha256])[:8]}"

    @property
    def confirmed(self) -> bool:
        """Say whether the rules are sure already, so that nothing waits for people."""
        return self.finding.code in CONFIRMED


def hits_of(result: CheckResult, parties: Mapping[str, Subject | Party]) -> list[Hit]:
    """Give the hits of a check that nobody disposed of. `parties` are known by their ids."""
    kept = {e.id: e for e in result.evidence}
    found = []
    for finding in result.findings:
        on_a_list = finding.code in CONFIRMS or finding.code in CONFIRMED
        if on_a_list and finding.disposition is None:
            seen = next((kept[i] for i in finding.evidence if i in kept), None)
            found.append(_hit(result.check, finding, seen, parties.get(finding.party_id)))
    return found


def parties_of(case: CaseFile) -> dict[str, Subject | Party]:
    """Give the parties a case file names, by id; the subject under its own and the general one."""
    subject = case.subject
    return {SUBJECT: subject, subject.party_id: subject, **{p.party_id: p for p in case.parties}}


def customer_of(case: CaseFile) -> str:
    """Name the customer across cases: by the first identifier of the case file."""
    first = case.subject.identifiers[0]
    return f"{first.scheme}:{first.value}"


def worksheet(hit: Hit) -> HitReview:
    """Fill in the worksheet as far as rules can, for a person to correct."""
    finding = hit.finding
    by_number = finding.strength is Strength.IDENTIFIER
    score = 1.0 if by_number or finding.score is None else finding.score
    part = NamePart.ALL if score >= ALL_OF_IT else NamePart.MOST
    return HitReview(
        disposition=Disposition.TRUE_MATCH if by_number else Disposition.INCONCLUSIVE,
        reason=HitReason.ID_MATCH if by_number else HitReason.NAME_ONLY,
        worksheet=Worksheet(
            right_list=Says.YES,
            same_type=Says.YES if by_number else Says.UNKNOWN,
            name_part=part if score >= MOST_OF_IT else NamePart.PART,
            enough_identifiers=Says.YES if by_number else Says.UNKNOWN,
            several_similarities=Says.YES if by_number else Says.UNKNOWN,
        ),
        comment=finding.summary,
    )


def needs_second(hit: Hit, disposition: Disposition) -> bool:
    """Say whether a second person must agree: to make a hit of a name, or to unmake a sure one."""
    grave = Disposition.FALSE_POSITIVE if hit.confirmed else Disposition.TRUE_MATCH
    return disposition is grave


def agreed(reviews: Sequence[HitReview]) -> Disposition:
    """Give what the reviews come to: whoever differ leave it inconclusive."""
    said = {r.disposition for r in reviews}
    return said.pop() if len(said) == 1 else Disposition.INCONCLUSIVE


def judged(
    result: CheckResult, reviewed: Mapping[str, ReviewedHit], hits: Sequence[Hit]
) -> CheckResult:
    """Write dispositions into a check's findings. A false positive stays, but counts no more."""
    changed = {
        h.finding.id: _disposed(h.finding, reviewed[h.gate]) for h in hits if h.gate in reviewed
    }
    findings = tuple(changed.get(f.id, f) for f in result.findings)
    return result.model_copy(update={"findings": findings})


def counting(checks: Sequence[CheckResult]) -> list[Finding]:
    """Give the findings that count: all but those people found to be false."""
    found = (f for c in checks for f in c.findings)
    return [f for f in found if f.disposition is not Disposition.FALSE_POSITIVE]


def open_hits(checks: Sequence[CheckResult]) -> int:
    """Count the possible hits nobody could dispose of."""
    return sum(f.code in CONFIRMS for f in counting(checks))


def _hit(
    check: Check, finding: Finding, seen: Evidence | None, party: Subject | Party | None
) -> Hit:
    entry = f"{seen.source}:{seen.record}" if seen else finding.summary
    # What a simulated list said must not clear anybody of a real one.
    told = [seen.liveness, seen.excerpt] if seen else [finding.summary]
    decisive = isinstance(party, Subject) or (party is not None and party.role in DECISIVE)
    # Of a party nobody told of only the finding is known: then the hit is no other's.
    attributes = _attributes(party) if party else _digest([finding.party_id, finding.summary])
    return Hit(check, finding, entry, _digest([entry, *told]), attributes, decisive)


def _attributes(party: Subject | Party) -> str:
    born = party.incorporated if isinstance(party, Subject) else party.birth_date
    kind = "Company" if isinstance(party, Subject) else party.kind
    numbers = sorted(f"{i.scheme}:{i.value}" for i in getattr(party, "identifiers", ()))
    return _digest([kind, folded(party.name), str(born), party.country or "", *numbers])


def _digest(parts: Sequence[str]) -> str:
    return sha256(json.dumps(list(parts)).encode()).hexdigest()


def _disposed(finding: Finding, review: ReviewedHit) -> Finding:
    update: dict[str, object] = {"disposition": review.disposition}
    code = CONFIRMS.get(finding.code)
    if review.disposition is Disposition.TRUE_MATCH and code is not None:
        update |= {"code": code, "summary": f"{finding.summary}; confirmed by {_who(review)}"}
    elif review.disposition is Disposition.FALSE_POSITIVE:
        update["summary"] = f"{finding.summary}; set aside by {_who(review)}"
    return finding.model_copy(update=update)


def _who(review: ReviewedHit) -> str:
    reasons = ", ".join(dict.fromkeys(r.reason for r in review.reviews))
    return f"{' and '.join(review.by)} ({reasons})" if reasons else " and ".join(review.by)
