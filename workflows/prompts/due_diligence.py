"""Prompts of due diligence, one function a question."""

from collections.abc import Sequence

from workflows.data.case_file import CaseFile
from workflows.data.case_policy import Referee
from workflows.data.due_diligence import Synthesis, Tier
from workflows.data.findings import SUBJECT, CheckOutcome, CheckResult
from workflows.data.llm import Prompt
from workflows.data.readings import CreditReading, HitReading, IdentityReading, ReferenceReading
from workflows.data.sources import Company, Fact, Filing, LeiEntry, ListHit, ScreenQuery
from workflows.data.worksheet import Worksheet
from workflows.prompts.documents import asking


def identity(case: CaseFile, register: Company | None, lei: LeiEntry | None) -> Prompt:
    """Ask whether form, register and LEI record describe one company."""
    subject = case.subject
    form = {
        "name": subject.name,
        "country": subject.country,
        "incorporated": subject.incorporated,
        "postcode": subject.postcode,
        "identifiers": subject.identifiers,
    }
    return asking(
        "identity",
        "Do the form, the register entry and the LEI record describe the same company? List"
        " every field on which two of them disagree in substance, not in spelling or case.",
        {"form": form, "register": register, "lei": lei},
        IdentityReading,
    )


def credit(
    register: Company | None,
    filings: Sequence[Filing],
    facts: Sequence[Fact],
    worksheet: Worksheet | None,
) -> Prompt:
    """Ask how much the filings and figures speak of distress."""
    return asking(
        "credit",
        "How much do these records speak of financial distress? 8-K items: 1.03 bankruptcy, 2.04"
        " acceleration of a debt, 3.01 delisting notice, 4.02 non-reliance on statements. A score"
        " of a formula is one sign, not the answer. Answer unknown if they hold nothing about"
        " solvency. Give each reason in one sentence.",
        {"register": register, "filings": filings, "facts": facts, "worksheet": worksheet},
        CreditReading,
    )


def hit(party: ScreenQuery, candidate: ListHit) -> Prompt:
    """Ask how a party compares with a row of a sanctions list, attribute by attribute."""
    return asking(
        "hit",
        "Compare the party with the list entry, attribute by attribute: agree, conflict or"
        " unknown. Identifiers may stand in the entry's remarks.",
        {"party": party, "hit": candidate},
        HitReading,
    )


def reference(referee: Referee, reply: str) -> Prompt:
    """Ask what a referee's answer says."""
    return asking(
        "reference",
        "Does this reply answer how the customer pays? conclusive: it names experience of its"
        " own. favourable: it would extend credit again. days_beyond_terms: average days paid"
        " late. terms_days: days of payment agreed. years_known, high_credit (most ever owed),"
        " past_due (owed and overdue now, 0 if it says none is): as numbers. null for what is not"
        " said.",
        {"referee": {"party_id": referee.party_id, "kind": referee.kind}, "reply": reply},
        ReferenceReading,
    )


def synthesis(case: CaseFile, tier: Tier, checks: Sequence[CheckResult]) -> Prompt:
    """Ask for a cited summary and a proposed outcome.

    Of the parties only what speaks against them, so that hundreds of clear ones fit the window.
    """
    cited = {e for c in checks for f in c.findings for e in f.evidence}
    findings = [
        {"id": f.id, "code": f.code, "check": c.check, "summary": f.summary}
        for c in checks
        for f in c.findings
    ]
    evidence = [
        {"id": e.id, "source": e.source, "record": e.record, "excerpt": e.excerpt}
        for c in checks
        for e in c.evidence
        if c.party_id == SUBJECT or e.id in cited
    ]
    shown = [c for c in checks if c.party_id == SUBJECT or c.outcome is not CheckOutcome.CLEAR]
    return asking(
        "synthesis",
        "Summarise the case for the reviewer in short claims. Each claim cites the ids of the"
        " evidence, findings or gaps it rests on; a claim without a citation is dropped. Propose"
        " an outcome and a risk tier; you may raise the tier of the rules, never lower it.",
        {
            "product": case.product,
            "tier": tier,
            "checks": [
                {"check": c.check, "outcome": c.outcome, "confidence": c.confidence} for c in shown
            ],
            "findings": findings,
            "gaps": [g for c in checks for g in c.gaps],
            "evidence": evidence,
        },
        Synthesis,
    )
