"""The credit worksheet, measured on real firms, and what the credit check makes of it."""

import csv
import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.sources.edgar import _facts
from simulator.facts.registrants import SNOWFLAKE_FIGURES
from tests.rules.dd_records import company, example, facts, filings, solvent
from workflows.data.case_file import CaseFile
from workflows.data.findings import CheckOutcome, FindingCode
from workflows.data.sources import Fact, FactsAnswer, SourceState
from workflows.data.statements import CONCEPTS, Statement
from workflows.rules.dd.credit import credit
from workflows.rules.dd.statements import completed, from_facts
from workflows.rules.dd.worksheet import NO_SCORE, RATIOS, STALE, Trade, summary, trade, worksheet

F, S = FindingCode, SourceState
OPENED = date(2026, 1, 31)


def accounts(**figures: object) -> Statement:
    return Statement.model_validate({"end": "2025-12-31", "currency": "EUR"} | figures)


def zone(statement: Statement, name: str = "Z''") -> str:
    score = worksheet(statement, "test", OPENED, Trade(manufacturer=True)).score(name)
    assert score is not None
    return str(score.zone)


# ---- real firms ----------------------------------------------------------------------------


def test_scores_of_polish_firms_whose_end_is_known(shared_data: Path) -> None:
    found: Counter[tuple[str, str, str]] = Counter()
    with (shared_data / "dd/credit/polish_private_firms_5y_sample.csv").open() as file:
        for row in csv.DictReader(file):
            capital, earned, ebit, cushion, sales = (float(v) for v in list(row.values())[:5])
            # Shares of the assets as figures of a firm with assets and liabilities of 1; the
            # model_construct lets working capital, which may be negative, stand for assets.
            firm = accounts(assets=1, liabilities=1, current_liabilities=0).model_copy(
                update={
                    "current_assets": capital,
                    "retained_earnings": earned,
                    "ebit": ebit,
                    "equity": cushion,
                    "sales": sales,
                }
            )
            for name in ("Z''", "Z'"):
                found[name, row["bankrupt"], zone(firm, name)] += 1
    z2 = [found["Z''", one, z] for one in "10" for z in ("distress", "grey", "safe")]
    z1 = [found["Z'", one, z] for one in "10" for z in ("distress", "grey", "safe")]
    assert z2 == [16, 1, 6, 3, 4, 22]
    assert z1 == [10, 8, 5, 2, 15, 12]


def test_a_failed_us_firm_is_in_distress_for_twelve_years(shared_data: Path) -> None:
    scores = []
    with (shared_data / "dd/credit/us_listed_firms_sample.csv").open() as file:
        for row in csv.DictReader(file):
            if row["status"] != "failed":
                continue
            names = ("current_assets", "current_liabilities", "retained_earnings", "ebit")
            firm = accounts(
                assets=row["total_assets"],
                liabilities=row["total_liabilities"],
                **{name: row[name] for name in names},
            )
            score = worksheet(firm, "test", OPENED, Trade()).score("Z''")
            assert score is not None
            assert score.value is not None
            scores.append(score.value)
    assert len(scores) == 12
    assert max(scores) < 1.11
    assert sum(score < 1.10 for score in scores) == 11


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("CIK0001640147_SNOW_usgaap", -1.33, "distress"),
        ("CIK0000320193_trimmed_annual", 2.31, "grey"),
        ("CIK0001045810_trimmed_annual", 12.85, "safe"),
        ("CIK0001652044_trimmed_annual", 6.79, "safe"),
        ("CIK0001835632_trimmed_annual", 3.43, "safe"),
        ("CIK0001997711_LPA_ifrs", 1.47, "grey"),
    ],
)
def test_scores_of_real_filers(name: str, value: float, found: str, shared_data: Path) -> None:
    record = json.loads((shared_data / f"dd/sec/companyfacts_{name}.json").read_text())
    told, _ = from_facts(list(_facts(record)))
    assert told is not None
    score = worksheet(told, "SEC", OPENED, Trade()).score("Z''")
    assert score is not None
    assert (round(score.value or 0, 2), score.zone) == (value, found)


# ---- by hand -------------------------------------------------------------------------------


BY_HAND = accounts(
    assets=1000,
    current_assets=500,
    cash=60,
    inventory=150,
    receivables=200,
    goodwill=40,
    intangibles=10,
    liabilities=600,
    current_liabilities=250,
    payables=90,
    debt=300,
    debt_due=20,
    equity=400,
    retained_earnings=100,
    sales=1460,
    cost_of_sales=730,
    ebit=80,
    net_income=30,
    interest=20,
    depreciation=40,
    operating_cash_flow=60,
)


