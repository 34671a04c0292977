"""Due diligence: the sheet a check is written on. Collects evidence, findings and gaps. Pure."""

import re
from datetime import UTC, date, datetime, time

from anyascii import anyascii

from workflows.data.findings import (
    SUBJECT,
    Check,
    CheckOutcome,
    CheckResult,
    Evidence,
    Finding,
    FindingCode,
    Gap,
    MatchedOn,
    Strength,
)
from workflows.data.names.folding import unread_script
from workflows.data.sources import Liveness, SourceAnswer, SourceState

UNREAD = 0.75
"""Confidence of a check that rules alone judged because no model answered."""


class Sheet:
    """Collects one check's evidence, findings and gaps, numbering them as it goes.

    Ids name check and, but for the subject, the party: `media.p3-f1`.
    """

    def __init__(self, check: Check, party: str = SUBJECT) -> None:
        self.check, self.party = check, party
        self.prefix = str(check) if party == SUBJECT else f"{check}.{party}"
        self.evidence: list[Evidence] = []
        self.findings: list[Finding] = []
        self.gaps: list[Gap] = []

    def note(self, answer: SourceAnswer, record: str, excerpt: str) -> str:
        """Keep what a source said as evidence and give its id."""
        kept = Evidence(
            id=f"{self.prefix}-e{len(self.evidence) + 1}",
            source=answer.source,
            record=record,
            liveness=answer.liveness,
            retrieved_at=answer.retrieved_at,
            as_of=answer.as_of,
            sha256=answer.raw_sha256,
            licence=answer.licence,
            excerpt=excerpt[:1000],
        )
        self.evidence.append(kept)
        return kept.id

    def find(
        self,
        code: FindingCode,
        summary: str,
        evidence: str | tuple[str, ...],
        strength: Strength = Strength.RECORD,
        party: str = "",
        *,
        score: float | None = None,
        matched_on: MatchedOn | None = None,
    ) -> None:
        """Add a finding, on the sheet's party unless another is named."""
        cited = (evidence,) if isinstance(evidence, str) else evidence
        number = f"{self.prefix}-f{len(self.findings) + 1}"
        self.findings.append(
            Finding(
                id=number,
                code=code,
                party_id=party or self.party,
                summary=summary,
                strength=strength,
                evidence=cited,
                score=score,
                matched_on=matched_on,
            )
        )

    def gap(self, why: str) -> None:
        """Add a gap. It belongs to its check, which the reason need not name again."""
        number = f"{self.prefix}-g{len(self.gaps) + 1}"
        self.gaps.append(
            Gap(id=number, check=self.check, reason=why.removeprefix(f"{self.check}: "))
        )

    def unread_name(self, name: str) -> None:
        """Add a gap if a name is written in signs that lists of Latin names do not know."""
        if script := unread_script(name):
            self.gap(
                f"{self.check}: {name} is written in signs ({script.lower()}) that are not found"
                " surely in lists of Latin names; give the name in Latin letters"
            )

    def unanswered(self, answer: SourceAnswer, what: str) -> bool:
        """Add a gap if the source gave no answer; say whether it did so."""
        if answered(answer):
            return False
        code = answer.error.code if answer.error else "no reason given"
        self.gap(f"{what}: {answer.source} {answer.state} ({code})")
        return True

    def result(self, sure: float, fallback: str = "", *, silent: bool = False) -> CheckResult:
        """Close the sheet. `silent`: no source answered at all."""
        outcome = CheckOutcome.CLEAR
        if self.findings:
            outcome = CheckOutcome.FINDING
        elif silent:
            outcome = CheckOutcome.UNAVAILABLE
        elif self.gaps:
            outcome = CheckOutcome.INCONCLUSIVE
        capped = min(sure, 0.8) if self.gaps and not self.findings else sure
        return CheckResult(
            check=self.check,
            party_id=self.party,
            outcome=outcome,
            confidence=round(0.5 if silent else capped, 3),
            findings=tuple(self.findings),
            gaps=tuple(self.gaps),
            evidence=tuple(self.evidence),
            fallback=fallback,
        )


def answered(answer: SourceAnswer) -> bool:
    """Say whether a source answered, if only that it knows of none."""
    return answer.state in (SourceState.FOUND, SourceState.NONE)


def stopped(check: Check, why: str, party: str = SUBJECT) -> CheckResult:
    """Stand in for a check that was stopped on purpose: it does not apply, but leaves a gap."""
    sheet = Sheet(check, party)
    sheet.gap(why)
    plain = sheet.result(1.0, silent=True)
    return plain.model_copy(update={"outcome": CheckOutcome.NOT_APPLICABLE, "confidence": 1.0})


def renewed(old: CheckResult, new: CheckResult) -> CheckResult:
    """Choose between a check and its repetition: nothing that was found is ever lost by it."""
    found = {(f.code, f.party_id) for f in new.findings}
    lost = {(f.code, f.party_id) for f in old.findings} - found
    return old if lost or new.outcome is CheckOutcome.UNAVAILABLE else new


def unavailable(check: Check, why: str, party: str = SUBJECT) -> CheckResult:
    """Stand in for a check that failed or was stopped as a whole."""
    sheet = Sheet(check, party)
    sheet.gap(why)
    return sheet.result(0.5, silent=True)


def folded(name: str) -> str:
    """Fold a name for comparison: Latin letters and digits only, lower case."""
    return re.sub(r"[^a-z0-9]", "", anyascii(name).lower())


def fits(sheet: Sheet, answer: SourceAnswer, what: str, held: object) -> bool:
    """Say whether a record was found (`held`); a source that knows none leaves a gap."""
    if sheet.unanswered(answer, what):
        return False
    if answer.state is SourceState.NONE or not held:
        sheet.gap(f"{what}: {answer.source} holds no such record")
        return False
    return True


def at_hand(source: str, as_of: date) -> SourceAnswer:
    """Stand for what nobody is asked for: the form, or a list that came with the product."""
    return SourceAnswer(
        source=source,
        state=SourceState.FOUND,
        liveness=Liveness.CACHED,
        retrieved_at=datetime.combine(as_of, time(), UTC),
        as_of=as_of,
    )


def in_order(result: CheckResult) -> CheckResult:
    """Number evidence by source and record, so that which answer came first does not show."""
    ranked = sorted(result.evidence, key=lambda e: (e.source, e.record))
    ids = {seen.id: kept.id for seen, kept in zip(ranked, result.evidence, strict=True)}
    findings = (
        f.model_copy(update={"evidence": tuple(sorted(ids.get(e, e) for e in f.evidence))})
        for f in result.findings
    )
    evidence = tuple(e.model_copy(update={"id": ids[e.id]}) for e in ranked)
    return result.model_copy(update={"evidence": evidence, "findings": tuple(findings)})
