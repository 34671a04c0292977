"""Due diligence: Does what a claim cites bear it out, to the letter? Pure.

A model may say anything. A claim stays in the record only if every id it cites is in the case and
its dates, numbers, identifiers, names and words of state stand there too, or follow from it.
"""

import re
from collections.abc import Sequence

from workflows.data.case_file import CaseFile
from workflows.data.due_diligence import Claim, Dropped
from workflows.data.findings import Check, CheckOutcome, CheckResult, Evidence, Finding
from workflows.rules.dd.literals import (
    Literals,
    folded,
    unborne_date,
    unborne_name,
    unborne_number,
)

_NONE = re.compile(
    r"\b(?:nothing|none\b|nobody|no (?:[\w-]+ (?:or |and )?){0,4}?(?:hits?|match(?:es)?|findings?"
    r"|risks?|signals?|concerns?|records?|issues?|signs?|history|evidence|media|entry|entries)"
    r"|(?:is|are|was|were|came out|comes out) (?:clear|clean))\b",
    re.I,
)
"""Words by which a claim says that something was looked for and not found."""
_ALL = re.compile(
    r"\bnothing\b|\bno (?:[\w-]+ (?:or |and )?){0,4}?(?:risks?|signals?|concerns?|issues?)\b"
    r"|\bspeaks? against\b",
    re.I,
)
"""Words by which it says so of the whole case."""
_SOUND = (CheckOutcome.CLEAR, CheckOutcome.NOT_APPLICABLE)
_COMMON = Literals(
    "uk us eu un uae lei vat pep peps ubo ubos ofac gleif sec edgar psc aml kyc mrz vies eur usd"
    " gbp chf id ltd plc inc llc gmbh ag sa bv nv i form item z"
).words
"""Names of registers, currencies and legal forms: they say nothing of this case alone."""


def checked(
    claims: Sequence[Claim], checks: Sequence[CheckResult], case: CaseFile
) -> tuple[tuple[Claim, ...], tuple[Dropped, ...]]:
    """Split claims into those that what they cite bears out, and the dropped, each with why."""
    cited = _Citable(checks, case)
    kept, dropped = list[Claim](), list[Dropped]()
    for claim in claims:
        if why := cited.refuse(claim):
            dropped.append(Dropped(text=claim.text, cites=claim.cites, why=why))
        else:
            kept.append(claim)
    return tuple(kept), tuple(dropped)


class _Citable:
    """Everything of a case that can be cited, as text by its id."""

    def __init__(self, checks: Sequence[CheckResult], case: CaseFile) -> None:
        self.sound = {
            (c.check, c.party_id): c.outcome in _SOUND and not (c.findings or c.gaps)
            for c in checks
        }
        self.texts: dict[str, str] = {}
        self.owners: dict[str, tuple[Check, str]] = {}
        self.admits: set[str] = set()
        """Ids of findings and gaps: to quote them claims nothing better than they say."""
        for check in checks:
            self._take(check)
        told = [case.subject.name, *(p.name for p in case.parties), case.product.currency]
        told += [r.name for r in case.references.referees]
        self.known = frozenset(_COMMON | Literals(" ".join(told)).words | set(Check))

    def _take(self, check: CheckResult) -> None:
        seen = {e.id: _of_evidence(e) for e in check.evidence}
        texts = seen | {f.id: _of_finding(f, seen) for f in check.findings}
        texts |= {g.id: f"gap {g.check} {g.reason}" for g in check.gaps}
        self.texts |= {k: f"{check.check} {v}" for k, v in texts.items()}
        self.owners |= dict.fromkeys(texts, (check.check, check.party_id))
        self.admits |= {f.id for f in check.findings} | {g.id for g in check.gaps}

    def refuse(self, claim: Claim) -> str:
        """Say why a claim cannot stay; empty if it can."""
        if not claim.cites:
            return "it cites nothing"
        if lost := [i for i in claim.cites if i not in self.texts]:
            return f"it cites {lost[0]}, which is not in the case"
        said = Literals(claim.text)
        cited = Literals(" \n ".join(self.texts[i] for i in dict.fromkeys(claim.cites)))
        if (date := unborne_date(said, cited)) != "":
            return f"{date} is not in what it cites"
        if number := unborne_number(said, cited, len(set(claim.cites))):
            return f"{number} is not in what it cites"
        if name := unborne_name(said, self.known | cited.words):
            return f"{name} is not in what it cites"
        return self._state(claim, said, cited)

    def _state(self, claim: Claim, said: Literals, cited: Literals) -> str:
        """Check words of state, and every claim that something was not found."""
        admitted = " \n ".join(folded(self.texts[i]) for i in claim.cites if i in self.admits)
        sound = all(self.sound[self.owners[i]] for i in claim.cites)
        for state, denied in sorted(said.states - cited.states):
            if (denied or state == "clear") and sound:
                continue
            return f"what it cites does not say {'not ' if denied else ''}{state}"
        for m in _NONE.finditer(folded(claim.text)):
            if m.group() in admitted:
                continue
            if not sound:
                return "it says that nothing was found, but what it cites has findings or gaps"
            if _ALL.search(folded(claim.text)) and not all(self.sound.values()):
                return "it says that nothing was found, but the case has findings or gaps"
        return ""


def _of_evidence(seen: Evidence) -> str:
    days = f"{seen.as_of or ''} {seen.retrieved_at:%Y-%m-%d}"
    return f"{seen.source} {seen.record} {seen.excerpt} {days} {seen.liveness}"


def _of_finding(found: Finding, seen: dict[str, str]) -> str:
    score = "" if found.score is None else f"{found.score:.2f}"
    on = found.matched_on
    matched = f"{on.field} {on.query} {on.candidate} {' '.join(on.parts)}" if on else ""
    rests = " \n ".join(seen.get(i, "") for i in found.evidence)
    return f"{found.code} {found.summary} {score} {matched} {found.strength} \n {rests}"