def test_every_ratio_by_hand() -> None:
    sheet = worksheet(BY_HAND, "test", OPENED, Trade(manufacturer=True))
    assert {r.name: r.value for r in sheet.ratios} == {
        "current ratio": 2.0,
        "quick ratio": 1.4,
        "cash ratio": 0.24,
        "debt to equity": 1.5,
        "equity ratio": 0.4,
        "interest cover": 4.0,
        "debt service cover": 1.5,
        "net debt to EBITDA": 2.0,
        "EBIT margin": round(80 / 1460, 4),
        "return on assets": 0.03,
        "days sales outstanding": 50.0,
        "days payables outstanding": 45.0,
        "cash flow to debt": 0.1,
    }
    assert sheet.tangible_net_worth == 350
    z2, z1 = sheet.score("Z''"), sheet.score("Z'")
    assert z2 is not None
    assert z1 is not None
    assert z2.value == pytest.approx(
        6.56 * 0.25 + 3.26 * 0.1 + 6.72 * 0.08 + 1.05 * 2 / 3, abs=1e-4
    )
    assert z1.value == pytest.approx(
        0.717 * 0.25 + 0.847 * 0.1 + 3.107 * 0.08 + 0.42 * 2 / 3 + 0.998 * 1.46, abs=1e-4
    )
    assert "(current_assets - inventory) / current_liabilities" in sheet.ratios[1].formula
    assert sheet.ratios[1].inputs == {
        "current_assets": 500,
        "inventory": 150,
        "current_liabilities": 250,
    }


@pytest.mark.parametrize(
    ("figures", "name", "why"),
    [
        ({"inventory": None}, "quick ratio", "not stated: inventory"),
        ({"equity": -5.0}, "debt to equity", "equity is -5: the ratio has no meaning"),
        ({"interest": 0.0}, "interest cover", "interest is 0"),
        ({"ebit": -80.0}, "net debt to EBITDA", "(ebit + depreciation) is -40"),
    ],
)
def test_a_ratio_that_cannot_be_computed_says_why(
    figures: dict[str, float | None], name: str, why: str
) -> None:
    sheet = worksheet(BY_HAND.model_copy(update=figures), "test", OPENED, Trade())
    found = next(r for r in sheet.ratios if r.name == name)
    assert found.value is None
    assert why in found.why
    assert name in summary(sheet)


def test_what_is_not_stated_but_follows_is_derived() -> None:
    told = accounts(assets=100, equity=30, minority=5, pretax_income=7, interest=3)
    derived, notes = completed(told)
    assert (derived.liabilities, derived.ebit) == (65, 10)
    assert len(notes) == 2


def test_flows_of_a_short_year_are_scaled_and_balances_are_not() -> None:
    short = worksheet(BY_HAND.model_copy(update={"months": 6}), "test", OPENED, Trade())
    whole = worksheet(BY_HAND, "test", OPENED, Trade())
    assert short.ratio("days sales outstanding") == 25.0
    assert short.ratio("return on assets") == 0.06
    assert short.ratio("current ratio") == whole.ratio("current ratio")
    assert any("scaled to twelve" in note for note in short.notes)


def test_old_and_unaudited_accounts_are_doubted() -> None:
    day = BY_HAND.end + STALE
    assert worksheet(BY_HAND, "test", day, Trade()).doubts == ()
    later = worksheet(BY_HAND, "test", date.fromordinal(day.toordinal() + 1), Trade())
    assert "eighteen months" in later.doubts[0]
    open_ones = BY_HAND.model_copy(update={"audited": False})
    assert "unaudited" in worksheet(open_ones, "test", day, Trade()).doubts[0]


@pytest.mark.parametrize(
    ("sic", "nace", "listed", "scores"),
    [
        ("6022", "", False, 0),
        ("6311", "", False, 0),
        ("6500", "", False, 0),
        ("6770", "", False, 0),
        ("3674", "", False, 2),
        ("3674", "", True, 1),
        ("7372", "", False, 1),
        ("7372", "64.20", False, 0),
        ("7372", "24.10", False, 1),
        ("", "64.19", False, 0),
        ("", "65120", False, 0),
        ("", "K66.2", False, 0),
        ("", "63.11", False, 1),
        ("", "67", False, 1),
        ("", "24.10", False, 2),
        ("", "6", False, 1),
        ("", "", False, 1),
    ],
)
def test_which_scores_apply_to_which_trade(sic: str, nace: str, listed: bool, scores: int) -> None:
    sheet = worksheet(BY_HAND, "test", OPENED, trade(sic=sic, nace=nace, listed=listed))
    assert len(sheet.scores) == scores
    assert (NO_SCORE in sheet.notes) is (scores == 0)


@pytest.mark.parametrize(("nace", "alarms"), [("64.19", 0), ("62.01", 1)])
def test_the_industry_of_the_case_file_keeps_banks_out_of_the_score(nace: str, alarms: int) -> None:
    subject = example("snowflake").subject.model_dump() | {"industry": nace}
    found = credit(case(subject=subject), None, filings(), snowflake(), solvent())
    assert [f.code for f in found.findings] == [F.CREDIT_MODEL_ALARM] * alarms
    assert any("does not apply" in e.excerpt for e in found.evidence) is not bool(alarms)


