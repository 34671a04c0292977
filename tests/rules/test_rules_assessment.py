"""What a check comes to. Above all: a gap is never a pass, a name never confirms a hit."""

from datetime import date
from itertools import product
from typing import Any

import pytest
from hypothesis import example as explicitly
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.dd_records import (
    NOW,
    company,
    example,
    facts,
    filing,
    filings,
    hit,
    lei,
    query,
    same,
    screened,
    solvent,
)
from workflows.data.findings import CheckOutcome, CheckResult, Evidence, FindingCode, Strength
from workflows.data.readings import HitReading, ReferenceReading
from workflows.data.sources import Liveness, SourceState
from workflows.rules.dd import credit, existence, references, sanctions
from workflows.rules.dd.sanctions import Screened
from workflows.rules.dd.sheet import UNREAD, folded

F, S = FindingCode, SourceState
property_test = settings(print_blob=True, deadline=None, max_examples=100)
STATES = (None, *S)


def codes(found: CheckResult) -> set[FindingCode]:
    return {f.code for f in found.findings}


def sound(found: CheckResult, *, silence: bool) -> None:
    """Hold what every result must: no pass with a gap or a silent source, ids that exist."""
    if silence or found.gaps:
        assert found.outcome is not CheckOutcome.CLEAR
    if silence:
        assert found.gaps
    if not found.evidence:
        assert found.outcome is CheckOutcome.UNAVAILABLE
        assert found.confidence <= 0.5
    known = {e.id for e in found.evidence}
    assert all(f.evidence and set(f.evidence) <= known for f in found.findings)
    for records in (found.evidence, found.findings, found.gaps):
        ids = [r.id for r in records]
        assert len(ids) == len(set(ids))


# ---- identity ------------------------------------------------------------------------------


@pytest.mark.parametrize(("register", "record", "read"), list(product(STATES, STATES, (0, 1))))
def test_identity_is_clear_only_if_all_that_was_asked_answered(
    register: SourceState | None, record: SourceState | None, read: int
) -> None:
    case = example()
    found = existence.existence(
        case,
        company(register) if register else None,
        lei(record) if record else None,
        same() if read else None,
    )
    held = register is S.FOUND and record in (S.FOUND, None)
    sound(found, silence=not held)
    assert (found.outcome is CheckOutcome.CLEAR) is held
    if record is S.FOUND and register not in (S.FOUND, None):
        assert found.fallback == "lei_record"
    elif not read:
        assert found.fallback == "rules_only"
    else:
        assert found.fallback == ""


def test_answer_that_says_found_but_holds_no_record_is_a_gap() -> None:
    empty = company().model_copy(update={"company": None})
    found = existence.existence(example(), empty, lei(), same())
    assert found.outcome is CheckOutcome.INCONCLUSIVE
    assert found.fallback == "lei_record"
    blank = lei().model_copy(update={"entry": None})
    assert existence.existence(example(), company(), blank, same()).gaps


@pytest.mark.parametrize(
    ("register", "record", "code"),
    [
        ({"name": "UNILEVER ICE CREAM LTD"}, {}, F.IDENTITY_CONFLICT),
        ({"status": "dissolved"}, {}, F.NOT_ACTIVE),
        ({"status": "deregistered"}, {}, F.DEREGISTERED),
        ({"incorporated": date(1999, 1, 1)}, {}, F.IDENTITY_CONFLICT),
        ({}, {"name": "Other plc"}, F.IDENTITY_CONFLICT),
        ({}, {"status": "INACTIVE"}, F.NOT_ACTIVE),
        ({}, {"registered_as": "00041425"}, F.IDENTITY_CONFLICT),
    ],
)
def test_identity_finds_what_contradicts_the_form(
    register: dict[str, Any], record: dict[str, Any], code: FindingCode
) -> None:
    found = existence.existence(example(), company(**register), lei(**record), same())
    assert codes(found) == {code}
    sound(found, silence=False)


def test_spelling_and_case_of_a_name_are_no_conflict() -> None:
    found = existence.existence(example(), company(name="Unilever P.L.C."), lei(), same())
    assert found.outcome is CheckOutcome.CLEAR


def test_lapsed_lei_record_and_a_model_that_doubts_are_gaps() -> None:
    lapsed = existence.existence(example(), company(), lei(registration="LAPSED"), same())
    assert lapsed.outcome is CheckOutcome.INCONCLUSIVE
    assert "lapsed" in lapsed.gaps[0].reason
    doubted = existence.existence(example(), company(), lei(), same(same_entity="no"))
    assert doubted.outcome is CheckOutcome.INCONCLUSIVE
    differs = ({"field": "postcode", "first": "CH62 4ZD", "second": "EC4Y"},)
    differing = existence.existence(example(), company(), lei(), same(discrepancies=differs))
    assert "postcode" in differing.gaps[0].reason


