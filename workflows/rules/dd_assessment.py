"""Due diligence: what each check comes to, from what the sources and models said. Pure.

Everywhere: a source that gave no answer leaves a gap, and a gap is never a pass.
"""

import re
from collections.abc import Sequence

from workflows.data.case_file import CaseFile
from workflows.data.due_diligence import (
    Check,
    CheckResult,
    CreditReading,
    Evidence,
    FindingCode,
    HitReading,
    IdentityReading,
    ReferenceReading,
    Strength,
)
from workflows.data.sources import (
    Company,
    CompanyAnswer,
    FactsAnswer,
    FilingsAnswer,
    LeiAnswer,
    ListHit,
    ScreenAnswer,
    ScreenQuery,
)
from workflows.rules.dd_sheet import Sheet, fits, folded

POSSIBLE_MATCH = 0.85
"""Name similarity from which a list entry without an equal identifier needs a person."""
UNREAD = 0.75
"""Confidence of a check that rules alone judged because no model answered."""
_MARKS = re.compile(r"[\s;,():=/#|.]+")


# ---- identity ------------------------------------------------------------------------------


def identity(
    case: CaseFile,
    register: CompanyAnswer | None,
    lei: LeiAnswer | None,
    reading: IdentityReading | None,
) -> CheckResult:
    """Does the company exist, is it active, and is it the one on the form?

    The LEI system substitutes for a silent register (named fallback `lei_record`), marked weaker.
    """
    sheet = Sheet(Check.IDENTITY)
    company = _register(case, sheet, register)
    entry = _lei(case, sheet, lei)
    if reading is None:
        sure = UNREAD
    else:
        sure = reading.confidence
        _compare_reading(sheet, reading)
    fallback = "lei_record" if entry and register is not None and company is None else ""
    if reading is None:
        fallback = fallback or "rules_only"
    return sheet.result(sure, fallback, silent=not sheet.evidence)


def _register(case: CaseFile, sheet: Sheet, answer: CompanyAnswer | None) -> Company | None:
    if answer is None:
        sheet.gap("register: no register is known for the identifiers of the case")
        return None
    found = answer.company
    if not fits(sheet, answer, "register", found) or found is None:
        return None
    seen = sheet.note(answer, found.number, f"{found.name}, {found.status}, {found.kind}")
    if folded(found.name) != folded(case.subject.name):
        sheet.find(
            FindingCode.IDENTITY_CONFLICT,
            f"the register knows number {found.number} under another name",
            seen,
        )
    if found.status == "deregistered":
        sheet.find(
            FindingCode.DEREGISTERED, "its securities are no longer registered (form 15)", seen
        )
    elif found.status != "active":
        sheet.find(FindingCode.NOT_ACTIVE, f"the register says: {found.status}", seen)
    declared = case.subject.incorporated
    if declared and found.incorporated and declared != found.incorporated:
        sheet.find(
            FindingCode.IDENTITY_CONFLICT,
            f"incorporated {declared} by the form, {found.incorporated} by the register",
            seen,
        )
    return found


def _lei(case: CaseFile, sheet: Sheet, answer: LeiAnswer | None) -> object | None:
    entry = answer.entry if answer else None
    if answer is None or not fits(sheet, answer, "LEI", entry) or entry is None:
        return None
    seen = sheet.note(answer, entry.lei, f"{entry.name}, {entry.status}, {entry.registration}")
    number = case.subject.number("GB-COH")
    if entry.status != "ACTIVE":
        sheet.find(FindingCode.NOT_ACTIVE, f"the LEI record says: {entry.status}", seen)
    if folded(entry.name) != folded(case.subject.name):
        sheet.find(
            FindingCode.IDENTITY_CONFLICT, "the LEI belongs to a company of another name", seen
        )
    if number and entry.registered_as and entry.registered_as != number:
        sheet.find(
            FindingCode.IDENTITY_CONFLICT,
            f"the LEI record names company number {entry.registered_as}, the form {number}",
            seen,
        )
    if entry.registration != "ISSUED":
        sheet.gap(f"LEI: the record is {entry.registration.lower()}, so it may be out of date")
    return entry


