"""Bans, bars and insolvencies: what is found, on what ground, and what stays a gap."""

from datetime import date
from itertools import product
from typing import Any, TypeAlias

import pytest

from tests.rules.dd_records import company, example, head, lei, query, same, screened
from workflows.data.case_file import CaseFile, Party
from workflows.data.findings import CheckOutcome, FindingCode, Strength
from workflows.data.registers import (
    Debarment,
    DebarmentsAnswer,
    Disqualification,
    DisqualificationsAnswer,
    Insolvency,
    InsolvencyAnswer,
    Officer,
    OfficersAnswer,
    VatAnswer,
)
from workflows.data.sources import ListHit, ScreenQuery, SourceState
from workflows.rules.dd.background import Instead, as_party, of_party, of_subject, serving
from workflows.rules.dd.existence import existence, vat_query

S: TypeAlias = SourceState
OPENED = date(2026, 11, 20)
DIRECTOR = Officer(name="WREN, Margaret Alice", role="director", birth="1966-09")


def insolvency(state: S = S.NONE, *cases: Insolvency) -> InsolvencyAnswer:
    return InsolvencyAnswer(**head("register", state), cases=cases)


def officers(state: S = S.FOUND, *held: Officer, total: int = 0) -> OfficersAnswer:
    found = (held or (DIRECTOR,)) if state is S.FOUND else ()
    return OfficersAnswer(**head("register", state), officers=found, total=total or len(found))


def barred(state: S = S.NONE, *entries: Debarment) -> DebarmentsAnswer:
    return DebarmentsAnswer(**head("list", state), entries=entries, list_version="ab12")


def banned(state: S = S.NONE, *persons: Disqualification) -> DisqualificationsAnswer:
    return DisqualificationsAnswer(**head("register", state), persons=persons)


def party(**changes: Any) -> Party:
    plain = {"party_id": "p1", "kind": "Person", "name": "Victor Blackwood", "role": "director"}
    return Party.model_validate(plain | changes)


# ---- the subject ---------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other", "third"), list(product(S, S, S)))
def test_silence_is_never_clear(one: S, other: S, third: S) -> None:
    found = of_subject(example("dmgt"), insolvency(one), officers(other), barred(third))
    answered = all(s in (S.FOUND, S.NONE) for s in (one, third)) and other is S.FOUND
    assert (found.outcome is CheckOutcome.CLEAR) is answered
    assert bool(found.gaps) is not answered


def test_a_listed_company_need_not_name_its_directors() -> None:
    found = of_subject(example("snowflake"), None, None, barred())
    assert found.outcome is CheckOutcome.CLEAR
    unlisted = of_subject(example("rosneft_deutschland"), None, None, barred())
    assert unlisted.outcome is CheckOutcome.INCONCLUSIVE
    assert "the case names none" in unlisted.gaps[0].reason


def test_insolvency_cases_and_a_register_without_serving_directors() -> None:
    case = Insolvency(kind="in-administration", number="1", began=date(2020, 2, 1))
    gone = DIRECTOR.model_copy(update={"resigned": date(2020, 1, 1)})
    found = of_subject(
        example("dmgt"), insolvency(S.FOUND, case), officers(S.FOUND, gone), barred()
    )
    (finding,) = found.findings
    assert finding.code is FindingCode.INSOLVENCY_HISTORY
    assert "in administration from 2020-02-01, not ended" in finding.summary
    assert [g.reason for g in found.gaps] == ["directors: the register names none who serves now"]


def test_officers_beyond_the_bound_are_a_gap() -> None:
    found = of_subject(example("dmgt"), insolvency(), officers(S.FOUND, total=700), barred())
    assert "only 1 of 700" in found.gaps[0].reason


