"""Geography by dated lists, and contact data: soft facts, but silence and old lists never clear."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.rules.dd_records import NOW, example
from workflows.data.case_file import Subject
from workflows.data.findings import CheckOutcome, CheckResult, FindingCode
from workflows.data.news import DomainAnswer
from workflows.data.sources import Liveness, SourceState
from workflows.rules.dd.contact import carries, contact, domains
from workflows.rules.dd.country_lists import LISTS
from workflows.rules.dd.geography import NAMED, Located, geography, located

OPENED = date(2026, 11, 20)
BRITISH = Located("subject", "Acme plc", "GB")


def reasons(result: CheckResult) -> str:
    return "; ".join([f.summary for f in result.findings] + [g.reason for g in result.gaps])


# ---- geography -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["unilever", "carbo_ceramics", "dmgt", "snowflake"])
def test_example_cases_are_clear_of_lists(name: str) -> None:
    case = example(name)
    parties = [located(case.subject), *map(located, case.parties)]
    result = geography(parties, case.opened, "70100")
    assert (result.outcome, reasons(result)) == (CheckOutcome.CLEAR, "")


@pytest.mark.parametrize(("country", "lists"), [("IR", 2), ("RU", 1), ("KW", 1), ("DE", 0)])
def test_a_listed_owner_is_named_with_list_and_date(country: str, lists: int) -> None:
    owner = Located("p2", "Owner", country)
    result = geography([BRITISH, owner], OPENED)
    assert [f.party_id for f in result.findings] == ["p2"] * lists
    assert all("2026-" in f.summary and country in f.summary for f in result.findings)


def test_a_list_past_its_time_clears_nobody_but_still_finds() -> None:
    last = min(held.as_of + held.trusted for held in LISTS)
    assert geography([BRITISH], last).outcome is CheckOutcome.CLEAR
    late = last + timedelta(days=1)
    assert geography([BRITISH], late).outcome is CheckOutcome.INCONCLUSIVE
    iranian = geography([Located("p2", "Owner", "IR")], late)
    assert (iranian.outcome, bool(iranian.gaps)) == (CheckOutcome.FINDING, True)
    shorter = [replace(held, trusted=timedelta(days=1)) for held in LISTS]
    assert len(geography([BRITISH], OPENED, lists=shorter).gaps) == len(LISTS)


def test_parties_of_no_known_country_are_one_gap() -> None:
    many = [Located(f"p{n}", f"Person {n}", "") for n in range(NAMED + 3)]
    result = geography([BRITISH, *many], OPENED)
    assert len(result.gaps) == 1
    assert "Person 0" in result.gaps[0].reason
    assert "3 more" in result.gaps[0].reason


@pytest.mark.parametrize(
    ("code", "risky"),
    [("NACE 92.00", True), ("92000", True), ("0610", True), ("25.40", True), ("2599", False)],
)
def test_industry_codes_by_their_first_digits(code: str, risky: bool) -> None:
    codes = [f.code for f in geography([BRITISH], OPENED, code).findings]
    assert codes == ([FindingCode.HIGH_RISK_INDUSTRY] if risky else [])


# ---- contact -------------------------------------------------------------------------------


def company(**changes: object) -> Subject:
    return Subject.model_validate(example().subject.model_dump() | changes)


def dns(
    *mail_servers: str,
    state: SourceState = SourceState.FOUND,
    addresses: tuple[str, ...] = ("192.0.2.1",),
) -> DomainAnswer:
    return DomainAnswer(
        source="DNS",
        state=state,
        liveness=Liveness.SIMULATED,
        retrieved_at=NOW,
        addresses=addresses,
        mail_servers=mail_servers,
    )


def told(subject: Subject, **answers: DomainAnswer) -> CheckResult:
    named = {d: answers.get("dns", dns("mail.x.example")) for d in domains(subject) if d}
    return contact(subject, OPENED, named)


def test_what_fits_is_clear() -> None:
    plain = company()
    full = company(website="https://www.unilever.com/contact", phone="+44 20 7822 5252")
    for subject in (plain, full):
        assert told(subject).outcome is CheckOutcome.CLEAR


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"contact": "a..b@unilever.example"}, "no mail address"),
        ({"contact": "x@mailinator.com"}, "for minutes"),
        ({"contact": "x@gmail.com"}, "to anybody"),
        ({"contact": "x@brightsoap.example", "website": "cleanhands.example"}, "neither"),
        ({"website": "not a site"}, "no web address"),
        ({"phone": "12"}, "no phone number in use"),
        ({"phone": "ring me"}, "no phone number"),
        ({"phone": "+49 30 901820"}, "DE, not GB"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, object], why: str) -> None:
    result = told(company(**changes))
    assert [f.code for f in result.findings] == [FindingCode.CONTACT_MISMATCH], reasons(result)
    assert why in result.findings[0].summary


def test_a_domain_must_exist_and_take_mail() -> None:
    gone = told(company(), dns=dns(state=SourceState.NONE, addresses=()))
    assert "does not exist" in reasons(gone)
    assert "takes no mail" in reasons(told(company(), dns=dns(".")))
    assert "takes no mail" in reasons(told(company(), dns=dns(addresses=())))
    assert told(company(), dns=dns()).outcome is CheckOutcome.CLEAR, "an address takes mail too"


def test_silent_name_servers_leave_a_gap() -> None:
    for silent in (told(company(), dns=dns(state=SourceState.UNAVAILABLE)),
                   contact(company(), OPENED, {})):  # fmt: skip
        assert (silent.outcome, silent.fallback) == (CheckOutcome.INCONCLUSIVE, "syntax_only")


@pytest.mark.parametrize(
    ("name", "domain", "like"),
    [
        ("Unilever PLC", "unilever.com", True),
        ("Daily Mail and General Trust plc", "dmgt.co.uk", True),
        ("Wolfspeed, Inc.", "info.wolfspeed.com", True),
        ("Unilever PLC", "plc.example", False),
        ("Unilever PLC", "brightsoap.example", False),
        ("Unilever PLC", "co.uk", False),
    ],
)
def test_domains_like_names(name: str, domain: str, like: bool) -> None:
    assert carries(name, domain) is like