# ---- credit --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("register", "listed", "figures", "read"),
    list(product(STATES, STATES, STATES, (0, 1))),
)
def test_credit_is_clear_only_if_all_that_was_asked_answered(
    register: SourceState | None,
    listed: SourceState | None,
    figures: SourceState | None,
    read: int,
) -> None:
    found = credit.credit(
        example(),
        company(register) if register else None,
        filings(listed) if listed else None,
        facts(figures) if figures else None,
        solvent() if read else None,
    )
    asked = [s for s in (register, listed, figures) if s is not None]
    held = bool(asked) and all(s is S.FOUND for s in asked)
    sound(found, silence=not held)
    assert (found.outcome is CheckOutcome.CLEAR) is held
    if figures not in (None, S.FOUND):
        assert found.fallback == "filings_only"
    else:
        assert found.fallback == ("" if read else "rules_only")


def test_answers_without_a_single_figure_or_filing_are_gaps() -> None:
    no_figures = facts().model_copy(update={"facts": ()})
    found = credit.credit(example(), None, filings(), no_figures, solvent())
    assert (found.outcome, found.fallback) == (CheckOutcome.INCONCLUSIVE, "filings_only")
    no_filings = filings().model_copy(update={"filings": ()})
    assert credit.credit(example(), None, no_filings, facts(), solvent()).gaps


@pytest.mark.parametrize(
    ("form", "items", "wanted"),
    [
        ("8-K", ("1.03",), {F.INSOLVENCY_FILING}),
        ("8-K", ("2.04",), {F.CREDIT_DISTRESS}),
        ("8-K", ("4.02",), {F.CREDIT_DISTRESS}),
        ("8-K/A", ("9.01", "1.03"), {F.INSOLVENCY_FILING}),
        ("8-K", ("1.03", "2.04"), {F.INSOLVENCY_FILING, F.CREDIT_DISTRESS}),
        ("8-K", ("2.02", "9.01"), set()),
        ("10-K", ("1.03",), set()),
    ],
)
def test_alarm_items_of_an_8k_are_findings(
    form: str, items: tuple[str, ...], wanted: set[FindingCode]
) -> None:
    found = credit.credit(
        example(), None, filings(S.FOUND, filing(form, *items)), facts(), solvent()
    )
    assert codes(found) == wanted
    sound(found, silence=False)


def test_insolvency_filing_is_found_though_all_else_is_silent() -> None:
    told = filings(S.FOUND, filing(), filing("8-K", "1.03", day=date(2020, 3, 30)))
    found = credit.credit(example(), None, told, facts(S.NONE), None)
    assert found.outcome is CheckOutcome.FINDING
    assert found.gaps
    assert "2020-03-30" in found.findings[0].summary


@pytest.mark.parametrize(
    ("changes", "wanted", "gap"),
    [
        ({"accounts_overdue": True}, {F.ACCOUNTS_OVERDUE}, False),
        ({"insolvency_history": True}, {F.INSOLVENCY_HISTORY}, False),
        ({"accounts_overdue": None}, set(), True),
        ({"insolvency_history": None}, set(), True),
    ],
)
def test_register_speaks_of_accounts_or_leaves_a_gap(
    changes: dict[str, Any], wanted: set[FindingCode], gap: bool
) -> None:
    found = credit.credit(example(), company(**changes), None, None, solvent())
    assert codes(found) == wanted
    assert bool(found.gaps) is gap


def test_model_that_reads_distress_where_the_rules_find_none_leaves_a_gap() -> None:
    found = credit.credit(example(), company(), None, None, solvent(level="distress"))
    assert found.outcome is CheckOutcome.INCONCLUSIVE


# ---- background ----------------------------------------------------------------------------

NUMBER = "01126618"


@pytest.mark.parametrize(
    "remarks",
    [
        "UK Company Number 01126618",
        "UK Company Number 01126618.",
        "UK Company Number 01126618; all offices worldwide",
        "(01126618)",
        "Registration Number:01126618 (United Kingdom)",
        "Reg.No.01126618",
        "no #01126618, London",
        'company "01126618"',
        "[01126618]/GB",
        "id=01126618|GB",
        "\n01126618\t",
    ],
)
def test_own_identifier_within_the_remarks_confirms_whatever_stands_around_it(
    remarks: str,
) -> None:
    assert sanctions.confirmed(query(NUMBER), hit(0.1, remarks))


@pytest.mark.parametrize(
    "remarks",
    [
        "",
        "; , () -",
        "UK Company Number 1126618",
        "UK Company Number 011266180",
        "UK Company Number 101126618",
        "UK Company Number 01126619",
        "account A-01126618-B",
        "0112 6618",
        "BANK SADERAT PLC, London",
    ],
)
def test_anything_but_the_exact_identifier_does_not_confirm(remarks: str) -> None:
    assert not sanctions.confirmed(query(NUMBER), hit(1.0, remarks))