@given(
    st.fixed_dictionaries({}, optional={name: st.floats(0, 1e12) for name in CONCEPTS}),
    st.integers(1, 18),
)
def test_no_figures_break_the_worksheet(figures: dict[str, float], months: int) -> None:
    sheet = worksheet(accounts(**figures, months=months), "test", OPENED, Trade(manufacturer=True))
    assert len(sheet.ratios) == len(RATIOS)
    assert all((r.value is None) == bool(r.why) for r in sheet.ratios)
    assert all((s.value is None) == bool(s.why) for s in sheet.scores)


def test_figures_in_another_currency_are_left_out() -> None:
    told = facts().facts
    foreign = told[0].model_copy(update={"concept": "Goodwill", "unit": "COP", "value": 9e12})
    statement, notes = from_facts([*told, foreign])
    assert statement is not None
    assert (statement.currency, statement.goodwill) == ("USD", None)
    assert "COP" in notes[0]
    assert from_facts([foreign])[0] is None


# ---- the check -----------------------------------------------------------------------------


def snowflake() -> FactsAnswer:
    filed = date(2025, 3, 21)
    held = tuple(
        Fact(concept=f.concept, unit="USD", end=f.end, value=f.value, filed=filed)
        for f in SNOWFLAKE_FIGURES
    )
    return facts().model_copy(update={"facts": held})


def case(name: str = "snowflake", **changes: object) -> CaseFile:
    return CaseFile.model_validate(example(name).model_dump() | changes)


def test_a_score_alone_is_an_alarm_and_nothing_more() -> None:
    opened = {"opened": "2026-01-31"}
    found = credit(case(**opened), None, filings(), snowflake(), solvent())
    assert [f.code for f in found.findings] == [F.CREDIT_MODEL_ALARM]
    assert "-1.33 on 2025-01-31" in found.findings[0].summary
    assert found.gaps == ()
    assert found.worksheet is not None
    assert "Z'' -1.33 (distress)" in next(
        e.excerpt for e in found.evidence if "accounts" in e.record
    )


@pytest.mark.parametrize(
    ("changes", "sign"),
    [
        ({"StockholdersEquity": -200.0, "Liabilities": 1200.0}, "equity is negative"),
        ({"NetCashProvidedByUsedInOperatingActivities": -50.0}, "operations burn cash"),
    ],
)
def test_a_score_and_another_sign_are_distress(changes: dict[str, float], sign: str) -> None:
    weak = {"RetainedEarningsAccumulatedDeficit": -900.0, "OperatingIncomeLoss": -100.0}
    found = credit(case(), None, filings(), facts(S.FOUND, **(weak | changes)), solvent())
    assert [f.code for f in found.findings] == [F.CREDIT_DISTRESS]
    assert sign in found.findings[0].summary


def test_old_accounts_leave_a_gap_beside_the_alarm() -> None:
    found = credit(case(opened="2026-11-20"), None, filings(), snowflake(), solvent())
    assert found.outcome is CheckOutcome.FINDING
    assert any("eighteen months" in g.reason for g in found.gaps)


def test_an_unlisted_company_is_not_settled_by_its_register() -> None:
    subject = example().subject.model_dump() | {"listed": False}
    unlisted = case("unilever", subject=subject)
    found = credit(unlisted, company(), None, None, solvent())
    assert found.outcome is CheckOutcome.INCONCLUSIVE
    assert "no accounts are held" in found.gaps[0].reason
    told = BY_HAND.model_dump(mode="json") | {"audited": True}
    found = credit(
        case("unilever", subject=subject, statements=[told]), company(), None, None, solvent()
    )
    assert found.outcome is CheckOutcome.CLEAR
    assert [e.source for e in found.evidence][-1] == "case file"


def test_the_customers_accounts_stand_in_and_must_not_contradict() -> None:
    told = BY_HAND.model_dump(mode="json") | {"currency": "USD"}
    found = credit(case(statements=[told]), None, filings(), facts(S.NONE), solvent())
    assert found.fallback == "case_statements"
    assert found.worksheet is not None
    twice = credit(case(statements=[told | {"assets": 1500}]), None, filings(), facts(), solvent())
    assert any(
        "assets on 2025-12-31: 1500 by the customer, 1000 filed" in g.reason for g in twice.gaps
    )


def test_a_model_that_reads_distress_adds_a_gap_to_an_alarm() -> None:
    opened = {"opened": "2026-01-31"}
    found = credit(case(**opened), None, filings(), snowflake(), solvent(level="distress"))
    assert any("the model reads distress" in g.reason for g in found.gaps)
