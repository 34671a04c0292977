"""Due diligence: Is the company solvent, as far as register, filings and accounts say? Pure."""

from workflows.data.case_file import CaseFile
from workflows.data.findings import Check, CheckResult, FindingCode
from workflows.data.readings import CreditReading
from workflows.data.sources import CompanyAnswer, FactsAnswer, FilingsAnswer
from workflows.data.statements import Statement
from workflows.data.worksheet import Worksheet
from workflows.rules.dd import statements
from workflows.rules.dd.sheet import UNREAD, Sheet, at_hand, fits
from workflows.rules.dd.worksheet import Z2, summary, trade, worksheet

_ITEMS = {
    "1.03": (FindingCode.INSOLVENCY_FILING, "bankruptcy or receivership"),
    "2.04": (FindingCode.CREDIT_DISTRESS, "a debt was accelerated"),
    "4.02": (FindingCode.CREDIT_DISTRESS, "statements may no longer be relied on"),
}
_SAME = 0.01
"""Two sources of one total that differ by more than this share contradict each other."""
CUSTOMER = "the customer's statements"


def credit(
    case: CaseFile,
    register: CompanyAnswer | None,
    filings: FilingsAnswer | None,
    facts: FactsAnswer | None,
    reading: CreditReading | None,
) -> CheckResult:
    """Is the company solvent, as far as register, filings and accounts say?

    Fallbacks: `case_statements` (the regulator has no figures, the customer handed some in),
    `filings_only` (nobody has), `rules_only` (no model). Of a listed company the register alone
    settles the matter; of any other it does not without accounts.
    """
    sheet = Sheet(Check.CREDIT)
    fallback = "" if reading else "rules_only"
    if register is not None and fits(sheet, register, "register", register.company):
        _accounts(sheet, register)
    if filings is not None and fits(sheet, filings, "filings", filings.filings):
        _filings(sheet, filings)
    work = _figures(sheet, case, filings, facts)
    if facts is not None and not facts.facts:
        fallback = "case_statements" if work else "filings_only"
    if register is None and filings is None and work is None:
        sheet.gap("no source of accounts is known for the identifiers of the case")
    elif facts is None and work is None and not case.subject.listed:
        sheet.gap("no accounts are held: ask the customer for those of its last year")
    alarmed = {f.code for f in sheet.findings} - {FindingCode.CREDIT_MODEL_ALARM}
    if reading is not None and reading.level == "distress" and not alarmed:
        sheet.gap("the model reads distress where the rules find none")
    result = sheet.result(
        reading.confidence if reading else UNREAD, fallback, silent=not sheet.evidence
    )
    return result.model_copy(update={"worksheet": work})


def work_out(
    case: CaseFile, filings: FilingsAnswer | None, facts: FactsAnswer | None
) -> Worksheet | None:
    """Work out the newest accounts there are; on one day the regulator's before the customer's."""
    filed, notes = statements.from_facts(facts.facts if facts else ())
    ours = max(case.statements, key=lambda s: s.end, default=None)
    told = filed if filed and (ours is None or filed.end >= ours.end) else ours
    if told is None:
        return None
    source = facts.source if facts and told is filed else CUSTOMER
    kind = trade(
        sic=filings.industry if filings else "",
        nace=case.subject.industry,
        listed=case.subject.listed or filed is not None,
    )
    found = worksheet(told, source, case.opened, kind)
    return found.model_copy(update={"notes": (*notes * (told is filed), *found.notes)})


def _figures(
    sheet: Sheet, case: CaseFile, filings: FilingsAnswer | None, facts: FactsAnswer | None
) -> Worksheet | None:
    """Put accounts on the sheet: the worksheet, what it alarms of and what it leaves open."""
    if facts is not None:
        fits(sheet, facts, "accounts", facts.facts)
    work = work_out(case, filings, facts)
    if work is None:
        if facts is not None and facts.facts:
            sheet.note(facts, "company facts", f"{len(facts.facts)} figures")
            sheet.gap("accounts: no total of assets is stated")
        return None
    answer = (
        at_hand("case file", case.opened) if facts is None or work.source == CUSTOMER else facts
    )
    seen = sheet.note(answer, f"accounts to {work.end}", summary(work))
    for doubt in work.doubts:
        sheet.gap(doubt)
    _alarm(sheet, work, seen)
    _contradictions(sheet, case.statements, facts)
    return work


def _alarm(sheet: Sheet, work: Worksheet, seen: str) -> None:
    """A score in distress alone is an alarm; with a second sign in the figures it is distress."""
    score = work.score(Z2.name)
    if score is None:
        return
    if score.value is None:
        sheet.gap(f"{score.name} cannot be computed: {score.why}")
    elif score.zone == "distress":
        also = _signs(work)
        code = FindingCode.CREDIT_DISTRESS if also else FindingCode.CREDIT_MODEL_ALARM
        what = f", and {' and '.join(also)}" if also else ", though nothing else speaks of it"
        text = f"{score.name} is {score.value:.2f} on {work.end}, in the distress zone"
        sheet.find(code, text + what, seen)


def _signs(work: Worksheet) -> list[str]:
    """Name what speaks of distress besides a score."""
    equity, cash = work.ratio("equity ratio"), work.ratio("cash flow to debt")
    service = work.ratio("debt service cover")
    signs = []
    if equity is not None and equity < 0:
        signs.append("equity is negative")
    if cash is not None and cash < 0:
        signs.append("operations burn cash")
    if service is not None and 0 <= service < 1:
        signs.append("cash flow does not cover the debt service")
    return signs


def _contradictions(sheet: Sheet, told: tuple[Statement, ...], facts: FactsAnswer | None) -> None:
    """Leave a gap where customer and regulator state different totals for one day."""
    filed, _ = statements.from_facts(facts.facts if facts else ())
    for ours in told:
        if filed is None or (ours.end, ours.currency) != (filed.end, filed.currency):
            continue
        for name in ("assets", "equity", "sales"):
            first, second = getattr(ours, name), getattr(filed, name)
            if None not in (first, second) and abs(first - second) > _SAME * abs(second):
                sheet.gap(f"{name} on {ours.end}: {first:.0f} by the customer, {second:.0f} filed")


def _accounts(sheet: Sheet, answer: CompanyAnswer) -> None:
    company = answer.company
    if company is None:
        return
    until = company.accounts_made_up_to
    seen = sheet.note(
        answer,
        company.number,
        f"accounts to {until}" if until else "the register names no accounts",
    )
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