def test_listed_identifier_confirms_and_an_empty_one_never_does() -> None:
    assert sanctions.confirmed(query(NUMBER), hit(0.0, "", NUMBER))
    assert sanctions.confirmed(query("SC123456"), hit(0.0, "sc-123456"))
    assert not sanctions.confirmed(query(), hit(1.0, "", NUMBER))
    assert not sanctions.confirmed(query("-"), hit(1.0, "- ; -", "--"))


@property_test
@given(st.text("0123456789", min_size=8, max_size=8), st.text(max_size=60), st.floats(0, 1))
@explicitly("01126618", "A 101126618 B", 1.0)
def test_name_alone_never_confirms(number: str, remarks: str, score: float) -> None:
    digits = "".join(c for c in folded(remarks) if c.isdigit())
    row = hit(score, remarks)
    assert not sanctions.confirmed(query(), row)
    if number not in digits:
        found = sanctions.sanctions([Screened(query(number), screened(S.FOUND, row))], [])
        assert F.SANCTIONED not in codes(found)
        assert F.POSSIBLE_SANCTIONS_MATCH in codes(found), "its name is equal"


def test_confirmed_hit_names_party_entry_and_strength() -> None:
    row = hit(0.2, f"UK Company Number {NUMBER}")
    found = sanctions.sanctions([Screened(query(NUMBER), screened(S.FOUND, row))], [])
    (finding,) = found.findings
    assert (finding.code, finding.strength) == (F.SANCTIONED, Strength.IDENTIFIER)
    assert finding.party_id == "subject"
    assert "ofac-1" in finding.summary
    assert found.confidence == 1.0
    sound(found, silence=False)


def test_similar_name_is_a_possible_match_even_if_a_model_denies_it() -> None:
    screen = Screened(query(NUMBER), screened(S.FOUND, hit(0.93)))
    denial = {"name": "conflict", "identifier": "conflict", "country": "conflict"}
    screen.readings["ofac-1"] = HitReading.model_validate(
        {**denial, "explanation": "another bank", "confidence": 0.97}
    )
    found = sanctions.sanctions([screen], [])
    assert codes(found) == {F.POSSIBLE_SANCTIONS_MATCH}
    assert found.findings[0].strength is Strength.NAME
    assert found.confidence == 0.97
    unread = sanctions.sanctions([Screened(query(), screened(S.FOUND, hit(0.93)))], [])
    assert unread.confidence == UNREAD


@pytest.mark.parametrize("states", list(product(S, repeat=2)))
@pytest.mark.parametrize("fallback", ["", "ofac_list"])
@pytest.mark.parametrize("unscreened", [(), (("owner", "no list answered"),)])
def test_background_is_clear_only_if_everyone_was_screened_by_the_full_search(
    states: tuple[SourceState, SourceState],
    fallback: str,
    unscreened: tuple[tuple[str, str], ...],
) -> None:
    parties = ("subject", "director")
    screens = [
        Screened(query(party_id=party), screened(state), fallback)
        for party, state in zip(parties, states, strict=True)
    ]
    found = sanctions.sanctions(screens, unscreened)
    silent = any(s in (S.UNAVAILABLE, S.REJECTED) for s in states)
    held = not silent and not fallback and not unscreened
    sound(found, silence=not held)
    assert (found.outcome is CheckOutcome.CLEAR) is held
    assert found.fallback == fallback


def test_screening_nobody_is_no_pass() -> None:
    sound(sanctions.sanctions([], []), silence=True)
    sound(sanctions.sanctions([], [("subject", "timeout")]), silence=True)


# ---- references ----------------------------------------------------------------------------


def reply(favourable: bool = True, sure: float = 0.9) -> tuple[ReferenceReading, Evidence]:
    reading = ReferenceReading(
        conclusive=True, favourable=favourable, days_beyond_terms=3, confidence=sure
    )
    return reading, Evidence(
        id="reply", source="referee", record="r", liveness=Liveness.SIMULATED, retrieved_at=NOW
    )


@pytest.mark.parametrize("count", range(5))
def test_two_conclusive_references_satisfy_and_fewer_are_a_gap(count: int) -> None:
    found = references.references(
        {f"r-{n}": reply() for n in range(count)}, 2, ["r-9: Inconclusive"]
    )
    wanted = CheckOutcome.CLEAR if count >= 2 else CheckOutcome.INCONCLUSIVE
    assert found.outcome is wanted
    assert bool(found.gaps) is (count < 2)
    assert len({e.id for e in found.evidence}) == count
    if count < 2:
        assert f"{count} of 2" in found.gaps[0].reason
        assert "r-9" in found.gaps[1].reason


def test_adverse_reference_is_a_finding_about_that_referee() -> None:
    found = references.references({"r-1": reply(), "r-2": reply(False, 0.6)}, 2, [])
    (finding,) = found.findings
    assert (finding.code, finding.party_id) == (F.ADVERSE_REFERENCE, "r-2")
    assert finding.evidence == ("references-e2",)
    assert found.confidence == 0.6