@pytest.mark.parametrize(
    ("until", "code"),
    [
        (None, FindingCode.DISQUALIFIED),
        (date(2029, 1, 1), FindingCode.DISQUALIFIED),
        (date(2018, 5, 31), None),
    ],
)
def test_a_bar_counts_while_it_lasts(until: date | None, code: FindingCode | None) -> None:
    entry = Debarment(name="DAILY MAIL & GENERAL TRUST", until=until)
    found = of_subject(example("dmgt"), insolvency(), officers(), barred(S.FOUND, entry))
    assert [f.code for f in found.findings] == ([code] if code else [])
    assert all(f.strength is Strength.NAME for f in found.findings)


@pytest.mark.parametrize(("history", "found"), [(True, 1), (False, 0), (None, 0)])
def test_the_registers_entry_tells_of_insolvency_where_its_list_of_cases_is_silent(
    history: bool | None, found: int
) -> None:
    profile = company(insolvency_history=history)
    instead = Instead(query(), profile=profile)
    told = of_subject(example("dmgt"), insolvency(S.UNAVAILABLE), officers(), barred(), instead)
    assert [f.code for f in told.findings] == [FindingCode.INSOLVENCY_HISTORY] * found
    assert told.fallback == ("" if history is None else "register_entry")
    assert told.gaps, "a fallback closes no gap"


def test_directors_named_in_the_case_stand_in_for_a_silent_register() -> None:
    case = example("dmgt")
    named = case.model_copy(update={"parties": (party(),)})
    for held, fallback in ((case, ""), (named, "named_directors")):
        told = of_subject(held, insolvency(), officers(S.UNAVAILABLE), barred())
        assert (told.outcome, told.fallback) == (CheckOutcome.INCONCLUSIVE, fallback)


# ---- parties -------------------------------------------------------------------------------

BAN = Disqualification(name="Victor BLACKWOOD", birth="1969-04-12", until=date(2031, 4, 30))


@pytest.mark.parametrize(
    ("who", "ban", "strength"),
    [
        (party(birth="1969-04"), BAN, Strength.RECORD),
        (party(birth_date="1969-04-12"), BAN, Strength.RECORD),
        (party(), BAN, Strength.NAME),
        (party(birth="1969"), BAN, Strength.NAME),
        (party(birth="1970-04"), BAN, None),
        (party(name="Victor Ash"), BAN, None),
        (party(name="Victor Ian Blackwood", birth="1969-04"), BAN, Strength.NAME),
        (party(birth="1969-04"), BAN.model_copy(update={"until": date(2020, 1, 1)}), None),
        (party(birth="1969-04"), BAN.model_copy(update={"until": None}), Strength.RECORD),
    ],
)
def test_a_ban_stands_on_name_and_birth(
    who: Party, ban: Disqualification, strength: Strength | None
) -> None:
    found = of_party(who, OPENED, banned(S.FOUND, ban), barred())
    assert [f.strength for f in found.findings] == ([strength] if strength else [])
    assert {f.party_id for f in found.findings} <= {"p1"}
    assert all(f.matched_on and f.matched_on.parts for f in found.findings)


BLACKWOOD = ScreenQuery(
    party_id="p1", kind="Person", name="Victor Blackwood", birth_date=date(1969, 4, 12)
)


@pytest.mark.parametrize(
    ("listed", "born", "outcome"),
    [
        ("Victor BLACKWOOD", "1969-04-12", CheckOutcome.FINDING),
        ("Victor BLACKWOOD", "1990-01-01", CheckOutcome.INCONCLUSIVE),
        ("Somebody Else", "1969-04-12", CheckOutcome.INCONCLUSIVE),
        ("", "", CheckOutcome.INCONCLUSIVE),
    ],
)
def test_a_copy_stands_in_for_a_silent_list_and_clears_nobody(
    listed: str, born: str, outcome: CheckOutcome
) -> None:
    hit = {"entry_id": "gb-b1", "caption": listed, "score": 0.5, "dataset": "d", "kind": "Person"}
    held = (ListHit.model_validate(hit | {"births": (born,)}),) if listed else ()
    answer = screened(S.FOUND if held else S.NONE, *held)
    instead = Instead(BLACKWOOD, copies=(answer, screened(S.UNAVAILABLE)))
    found = of_party(party(), OPENED, banned(S.UNAVAILABLE), barred(S.UNAVAILABLE), instead)
    assert (found.outcome, found.fallback) == (outcome, "list_copy")
    assert len(found.gaps) == 3, "both lists, and the copy that was silent too"
    silent = of_party(party(), OPENED, banned(S.REJECTED), barred(S.REJECTED), Instead(BLACKWOOD))
    assert (silent.outcome, silent.fallback) == (CheckOutcome.UNAVAILABLE, "")


