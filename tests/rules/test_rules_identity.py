"""Documents of identity: forged, misread, expired, of somebody else."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.rules.dd_records import example
from workflows.data.case_file import CaseFile, Party
from workflows.data.findings import CheckOutcome, CheckResult, FindingCode
from workflows.data.mrz import digit
from workflows.rules.dd.identity import identity

F, C = FindingCode, CheckOutcome
TOP = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"


def zone(number: str = "L898902C3", birth: str = "740812", expiry: str = "290415") -> list[str]:
    """The specimen holder's passport, with digits that fit."""
    first, second, third = (f + digit(f) for f in (number, birth, expiry))
    personal = "ZE184226B<<<<<"
    whole = first + second + third + personal + digit(personal)
    return [TOP, f"{first}UTO{second}F{third}{personal}{digit(personal)}{digit(whole)}"]


def passport(**changes: Any) -> dict[str, Any]:
    return {"document_id": "d1", "kind": "passport", "mrz": zone()} | changes


BORN = "1974-08-12"
MISREAD = [TOP, zone()[1].replace("290415", "29O415", 1)]


def judged(*documents: dict[str, Any], listed: bool = False, **changes: Any) -> CheckResult:
    case = example()
    person = {
        "party_id": "p1",
        "kind": "Person",
        "name": "Anna Maria Eriksson",
        "role": "owner",
        "birth_date": "1974-08-12",
        "documents": documents,
    } | changes
    subject = case.subject.model_dump() | {"listed": listed}
    full = CaseFile.model_validate(case.model_dump() | {"subject": subject, "parties": [person]})
    return identity(full, full.parties[0])


def codes(found: CheckResult) -> list[FindingCode]:
    return [f.code for f in found.findings]


def test_a_sound_passport_settles_the_matter() -> None:
    found = judged(passport(name="ERIKSSON, Anna", number="L898902C3", expires="2029-04-15"))
    assert (found.outcome, found.party_id) == (C.CLEAR, "p1")
    assert "number ending 02C3" in found.evidence[0].excerpt
    assert "L898902C3" not in found.model_dump_json(), "no whole number leaves the case file"


@pytest.mark.parametrize(
    ("document", "code", "says"),
    [
        (passport(mrz=[TOP, zone()[1][:-1] + "9"]), F.DOCUMENT_FORGED, "do not fit: composite"),
        (passport(mrz=zone(expiry="120415")), F.DOCUMENT_EXPIRED, "expired on 2012-04-15"),
        (passport(expires="2020-01-01"), F.DOCUMENT_EXPIRED, "expired on 2020-01-01"),
        (passport(mrz=zone(birth="740813")), F.IDENTITY_CONFLICT, "born 1974-08-12 by the form"),
        (passport(number="L898902C4"), F.IDENTITY_CONFLICT, "another number"),
        (passport(name="Olga Petrova"), F.IDENTITY_CONFLICT, "in the name of Olga Petrova"),
        (passport(expires="2030-04-15"), F.IDENTITY_CONFLICT, "2030-04-15"),
    ],
)
def test_what_speaks_against_a_document(
    document: dict[str, Any], code: FindingCode, says: str
) -> None:
    found = judged(document)
    assert code in codes(found)
    assert any(says in f.summary for f in found.findings)
    assert all(f.evidence == ("identity.p1-e1",) for f in found.findings)


def test_two_documents_must_agree_with_each_other() -> None:
    other = {"document_id": "d2", "kind": "identity_card", "birth_date": "1974-08-21"}
    found = judged(passport(), other | {"name": "Anna Eriksson", "expires": "2030-01-01"})
    assert codes(found) == [F.IDENTITY_CONFLICT]
    assert "1974-08-12 by d1, 1974-08-21 by d2" in found.findings[0].summary


@pytest.mark.parametrize(
    ("documents", "born", "says", "fallback"),
    [
        ((), BORN, "no document of identity", "no_document"),
        ((passport(mrz=MISREAD),), BORN, "misread", "manual_view"),
        ((passport(mrz=(), expires="2030-01-01"),), BORN, "machine readable", "manual_view"),
        ((passport(mrz=()),), BORN, "until when d1 is valid", "manual_view"),
        ((passport(mrz=zone(birth="100812")),), "2010-08-12", "16 years old", ""),
    ],
)
def test_what_is_not_established_is_a_gap(
    documents: tuple[dict[str, Any], ...], born: str, says: str, fallback: str
) -> None:
    found = judged(*documents, birth_date=born)
    assert (found.outcome, found.fallback) == (C.INCONCLUSIVE, fallback)
    assert any(says in g.reason for g in found.gaps)


def test_whom_the_law_does_not_ask_for_documents() -> None:
    assert judged(role="director", listed=True).outcome is C.NOT_APPLICABLE
    assert judged(role="director").outcome is C.INCONCLUSIVE
    assert judged(role="owner", listed=True).outcome is C.INCONCLUSIVE
    case = example()
    assert identity(case, case.subject).outcome is C.NOT_APPLICABLE
    firm = Party(party_id="p2", kind="Company", name="Any Ltd", role="owner")
    assert identity(case, firm).outcome is C.NOT_APPLICABLE


def test_a_register_that_knows_the_month_only_must_agree() -> None:
    assert judged(passport(), birth_date=None, birth="1974-08").outcome is C.CLEAR
    assert codes(judged(passport(), birth_date=None, birth="1975")) == [F.IDENTITY_CONFLICT]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (passport(mrz=[TOP, zone()[1][:-1]]), "these have 44, 43"),
        (passport(birth_date="2031-01-01"), "not after the case was opened"),
        (passport(kind="library_card"), "kind"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_case_file(
    document: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        judged(document)
