"""Due diligence: Does the company exist, is it active, and is it the one on the form? Pure."""

from workflows.data.case_file import CaseFile
from workflows.data.findings import Check, CheckResult, FindingCode
from workflows.data.readings import IdentityReading
from workflows.data.sources import (
    Company,
    CompanyAnswer,
    LeiAnswer,
)
from workflows.rules.dd.sheet import UNREAD, Sheet, fits, folded


def existence(
    case: CaseFile,
    register: CompanyAnswer | None,
    lei: LeiAnswer | None,
    reading: IdentityReading | None,
) -> CheckResult:
    """Does the company exist, is it active, and is it the one on the form?

    The LEI system substitutes for a silent register (named fallback `lei_record`), marked weaker.
    """
    sheet = Sheet(Check.EXISTENCE)
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
