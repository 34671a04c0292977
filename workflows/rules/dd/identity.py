"""Due diligence: Is a person who they say they are, as far as their documents tell? Pure.

What is compared: the form, what each document prints, its machine readable zone, and the
documents with one another. A scan that was misread is a gap; a check digit that does not fit
and cannot be explained by that is a finding.
"""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from workflows.data.case_file import CaseFile, Party, Subject
from workflows.data.findings import Check, CheckOutcome, CheckResult, FindingCode, MatchedOn
from workflows.data.identity import IdentityDocument
from workflows.data.mrz import Zone
from workflows.data.names.compare import compare
from workflows.rules.dd.sheet import Sheet, at_hand

SURE = 0.95
OF_AGE = 18
OLDEST = 110

Zones = dict[str, Zone | None]
"""Each document's zone."""
Seen = dict[str, str]
"""Each document's evidence id."""


def identity(case: CaseFile, party: Party | Subject) -> CheckResult:
    """Is this person who they say they are, as far as their documents tell?

    Does not apply to companies, nor to directors of a listed company, who need not be verified
    (UK MLR 2017, reg. 28). Inconclusive, with a named fallback: `no_document` (one has to be asked
    for), `manual_view` (a person has to read what the machine could not).
    """
    sheet = Sheet(Check.IDENTITY, party.party_id)
    if not isinstance(party, Party) or party.kind == "Company":
        return _not_applicable(party.party_id)
    if not party.documents:
        if party.role == "director" and case.subject.listed:
            return _not_applicable(party.party_id)
        sheet.gap(f"no document of identity of {party.name} is held: ask for one")
        return sheet.result(SURE, "no_document")
    zones = {d.document_id: d.zone(case.opened) for d in party.documents}
    seen = {d.document_id: _document(sheet, case, d, zones[d.document_id]) for d in party.documents}
    _compared(sheet, case, party, zones, seen)
    unread = any(zone is None or zone.misread for zone in zones.values())
    return sheet.result(SURE, "manual_view" if unread else "")


def _not_applicable(party: str) -> CheckResult:
    return CheckResult(
        check=Check.IDENTITY,
        party_id=party,
        outcome=CheckOutcome.NOT_APPLICABLE,
        confidence=1.0,
    )


# ---- one document --------------------------------------------------------------------------


def _document(sheet: Sheet, case: CaseFile, held: IdentityDocument, zone: Zone | None) -> str:
    """Note the document and judge its check digits, dates and number. Gives the evidence's id."""
    answer = at_hand("case file", case.opened)
    seen = sheet.note(answer, held.document_id, _excerpt(held, zone))
    if zone is None:
        sheet.gap(f"{held.document_id} has no machine readable zone: somebody must look at it")
    elif zone.misread:
        sheet.gap(f"the zone of {held.document_id} was misread, a letter for a digit: scan it anew")
    elif zone.failed:
        digits = ", ".join(zone.failed)
        text = f"check digits of {held.document_id} do not fit: {digits}"
        sheet.find(FindingCode.DOCUMENT_FORGED, text, seen)
    ends = [d for d in (held.expires, zone.expiry_date if zone else None) if d is not None]
    if not ends:
        sheet.gap(f"until when {held.document_id} is valid is not known")
    elif min(ends) < case.opened:
        text = f"{held.document_id} expired on {min(ends)}"
        sheet.find(FindingCode.DOCUMENT_EXPIRED, text, seen)
    _number(sheet, held, zone, seen)
    if zone and held.expires and zone.expiry_date and held.expires != zone.expiry_date:
        text = (
            f"{held.document_id} prints {held.expires} and its zone {zone.expiry_date} as its end"
        )
        sheet.find(FindingCode.IDENTITY_CONFLICT, text, seen)
    return seen


def _number(sheet: Sheet, held: IdentityDocument, zone: Zone | None, seen: str) -> None:
    printed = "".join(c for c in held.number.upper() if c.isalnum())
    if zone and printed and not zone.misread and printed != zone.number:
        text = f"{held.document_id} prints another number than its zone holds"
        sheet.find(FindingCode.IDENTITY_CONFLICT, text, seen)


def _excerpt(held: IdentityDocument, zone: Zone | None) -> str:
    """Describe a document as the rules ask, of its number the last four characters alone."""
    number = zone.number if zone else held.number
    parts = [
        held.kind.replace("_", " "),
        f"issued by {zone.issuer if zone else held.issuer or 'not said'}",
        f"number ending {number[-4:]}" if number else "no number",
        f"valid until {held.expires or (zone.expiry_date if zone else None) or 'not said'}",
    ]
    if zone:
        failed = f"do not fit: {', '.join(zone.failed)}" if zone.failed else "fit"
        parts.append(f"zone {zone.format}, check digits {failed}")
    return "; ".join(parts)


# ---- form and documents with one another ---------------------------------------------------


def _compared(sheet: Sheet, case: CaseFile, party: Party, zones: Zones, seen: Seen) -> None:
    """Compare form, print and zones: the name, and the day of birth, which must be one."""
    for document, name in _called(party, zones):
        found = compare(party.name, name, "Person")
        if not found.matched:
            text = f"{document} is in the name of {name}, the form says {party.name}"
            match = MatchedOn(field="name", query=party.name, candidate=name, parts=found.parts)
            code = FindingCode.IDENTITY_CONFLICT
            sheet.find(code, text, seen[document], score=found.score, matched_on=match)
    births = list(_births(party, zones))
    for (first, one), (second, other) in pairwise(births):
        if one != other:
            text = f"born {one} by {first}, {other} by {second}"
            sheet.find(FindingCode.IDENTITY_CONFLICT, text, seen[second])
    if not births:
        sheet.gap(f"when {party.name} was born is not known")
        return
    born = births[0][1]
    if not str(born).startswith(party.birth):
        text = f"born {party.birth} by the register, {born} by {births[0][0]}"
        sheet.find(FindingCode.IDENTITY_CONFLICT, text, next(iter(seen.values())))
    years = case.opened.year - born.year
    years -= (case.opened.month, case.opened.day) < (born.month, born.day)
    if not OF_AGE <= years <= OLDEST:
        sheet.gap(f"{party.name} would be {years} years old: compare the day of birth again")


def _called(party: Party, zones: Zones) -> Iterator[tuple[str, str]]:
    """Give every name a document tells, with the document."""
    for held in party.documents:
        zone = zones[held.document_id]
        if held.name:
            yield held.document_id, held.name
        if zone:
            yield held.document_id, f"{zone.given_names} {zone.surname}".strip()


def _births(party: Party, zones: Zones) -> Iterator[tuple[str, date]]:
    """Give every day of birth: the form's first, then each document's. A misread one tells none."""
    if party.birth_date:
        yield "the form", party.birth_date
    for held in party.documents:
        zone = zones[held.document_id]
        for day in (
            held.birth_date,
            zone.birth_date if zone and "birth" not in zone.failed else None,
        ):
            if day:
                yield held.document_id, day
