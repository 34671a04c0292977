"""Due diligence: Does the company exist, is it active, and is it the one on the form? Pure."""

from collections.abc import Collection, Iterator
from datetime import timedelta

from workflows.data.case_file import CaseFile
from workflows.data.findings import Check, CheckResult, FindingCode
from workflows.data.readings import IdentityReading
from workflows.data.registers import VatAnswer, VatQuery
from workflows.data.sources import Company, CompanyAnswer, LeiAnswer, LeiEntry
from workflows.rules.dd.sheet import UNREAD, Sheet, fits, folded

YOUNG = timedelta(days=365)
"""A company younger than this has no record of its own to be judged by."""
_STATES = "AT BE BG CY CZ DE DK EE EL ES FI FR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI"
VIES = frozenset(_STATES.split())
"""Beginnings of the VAT numbers VIES knows."""


def vat_query(case: CaseFile) -> VatQuery | None:
    """Ask for the case's VAT number, if it names one that VIES can know."""
    country, number = case.subject.vat[:2], case.subject.vat[2:]
    return VatQuery(country=country, number=number) if country in VIES else None


def existence(
    case: CaseFile,
    register: CompanyAnswer | None,
    lei: LeiAnswer | None,
    reading: IdentityReading | None,
    vat: VatAnswer | None = None,
) -> CheckResult:
    """Does the company exist, is it active, and is it the one on the form?

    The LEI system substitutes for a silent register (named fallback `lei_record`), marked weaker.
    """
    sheet = Sheet(Check.EXISTENCE)
    company = _register(case, sheet, register)
    entry = _lei(case, sheet, lei)
    _vat(case, sheet, vat)
    seen = {name for found in (company, entry) if found for name in _postcode(case, sheet, found)}
    if reading is None:
        sure = UNREAD
    else:
        sure = reading.confidence
        _compare_reading(sheet, reading, seen)
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
    _particulars(case, sheet, found)
    declared = case.subject.incorporated
    if declared and found.incorporated and declared != found.incorporated:
        sheet.find(
            FindingCode.IDENTITY_CONFLICT,
            f"incorporated {declared} by the form, {found.incorporated} by the register",
            seen,
        )
    return found


def _particulars(case: CaseFile, sheet: Sheet, found: Company) -> None:
    """Weigh how far what the register holds can be relied on."""
    if found.confirmation_overdue:
        sheet.gap("register: the confirmation statement is overdue, so it may be out of date")
    if found.office_doubtful:
        sheet.gap("register: the registered office is in dispute, or post to it comes back")
    if found.incorporated and case.opened - found.incorporated < YOUNG:
        sheet.gap(f"register: incorporated {found.incorporated}, too young for a record of its own")


def _postcode(case: CaseFile, sheet: Sheet, found: Company | LeiEntry) -> Iterator[str]:
    """Compare postcodes; give the field's name if they differ."""
    ours, theirs = case.subject.postcode, found.postcode
    if folded(ours) and folded(theirs) and folded(ours) != folded(theirs):
        source = "register" if isinstance(found, Company) else "LEI"
        sheet.gap(f"{source}: postcode {theirs}, {ours} by the form")
        yield "postcode"


def _vat(case: CaseFile, sheet: Sheet, answer: VatAnswer | None) -> None:
    number = case.subject.vat
    if answer is None:
        if number:
            sheet.gap(f"VAT: no register is known for {number}")
        return
    if sheet.unanswered(answer, "VAT"):
        return
    if answer.valid is None:
        sheet.gap(f"VAT: {answer.source} does not say whether {number} is valid")
        return
    word = "valid" if answer.valid else "invalid"
    seen = sheet.note(answer, number, f"{word}; {answer.name or 'name withheld'}")
    if not answer.valid:
        sheet.find(FindingCode.VAT_INVALID, f"{answer.source} says {number} is not valid", seen)
    elif answer.name and folded(answer.name) != folded(case.subject.name):
        sheet.gap(f"VAT: {number} belongs to {answer.name}")


def _lei(case: CaseFile, sheet: Sheet, answer: LeiAnswer | None) -> LeiEntry | None:
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


def _compare_reading(sheet: Sheet, reading: IdentityReading, seen: Collection[str]) -> None:
    """Add what the model saw; fields the rules have `seen` to differ are told once."""
    conflicts = {f.code for f in sheet.findings}
    if reading.same_entity == "no" and FindingCode.IDENTITY_CONFLICT not in conflicts:
        sheet.gap("the model sees two companies where the rules see one")
    for difference in reading.discrepancies:
        if difference.field not in seen:
            told = f"{difference.first!r} against {difference.second!r}"
            sheet.gap(f"{difference.field} differs: {told}")