def _compare_reading(sheet: Sheet, reading: IdentityReading) -> None:
    conflicts = {f.code for f in sheet.findings}
    if reading.same_entity == "no" and FindingCode.IDENTITY_CONFLICT not in conflicts:
        sheet.gap("the model sees two companies where the rules see one")
    for difference in reading.discrepancies:
        sheet.gap(f"{difference.field} differs: {difference.first!r} against {difference.second!r}")


# ---- credit --------------------------------------------------------------------------------

_ITEMS = {
    "1.03": (FindingCode.INSOLVENCY_FILING, "bankruptcy or receivership"),
    "2.04": (FindingCode.CREDIT_DISTRESS, "a debt was accelerated"),
    "4.02": (FindingCode.CREDIT_DISTRESS, "statements may no longer be relied on"),
}


def credit(
    register: CompanyAnswer | None,
    filings: FilingsAnswer | None,
    facts: FactsAnswer | None,
    reading: CreditReading | None,
) -> CheckResult:
    """Is the company solvent, as far as register, filings and figures say?

    Fallback `filings_only` when no figures were to be had.
    """
    sheet = Sheet(Check.CREDIT)
    fallback = "" if reading else "rules_only"
    if register is not None and fits(sheet, register, "register", register.company):
        _accounts(sheet, register)
    if filings is not None and fits(sheet, filings, "filings", filings.filings):
        _filings(sheet, filings)
    if facts is not None and fits(sheet, facts, "statements", facts.facts):
        ends = sorted({f.end for f in facts.facts})
        sheet.note(facts, "company facts", f"{len(facts.facts)} figures to {ends[-1]}")
    elif facts is not None:
        fallback = "filings_only"
    if register is None and filings is None:
        sheet.gap("no source of accounts is known for the identifiers of the case")
    if reading is not None and reading.level == "distress" and not sheet.findings:
        sheet.gap("the model reads distress where the rules find none")
    return sheet.result(
        reading.confidence if reading else UNREAD, fallback, silent=not sheet.evidence
    )


def _accounts(sheet: Sheet, answer: CompanyAnswer) -> None:
    company = answer.company
    if company is None:
        return
    until = company.accounts_made_up_to
    seen = sheet.note(answer, company.number, f"accounts to {until or 'not said'}")
    if company.insolvency_history:
        sheet.find(FindingCode.INSOLVENCY_HISTORY, "the register holds insolvency history", seen)
    if company.accounts_overdue:
        sheet.find(FindingCode.ACCOUNTS_OVERDUE, "accounts are overdue", seen)
    if company.accounts_overdue is None or company.insolvency_history is None:
        sheet.gap("register: it says nothing of accounts or insolvency")


def _filings(sheet: Sheet, answer: FilingsAnswer) -> None:
    for filing in answer.filings:
        hits = [_ITEMS[i] for i in filing.items if i in _ITEMS]
        if filing.form.startswith("8-K") and hits:
            listed = ", ".join(i for i in filing.items if i in _ITEMS)
            seen = sheet.note(
                answer, filing.accession, f"{filing.form} of {filing.filed}, items {listed}"
            )
            for code, what in hits:
                sheet.find(code, f"{what} ({filing.form} of {filing.filed})", seen)
    if not sheet.evidence and answer.filings:
        newest = answer.filings[0]
        sheet.note(answer, newest.accession, f"{newest.form} of {newest.filed}; no alarm items")


# ---- background (sanctions) ----------------------------------------------------------------


