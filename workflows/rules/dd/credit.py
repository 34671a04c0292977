"""Due diligence: Is the company solvent, as far as register, filings and figures say? Pure."""

from workflows.data.findings import Check, CheckResult, FindingCode
from workflows.data.readings import CreditReading
from workflows.data.sources import (
    CompanyAnswer,
    FactsAnswer,
    FilingsAnswer,
)
from workflows.rules.dd.sheet import UNREAD, Sheet, fits

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
