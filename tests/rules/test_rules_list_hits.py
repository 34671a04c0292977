"""What an entry of a list has to do with a party: qualifiers lower or confirm, never create."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.dd_records import NOW, query, screened
from workflows.data.findings import CheckOutcome, CheckResult, FindingCode, Strength
from workflows.data.sources import ListHit, ScreenQuery, SourceState
from workflows.rules.dd.list_hits import Standing, look
from workflows.rules.dd.pep import no_person, pep
from workflows.rules.dd.sanctions import Screened, sanctions

F, S = FindingCode, SourceState
BORN, OPENED = date(1960, 9, 7), date(2026, 11, 20)


def person(name: str = "Igor Sechin", **changes: Any) -> ScreenQuery:
    return ScreenQuery(party_id="p1", kind="Person", name=name, **changes)


def entry(caption: str = "SECHIN, Igor", score: float = 0.5, **changes: Any) -> ListHit:
    base = {"entry_id": "e1", "caption": caption, "score": score, "dataset": "d", "kind": "Person"}
    return ListHit.model_validate(base | changes)


@pytest.mark.parametrize(
    ("asked", "listed", "standing", "why"),
    [
        (person(), entry(), Standing.POSSIBLE, ""),
        (person(birth_date=BORN), entry(births=("1960-09-07",)), Standing.POSSIBLE, ""),
        (person(birth_date=BORN), entry(births=("1961",)), Standing.POSSIBLE, ""),
        (person(birth_date=BORN), entry(births=("1990", "1958")), Standing.POSSIBLE, ""),
        (person(birth_date=BORN), entry(births=("1990-09-07",)), Standing.SET_ASIDE, "born 1990"),
        (person(birth="1960-09"), entry(births=("1990",)), Standing.SET_ASIDE, "born 1990"),
        (person(country="GB"), entry(countries=("RU",)), Standing.POSSIBLE, ""),
        (person(), entry(kind="Company"), Standing.SET_ASIDE, "it is a company"),
        (person(), entry("OTHER, Someone"), Standing.UNLIKE, ""),
        (person(), entry("OTHER, Someone", 0.9), Standing.POSSIBLE, ""),
        (person(), entry("OTHER, Someone", names=("SETCHIN, Igor",)), Standing.POSSIBLE, ""),
        (person(), entry("X", weak_names=("IGOR SECHIN",)), Standing.SET_ASIDE, "only a weak"),
        (
            person(country="RU"),
            entry("X", weak_names=("IGOR SECHIN",), countries=("RU",)),
            Standing.POSSIBLE,
            "",
        ),
        (
            person("Someone Else", birth_date=BORN),
            entry(births=("1960-09-07",)),
            Standing.UNLIKE,
            "",
        ),
    ],
)
def test_what_becomes_of_an_entry(
    asked: ScreenQuery, listed: ListHit, standing: Standing, why: str
) -> None:
    seen = look(asked, listed)
    assert seen.standing is standing
    assert why in seen.why
    assert bool(why) == bool(seen.why)


@given(
    births=st.sampled_from([(), ("1960",), ("1960-09-07",), ("1999",)]),
    countries=st.sampled_from([(), ("GB",), ("RU", "CY")]),
    born=st.sampled_from([None, BORN]),
    country=st.sampled_from([None, "GB", "RU"]),
)
def test_qualifiers_never_make_a_hit(
    births: tuple[str, ...], countries: tuple[str, ...], born: date | None, country: str | None
) -> None:
    asked = person("Wholly Different", birth_date=born, country=country)
    assert look(asked, entry(births=births, countries=countries)).standing is Standing.UNLIKE


def judged(asked: ScreenQuery, *hits: ListHit, fallback: str = "", age: int = 0) -> CheckResult:
    answer = screened(S.FOUND if hits else S.NONE, *hits)
    answer = answer.model_copy(update={"as_of": NOW.date() - timedelta(days=age)})
    return sanctions([Screened(asked, answer, fallback)], [], "p1")


def test_a_hit_says_which_words_agreed_and_how_firmly_it_stands() -> None:
    found = judged(person(birth_date=BORN), entry(births=("1960-09-07",)))
    (finding,) = found.findings
    assert (finding.code, finding.strength) == (F.POSSIBLE_SANCTIONS_MATCH, Strength.RECORD)
    assert finding.score == 1.0
    assert finding.matched_on is not None
    assert finding.matched_on.candidate == "SECHIN, Igor"
    assert {"igor = igor", "birth date agrees"} <= set(finding.matched_on.parts)
    (named,) = judged(person(), entry()).findings
    assert named.strength is Strength.NAME


def test_what_is_set_aside_is_told_with_the_reason() -> None:
    found = judged(person(birth_date=BORN), entry(births=("1990-01-01",)))
    assert found.outcome is CheckOutcome.CLEAR
    assert "set aside because born 1990-01-01, the party 1960-09-07" in found.evidence[1].excerpt


def test_a_confirmed_number_names_itself_whatever_the_name() -> None:
    listed = entry("Other", remarks="UK Company Number 01126618", kind="Person")
    (finding,) = judged(query("01126618"), listed).findings
    assert (finding.code, finding.strength) == (F.SANCTIONED, Strength.IDENTIFIER)
    assert finding.matched_on is not None
    assert (finding.matched_on.field, finding.matched_on.query) == ("GB-COH", "01126618")


@pytest.mark.parametrize(("age", "outcome"), [(14, "clear"), (15, "inconclusive")])
def test_a_stale_list_clears_nobody(age: int, outcome: str) -> None:
    assert judged(person(), age=age).outcome == outcome


@pytest.mark.parametrize(("name", "gaps"), [("Игорь Сечин", 0), ("伊戈尔", 1), ("شركة", 1)])
def test_a_name_in_a_script_that_is_not_read_clears_nobody(name: str, gaps: int) -> None:
    for found in (judged(person(name)), pep(person(name), screened(S.NONE), OPENED)):
        assert len(found.gaps) == gaps
        assert (found.outcome is CheckOutcome.CLEAR) is (gaps == 0)


@pytest.mark.parametrize("state", list(S))
def test_exposed_by_name_and_birth_possibly_by_name(state: SourceState) -> None:
    office = entry(births=("1960-09-07",), positions=("Mayor",), topics=("role.pep",))
    answer = screened(state, *([office] if state is S.FOUND else []))
    sure, maybe = (pep(q, answer, OPENED) for q in (person(birth_date=BORN), person()))
    if state is S.FOUND:
        assert [f.code for f in sure.findings] == [F.POLITICALLY_EXPOSED]
        assert [f.code for f in maybe.findings] == [F.POSSIBLE_PEP]
        assert "Mayor" in sure.findings[0].summary
    else:
        assert sure.outcome is {S.NONE: CheckOutcome.CLEAR}.get(state, CheckOutcome.UNAVAILABLE)
        assert bool(sure.gaps) is (state is not S.NONE)


@pytest.mark.parametrize(
    ("state", "office", "outcome", "fallback"),
    [
        (S.UNAVAILABLE, None, CheckOutcome.UNAVAILABLE, ""),
        (S.UNAVAILABLE, "", CheckOutcome.INCONCLUSIVE, "declaration"),
        (S.REJECTED, "Mayor of Malaga", CheckOutcome.FINDING, "declaration"),
        (S.NONE, "Mayor of Malaga", CheckOutcome.FINDING, ""),
        (S.NONE, "", CheckOutcome.CLEAR, ""),
    ],
)
def test_a_declared_office_counts_and_a_declared_none_clears_nobody(
    state: SourceState, office: str | None, outcome: CheckOutcome, fallback: str
) -> None:
    found = pep(person(), screened(state), OPENED, office)
    assert (found.outcome, found.fallback) == (outcome, fallback)
    assert [f.code for f in found.findings] == [F.POLITICALLY_EXPOSED] * bool(office)
    assert bool(found.gaps) is (state is not S.NONE)
    assert any("ask which public offices" in g.reason for g in found.gaps) is (office is None)


def test_a_company_holds_no_office() -> None:
    assert no_person("subject").outcome is CheckOutcome.NOT_APPLICABLE