def confirmed(query: ScreenQuery, candidate: ListHit) -> bool:
    """Say whether the entry holds one of the party's own identifiers, exactly."""
    own = {folded(i.value) for i in query.identifiers} - {""}
    listed = {folded(i.value) for i in candidate.identifiers}
    # Twice, because "No.01126618" has to be cut at the dot and "01.126.618" must not be.
    words = re.split(r"[\s;,()]+", candidate.remarks) + re.split(_MARKS, candidate.remarks)
    return bool(own & (listed | {folded(word) for word in words}))


class Screened:
    """One party's screening: the query, the answer, and a model's reading of each hit."""

    def __init__(self, query: ScreenQuery, answer: ScreenAnswer, fallback: str = "") -> None:
        self.query, self.answer, self.fallback = query, answer, fallback
        self.readings: dict[str, HitReading] = {}

    def worth_reading(self) -> list[ListHit]:
        """Give the entries a person will have to look at."""
        return [
            h for h in self.answer.hits if h.score >= POSSIBLE_MATCH or confirmed(self.query, h)
        ]


def background(screens: Sequence[Screened], unscreened: Sequence[tuple[str, str]]) -> CheckResult:
    """Is any party on a sanctions list? `unscreened` names parties nobody could screen, and why.

    An equal identifier is a confirmed hit; a similar name is a possible one, never less.
    """
    sheet = Sheet(Check.BACKGROUND)
    for party, why in unscreened:
        sheet.gap(f"sanctions: {party} was not screened ({why})")
    sure = 1.0
    if not screens and not unscreened:
        sheet.gap("sanctions: nobody was screened")
    for screen in screens:
        if sheet.unanswered(screen.answer, f"sanctions, {screen.query.party_id}"):
            continue
        hits = screen.worth_reading()
        listed = f"{len(hits)} of {len(screen.answer.hits)} entries to look at"
        seen = sheet.note(screen.answer, screen.answer.list_version or "list", listed)
        for hit in hits:
            sure = min(sure, _judge(sheet, screen, hit, seen))
    fallback = next((s.fallback for s in screens if s.fallback), "")
    if fallback:
        sheet.gap("sanctions: the search was down; only the list file was looked through")
    return sheet.result(sure, fallback, silent=not sheet.evidence)


def _judge(sheet: Sheet, screen: Screened, hit: ListHit, searched: str) -> float:
    row = sheet.note(screen.answer, hit.entry_id, f"{hit.caption}: {hit.remarks}")
    reading = screen.readings.get(hit.entry_id)
    party = screen.query.party_id
    if confirmed(screen.query, hit):
        sheet.find(
            FindingCode.SANCTIONED,
            f"its identifier stands in entry {hit.entry_id} of {hit.dataset}",
            (row, searched),
            Strength.IDENTIFIER,
            party,
        )
        return 1.0
    sheet.find(
        FindingCode.POSSIBLE_SANCTIONS_MATCH,
        f"name like entry {hit.entry_id} of {hit.dataset} ({hit.score:.2f})",
        (row, searched),
        Strength.NAME,
        party,
    )
    return reading.confidence if reading else UNREAD


# ---- references ----------------------------------------------------------------------------


def references(
    replies: dict[str, tuple[ReferenceReading, Evidence]], needed: int, unclear: Sequence[str]
) -> CheckResult:
    """Did enough referees answer conclusively, and what did they say?"""
    sheet = Sheet(Check.REFERENCES)
    for party, (reading, evidence) in replies.items():
        number = f"{sheet.check}-e{len(sheet.evidence) + 1}"
        sheet.evidence.append(evidence.model_copy(update={"id": number}))
        if not reading.favourable:
            sheet.find(
                FindingCode.ADVERSE_REFERENCE,
                "a referee would not extend credit again",
                number,
                Strength.OPINION,
                party,
            )
    if len(replies) < needed:
        sheet.gap(f"{len(replies)} of {needed} conclusive references by the deadline")
        for why in unclear:
            sheet.gap(why)
    sure = min((r.confidence for r, _ in replies.values()), default=0.5)
    return sheet.result(sure)