@pytest.mark.parametrize(("one", "other"), list(product(S, S)))
def test_a_party_nobody_could_look_up_is_not_clear(one: S, other: S) -> None:
    found = of_party(party(), OPENED, banned(one), barred(other))
    answered = {one, other} <= {S.FOUND, S.NONE}
    assert (found.outcome is CheckOutcome.CLEAR) is answered


def test_officers_who_run_it_become_parties() -> None:
    secretary = Officer(name="SOMEBODY, Else", role="secretary")
    (director,) = serving([DIRECTOR, secretary])
    made = as_party(director, 3)
    assert (made.name, made.kind, made.birth) == ("Margaret Alice Wren", "Person", "1966-09")
    assert as_party(Officer(name="X LIMITED", role="corporate-director", kind="company"), 1).kind


# ---- VAT numbers and particulars -----------------------------------------------------------


def with_vat(number: str) -> CaseFile:
    case = example()
    return case.model_copy(update={"subject": case.subject.model_copy(update={"vat": number})})


def vat(state: S = S.FOUND, **said: Any) -> VatAnswer:
    return VatAnswer(**head("VIES", state), **said)


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("valid", [True, False, None])
@pytest.mark.parametrize("name", ["", "UNILEVER PLC", "SOMEBODY ELSE"])
def test_only_a_valid_number_of_that_company_is_a_pass(
    state: S, valid: bool | None, name: str
) -> None:
    answer = vat(state, valid=valid, name=name)
    found = existence(with_vat("IE9000000C"), company(), lei(), same(), answer)
    silent = state in (S.UNAVAILABLE, S.REJECTED)
    passes = valid is True and name != "SOMEBODY ELSE" and not silent
    assert (found.outcome is CheckOutcome.CLEAR) is passes
    invalid = [f.code for f in found.findings]
    assert invalid == ([FindingCode.VAT_INVALID] if valid is False and not silent else [])


def test_a_number_vies_does_not_know_of_is_not_asked_for_and_a_gap() -> None:
    assert vat_query(with_vat("GB999000005")) is None
    assert vat_query(with_vat("")) is None
    asked = vat_query(with_vat("EL094259216"))
    assert asked is not None
    assert (asked.country, asked.number) == ("EL", "094259216")
    assert existence(with_vat("GB999000005"), company(), lei(), same()).gaps


@pytest.mark.parametrize(
    "changes",
    [
        {"confirmation_overdue": True},
        {"office_doubtful": True},
        {"postcode": "EC1A 1BB"},
    ],
)
def test_particulars_that_cannot_be_relied_on_are_gaps(changes: dict[str, Any]) -> None:
    found = existence(example(), company(**changes), lei(), same())
    assert len(found.gaps) == 1


def test_a_young_company_is_no_pass_and_a_postcode_is_told_once() -> None:
    case = example()
    day = date(2026, 6, 1)
    subject = case.subject.model_copy(update={"incorporated": day})
    young = case.model_copy(update={"subject": subject})
    assert "too young" in existence(young, company(incorporated=day), lei(), same()).gaps[0].reason
    differs = [{"field": "postcode", "first": "CH62 4ZD", "second": "EC1A 1BB"}]
    told = existence(
        case, company(postcode="EC1A 1BB"), lei(postcode="ch624zd"), same(discrepancies=differs)
    )
    assert [g.reason for g in told.gaps] == ["register: postcode EC1A 1BB, CH62 4ZD by the form"]
