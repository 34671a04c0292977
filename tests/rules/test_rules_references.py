"""References: who is worth asking, what a reply must tell, and the limit it supports."""

from decimal import Decimal
from typing import Any

import pytest

from simulator.brain.documents import ReferenceDocuments
from simulator.brain.rules import reference
from simulator.effects.referees import REFEREES
from tests.rules.dd_records import NOW, example, result
from workflows.data.case_file import CaseFile
from workflows.data.due_diligence import CaseOutcome, Tier
from workflows.data.findings import Check, CheckOutcome, Evidence, FindingCode
from workflows.data.readings import ReferenceReading
from workflows.data.sources import Liveness
from workflows.data.statements import Statement
from workflows.rules.dd.limit import conditions, limit_of, proposed_limit, question
from workflows.rules.dd.references import (
    contradiction,
    excerpt,
    high_credit,
    independent,
    references,
    told,
)
from workflows.rules.dd.worksheet import Trade, worksheet

F = FindingCode


def with_referees(*mails: str, name: str = "Northern Paper Mills") -> CaseFile:
    case = example()
    referees = [
        {"party_id": f"r{n}", "kind": "trade", "name": f"{name} {n}" if n else name, "mail": mail}
        for n, mail in enumerate(mails)
    ]
    plan = {"referees": referees, "needed": 1}
    return CaseFile.model_validate(case.model_dump() | {"references": plan})


def reply(**changes: Any) -> tuple[ReferenceReading, Evidence]:
    plain = {"conclusive": True, "favourable": True, "days_beyond_terms": 3, "confidence": 0.9}
    seen = Evidence(
        id="r", source="referee", record="r", liveness=Liveness.SIMULATED, retrieved_at=NOW
    )
    return ReferenceReading.model_validate(plain | changes), seen


def test_referees_of_the_cases_are_independent() -> None:
    case = example()
    assert independent(case) == (case.references.referees, ())


@pytest.mark.parametrize(
    ("case", "asked", "says"),
    [
        (with_referees("a@unilever.example", "b@other.example"), ["r1"], "with the customer"),
        (with_referees("a@mill.example", "b@MILL.example"), ["r0"], "shares a domain with r0"),
        (with_referees("a@gmail.com", "b@gmail.com"), ["r0", "r1"], None),
        (with_referees("a@x.example", name="Unilever PLC"), [], "bears the name of UNILEVER PLC"),
    ],
)
def test_who_is_not_independent_is_not_asked(
    case: CaseFile, asked: list[str], says: str | None
) -> None:
    found, why = independent(case)
    assert [r.party_id for r in found] == asked
    assert any(says in w for w in why) if says else not why


def test_why_somebody_was_not_asked_is_told_only_if_it_mattered() -> None:
    enough = references({"r0": reply()}, 1, [], ["r1 is not asked"])
    assert enough.outcome is CheckOutcome.CLEAR
    short = references({"r0": reply()}, 2, [], ["r1 is not asked"])
    assert [g.reason for g in short.gaps][1:] == ["r1 is not asked"]


@pytest.mark.parametrize(("days", "found"), [(0, False), (30, False), (31, True)])
def test_paid_a_month_late_is_adverse_whatever_is_praised(days: int, found: bool) -> None:
    result_ = references({"r0": reply(days_beyond_terms=days)}, 1, [])
    assert [f.code for f in result_.findings] == [F.ADVERSE_REFERENCE] * found


def test_praise_without_a_fact_is_a_gap() -> None:
    found = references({"r0": reply(days_beyond_terms=None)}, 1, [])
    assert found.outcome is CheckOutcome.INCONCLUSIVE
    assert "none of the facts" in found.gaps[0].reason


def test_the_facts_of_a_reply_are_read_and_cited() -> None:
    referee = REFEREES["prompt"]
    assert referee is not None
    reading = reference(ReferenceDocuments(reply=referee.text))
    assert told(reading) == 5
    asked = example().references.referees[0]
    assert excerpt(asked, reading) == (
        "trade reference, 5 of 5 facts told, known 6 years, terms 30 days, high credit 80000 EUR,"
        " past due 0 EUR, 0 days beyond terms"
    )


def test_referees_who_praise_what_failed_are_contradicted() -> None:
    praised = references({"r0": reply()}, 1, [])
    failed = result(Check.CREDIT, F.INSOLVENCY_FILING)
    assert "INSOLVENCY_FILING" in (contradiction(praised, failed) or "")
    assert contradiction(praised, result(Check.CREDIT)) is None
    assert contradiction(praised, result(Check.CREDIT, F.CREDIT_MODEL_ALARM)) is None
    blamed = references({"r0": reply(favourable=False)}, 1, [])
    assert "adverse" in (contradiction(blamed, result(Check.CREDIT)) or "")
    assert contradiction(blamed, failed) is None


# ---- the limit -----------------------------------------------------------------------------


def sheet(currency: str = "EUR", equity: float = 300_000) -> Any:
    told_ = Statement.model_validate(
        {"end": "2025-12-31", "currency": currency, "equity": equity, "goodwill": 100_000}
    )
    return worksheet(told_, "test", NOW.date(), Trade())


@pytest.mark.parametrize(
    ("held", "high", "tier", "value"),
    [
        (None, None, Tier.LOW, 50_000),
        (None, None, Tier.MEDIUM, 25_000),
        (sheet(), None, Tier.LOW, 20_000),
        (sheet("USD"), None, Tier.LOW, 50_000),
        (sheet(equity=-5.0), None, Tier.LOW, 0),
        (sheet(), 12_345.0, Tier.MEDIUM, 6_100),
        (None, 80_000.0, Tier.HIGH, 12_500),
        (None, None, Tier.PROHIBITED, 0),
    ],
)
def test_the_limit_is_the_least_of_its_parts(
    held: Any, high: float | None, tier: Tier, value: int
) -> None:
    found = proposed_limit(example().product, held, high, tier)
    assert found.value == Decimal(value)
    assert found.currency == "EUR"
    assert len(found.parts) == 3 + (high is not None)


def test_an_approval_with_conditions_is_proposed_with_a_limit() -> None:
    praised = references({"r0": reply(high_credit=40_000.0, currency="EUR")}, 1, [], (), "EUR")
    conditional = CaseOutcome.APPROVE_WITH_CONDITIONS
    limit = limit_of(example(), [praised], conditional, Tier.MEDIUM)
    asked = question(limit)
    assert "LIMIT=20000 EUR" in asked
    assert "high credit of referees 40000" in asked
    assert [(c.code, c.value) for c in conditions(limit)] == [("LIMIT", "20000")]
    none = limit_of(example(), [praised], CaseOutcome.APPROVE, Tier.LOW)
    assert "LIMIT" not in question(none)
    assert conditions(none) == ()


def test_high_credit_counts_in_its_currency_alone() -> None:
    said = {
        "a": reply(high_credit=10.0, currency="EUR"),
        "b": reply(high_credit=30.0, currency="EUR"),
        "c": reply(high_credit=9e9, currency="USD"),
        "d": reply(),
    }
    assert high_credit(said, "EUR") == 20.0
    assert high_credit(said, "GBP") is None
