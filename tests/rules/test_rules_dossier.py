"""The last check: complete only if everything the law asks for is on file, and says what is not."""

from datetime import timedelta
from typing import Any

import pytest

from tests.rules.dd_records import NOW, checks, example, result
from workflows.data.case_file import CaseFile, Party
from workflows.data.findings import Check, CheckOutcome, CheckResult, FindingCode
from workflows.rules.dd.dossier import EUROPE, OLDEST, UK, US, Filed, dossier, pack_of


def case(**subject: Any) -> CaseFile:
    plain = example().model_dump(mode="json")
    plain["subject"] |= subject
    return CaseFile.model_validate(plain)


def filed(case: CaseFile, given: tuple[CheckResult, ...], *parties: Party, days: int = 0) -> Filed:
    now = NOW + timedelta(days=days)
    return Filed(case=case, parties=parties, checks=given, now=now)


def missing(found: CheckResult) -> set[str]:
    return {g.reason.split(" (")[0] for g in found.gaps}


def test_a_listed_company_with_everything_on_file_is_clear() -> None:
    """Unilever: no owners and no board are asked for, its exchange makes it disclose them."""
    few = tuple(c for c in checks() if c.check in (Check.EXISTENCE, Check.SANCTIONS, Check.CREDIT))
    found = dossier(filed(example(), few))
    assert found.outcome is CheckOutcome.CLEAR
    assert found.confidence == 1.0
    assert "9 of 9 on file" in found.evidence[0].excerpt


def test_the_country_chooses_the_pack_and_an_unknown_one_the_strictest() -> None:
    assert [pack_of(c) for c in ("GB", "US", "DE", "KY")] == [UK, US, EUROPE, EUROPE]
    assert len(EUROPE.items) > max(len(UK.items), len(US.items))


PERSON = Party(party_id="p1", kind="Person", name="A B", role="owner")
LACKS: dict[str, tuple[dict[str, Any], dict[str, CheckResult | None], tuple[Party, ...], str]] = {
    "no record": ({}, {"existence": None}, (), "name, number and legal form"),
    "no place": ({"postcode": ""}, {}, (), "registered office or place of business"),
    "owners open": (
        {"listed": False},
        {"ownership": result(Check.OWNERSHIP, gaps=1)},
        (),
        "beneficial owners and control",
    ),
    "owners not looked at": (
        {"listed": False},
        {"ownership": None},
        (),
        "beneficial owners and control",
    ),
    "no board": (
        {"listed": False},
        {"background": None},
        (),
        "board and senior persons",
    ),
    "screening open": (
        {},
        {"sanctions": result(Check.SANCTIONS, gaps=1)},
        (),
        "sanctions screening of all parties",
    ),
    "screening without an answer": (
        {},
        {"sanctions": result(Check.SANCTIONS, outcome=CheckOutcome.UNAVAILABLE)},
        (),
        "sanctions screening of all parties",
    ),
    "discrepancy": (
        {},
        {"existence": result(Check.EXISTENCE, FindingCode.IDENTITY_CONFLICT)},
        (),
        "discrepancies resolved",
    ),
}


@pytest.mark.parametrize("name", LACKS)
def test_what_is_not_on_file_is_a_gap_by_name(name: str) -> None:
    subject, changed, parties, wanted = LACKS[name]
    given = tuple(
        changed.get(c.check.value, c) for c in checks() if changed.get(c.check.value, c) is not None
    )
    found = dossier(filed(case(**subject), given, *parties))  # type: ignore[arg-type]
    assert missing(found) == {wanted}
    assert found.outcome is CheckOutcome.INCONCLUSIVE


def test_a_person_must_be_screened_and_known_by_birth() -> None:
    alone = dossier(filed(example(), checks(), PERSON))
    assert missing(alone) == {
        "sanctions screening of all parties",
        "political exposure of all persons",
        "birth dates of persons",
    }
    known = PERSON.model_copy(update={"birth": "1970-05"})
    theirs = (
        result(Check.SANCTIONS).model_copy(update={"party_id": "p1"}),
        result(Check.PEP).model_copy(update={"party_id": "p1"}),
    )
    assert dossier(filed(example(), (*checks(), *theirs), known)).outcome is CheckOutcome.CLEAR
    abroad = dossier(filed(case(country="DE"), (*checks(), *theirs), known))
    assert missing(abroad) == {"nationalities of persons"}


def test_old_evidence_is_a_gap() -> None:
    assert dossier(filed(example(), checks(), days=OLDEST.days)).gaps == ()
    found = dossier(filed(example(), checks(), days=OLDEST.days + 1))
    assert missing(found) == {"recent evidence"}


def test_ten_thousand_parties_make_few_words() -> None:
    many = [PERSON.model_copy(update={"party_id": f"p{n}"}) for n in range(10_000)]
    found = dossier(filed(example(), checks(), *many))
    assert "and 9995 more" in found.gaps[0].reason
    assert all(len(g.reason) < 400 for g in found.gaps)


def test_references_that_contradict_the_credit_check_are_a_gap() -> None:
    """Favourable referees of a company that filed for bankruptcy, and two that agree with it."""
    told = result(Check.REFERENCES)
    failed = result(Check.CREDIT, FindingCode.INSOLVENCY_FILING)
    found = dossier(filed(example(), checks(references=told, credit=failed)))
    assert [g.reason for g in found.gaps if "references against credit" in g.reason]
    agreed = dossier(filed(example(), checks(references=told)))
    assert not [g.reason for g in agreed.gaps if "references against credit" in g.reason]
