"""Tier, route, proposal and final outcome of a due diligence case: total, and fail closed."""

from dataclasses import replace
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.dd_records import checks, example, narrative, result, said
from workflows.data.case_policy import Role
from workflows.data.common import Decision, Verdict
from workflows.data.due_diligence import CaseOutcome, Route, Tier
from workflows.data.findings import Check, CheckOutcome, CheckResult, FindingCode
from workflows.patterns.gate import ANYBODY
from workflows.rules.dd import routing as rules
from workflows.rules.dd.claims import checked

F = FindingCode
O = CaseOutcome  # noqa: E741 - short in tables
property_test = settings(print_blob=True, deadline=None, max_examples=100)

CONFIDENCES = (float("nan"), 0.0, 0.5, 0.6999, 0.70, 0.71, 0.8999, 0.90, 0.91, 1.0)
BOTH = (True, False)
GRID = [
    rules.Weighed(*drawn)
    for drawn in product(Tier, CONFIDENCES, (0, 1, 7), (0, 1, 3), BOTH, BOTH, BOTH)
]


def wanted(case: rules.Weighed) -> tuple[str, ...]:
    """Whom a case needs, read off the published policy."""
    if case.tier is Tier.PROHIBITED:
        return (Role.COMPLIANCE,)
    if case.tier is Tier.HIGH or case.special:
        return (ANYBODY, Role.SENIOR)
    if case.tier is Tier.LOW and case.sure >= 0.90 and not case.gaps and not case.hits:
        return () if case.straight and case.agreed else (ANYBODY,)
    return (Role.ANALYST,)


def test_every_combination_has_the_one_route_of_the_policy() -> None:
    for case in GRID:
        got = rules.route(case)
        assert rules.NEEDS[got.route] == wanted(case), case
        assert got.route is rules.choose(case).path
        assert got.extra_round is not (case.sure >= 0.70 and case.agreed), case
        assert str(case.tier) in got.why
        assert ("hits" in got.why) is bool(case.hits)


def test_doubt_never_removes_a_person_and_nothing_open_is_ever_approved_in_passing() -> None:
    """An open gap or hit, less confidence, disagreement: each asks at least as many people."""
    for case in GRID:
        surer = replace(case, sure=1.0, gaps=0, hits=0, agreed=True)
        asked, at_best = (rules.NEEDS[rules.route(c).route] for c in (case, surer))
        assert len(asked) >= len(at_best), case
        if case.gaps or case.hits or not case.sure >= 0.90 or case.tier is not Tier.LOW:
            assert asked, case
            assert asked != (ANYBODY,), case
        assert rules.NEEDS[rules.route(replace(case, straight=False)).route], case


def test_every_route_has_needs_and_someone_to_fill_each() -> None:
    assert set(rules.NEEDS) == set(Route)
    assert [r for r, needs in rules.NEEDS.items() if not needs] == [Route.STRAIGHT]


TIERS: dict[str, tuple[tuple[CheckResult, ...], Tier, CaseOutcome]] = {
    "nothing found": (checks(), Tier.LOW, O.APPROVE),
    "confirmed sanctions": (
        checks(sanctions=result(Check.SANCTIONS, F.SANCTIONED)),
        Tier.PROHIBITED,
        O.DECLINE,
    ),
    "confirmed sanctions among much else": (
        checks(
            sanctions=result(Check.SANCTIONS, F.POSSIBLE_SANCTIONS_MATCH, F.SANCTIONED, gaps=2),
            credit=result(Check.CREDIT, F.CREDIT_DISTRESS),
        ),
        Tier.PROHIBITED,
        O.DECLINE,
    ),
    "possible match": (
        checks(sanctions=result(Check.SANCTIONS, F.POSSIBLE_SANCTIONS_MATCH)),
        Tier.HIGH,
        O.REFER,
    ),
    "insolvency filing": (
        checks(credit=result(Check.CREDIT, F.INSOLVENCY_FILING, F.CREDIT_DISTRESS)),
        Tier.HIGH,
        O.DECLINE,
    ),
    "distress alone": (
        checks(credit=result(Check.CREDIT, F.CREDIT_DISTRESS)),
        Tier.HIGH,
        O.REFER,
    ),
    "insolvency history": (
        checks(credit=result(Check.CREDIT, F.INSOLVENCY_HISTORY)),
        Tier.HIGH,
        O.REFER,
    ),
    "not active": (checks(existence=result(Check.EXISTENCE, F.NOT_ACTIVE)), Tier.HIGH, O.DECLINE),
    "two companies": (
        checks(existence=result(Check.EXISTENCE, F.IDENTITY_CONFLICT)),
        Tier.HIGH,
        O.REFER,
    ),
    "accounts overdue": (
        checks(credit=result(Check.CREDIT, F.ACCOUNTS_OVERDUE)),
        Tier.MEDIUM,
        O.APPROVE_WITH_CONDITIONS,
    ),
    "adverse reference": (
        checks(references=result(Check.REFERENCES, F.ADVERSE_REFERENCE)),
        Tier.MEDIUM,
        O.APPROVE_WITH_CONDITIONS,
    ),
    "a gap in a hard check": (
        checks(existence=result(Check.EXISTENCE, gaps=1)),
        Tier.MEDIUM,
        O.APPROVE_WITH_CONDITIONS,
    ),
    "screening silent": (
        checks(sanctions=result(Check.SANCTIONS, gaps=1, outcome=CheckOutcome.UNAVAILABLE)),
        Tier.HIGH,
        O.REFER,
    ),
    "screening incomplete": (
        checks(sanctions=result(Check.SANCTIONS, gaps=1)),
        Tier.HIGH,
        O.REFER,
    ),
    "nobody screened": (tuple(c for c in checks() if c.check != "sanctions"), Tier.HIGH, O.REFER),
    "no check at all": ((), Tier.HIGH, O.REFER),
}


@pytest.mark.parametrize("name", TIERS)
def test_tier_and_proposal_follow_the_findings(name: str) -> None:
    given_checks, tier, proposal = TIERS[name]
    assert rules.tier_by_rules(given_checks) is tier
    assert rules.propose(given_checks) is proposal


@property_test
@given(st.data())
def test_a_further_finding_or_gap_never_lowers_the_tier_nor_eases_the_proposal(
    data: st.DataObject,
) -> None:
    codes = st.lists(st.sampled_from(FindingCode), max_size=3, unique=True)
    drawn = {c: (data.draw(codes), data.draw(st.integers(0, 2))) for c in Check}
    worse_check = data.draw(st.sampled_from(Check))
    more = data.draw(codes)
    before = [result(c, *found, gaps=gaps) for c, (found, gaps) in drawn.items()]
    drawn[worse_check] = ([*drawn[worse_check][0], *more], drawn[worse_check][1] + 1)
    after = [result(c, *found, gaps=gaps) for c, (found, gaps) in drawn.items()]
    tiers, caution = list(Tier), list(rules._CAUTION)
    assert tiers.index(rules.tier_by_rules(before)) <= tiers.index(rules.tier_by_rules(after))
    assert caution.index(rules.propose(before)) <= caution.index(rules.propose(after))


@pytest.mark.parametrize(("tier", "model"), list(product(Tier, [None, *Tier])))
def test_model_raises_a_tier_but_never_lowers_it_and_never_prohibits(
    tier: Tier, model: Tier | None
) -> None:
    tiers = list(Tier)
    got = rules.raised(tier, model)
    assert tiers.index(got) >= tiers.index(tier)
    assert (got is Tier.PROHIBITED) is (tier is Tier.PROHIBITED)
    if model is not None and model is not Tier.PROHIBITED:
        assert got is tiers[max(tiers.index(tier), tiers.index(model))]
    if model is Tier.PROHIBITED and tier is not Tier.PROHIBITED:
        assert got is Tier.HIGH


@pytest.mark.parametrize(
    ("said_by_model", "checks_given", "expected"),
    [
        (narrative(), checks(), 0.95),
        (narrative(confidence=0.4), checks(), 0.4),
        (narrative(kept=3, dropped=1), checks(), 0.75),
        (narrative(kept=0, dropped=2), checks(), 0.0),
        (narrative(kept=0, dropped=0), checks(), 0.95),
        (narrative(O.DECLINE), checks(), rules.DISAGREEMENT),
        (narrative(), checks(credit=result(Check.CREDIT, confidence=0.3)), 0.3),
    ],
    ids=["all well", "model unsure", "dropped", "all dropped", "no claims", "differ", "check"],
)
def test_confidence_is_that_of_the_weakest_part(
    said_by_model: object, checks_given: tuple[CheckResult, ...], expected: float
) -> None:
    assert rules.confidence(checks_given, said_by_model) == expected  # type: ignore[arg-type]


def test_disagreement_alone_brings_another_round() -> None:
    sure = rules.confidence(checks(), narrative(O.REFER))
    assert rules.route(rules.Weighed(Tier.LOW, sure)).extra_round


def test_narrative_of_the_rules_agrees_with_them_and_cites_what_exists() -> None:
    held = checks(credit=result(Check.CREDIT, F.INSOLVENCY_FILING))
    written = rules.narrative_by_rules(held)
    assert written.proposed is O.DECLINE
    assert checked(written.claims, held, example()) == (written.claims, ())
    assert written.model == ""


def test_review_that_nobody_finished_in_time_is_referred_whatever_was_said() -> None:
    case = example()
    for decisions in ((), (said("bo"),), (said("ana", "decline"),), (said("ana"), said("bo"))):
        assert rules.settle(case, decisions, timed_out=True) is O.REFER
    assert rules.settle(case, (), timed_out=False) is O.REFER


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ((said("ana"),), O.APPROVE),
        ((said("ana", LIMIT="10000"),), O.APPROVE_WITH_CONDITIONS),
        ((said("ana", "decline"),), O.DECLINE),
        ((said("ana", "refer"),), O.REFER),
        ((said("ana", "more"),), O.REFER),
        ((said("ana", "decline"), said("bo")), O.APPROVE),
        ((said("ana"), said("bo", "decline")), O.DECLINE),
        ((said("ana", LIMIT="1"), said("bo", "refer")), O.REFER),
        ((said("bo"), said("mira", "refer")), O.REFER),
        ((said("bo", "decline"), said("mira", "refer")), O.DECLINE),
        ((said("bo"), said("mira", LIMIT="1")), O.APPROVE_WITH_CONDITIONS),
        ((said("ana"), said("bo", LIMIT="1"), said("mira")), O.APPROVE_WITH_CONDITIONS),
    ],
)
def test_senior_word_counts_and_the_more_cautious_among_equals(
    decisions: tuple[object, ...], expected: CaseOutcome
) -> None:
    """ana is an analyst; bo and mira are seniors. The order of speaking changes nothing."""
    for order in permutations(decisions):
        assert rules.settle(example(), order, timed_out=False) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        (
            (said("ana", LIMIT="10000", SECURITY="deposit"),),
            {"LIMIT": "10000", "SECURITY": "deposit"},
        ),
        ((said("bo", LIMIT="5000"), said("ana", LIMIT="9000")), {"LIMIT": "5000"}),
        ((said("bo", LIMIT="5000"), said("mira", LIMIT="40000")), {"LIMIT": "5000"}),
        ((said("mira", LIMIT="40000"), said("bo", LIMIT="5000")), {"LIMIT": "5000"}),
    ],
)
def test_conditions_are_those_of_whose_word_counts_and_the_lowest_limit(
    decisions: tuple[Decision, ...], expected: dict[str, str]
) -> None:
    got = rules.conditions(example(), O.APPROVE_WITH_CONDITIONS, decisions)
    assert {c.code: c.value for c in got} == expected
    for outcome in (O.APPROVE, O.DECLINE, O.REFER):
        assert rules.conditions(example(), outcome, decisions) == ()


def test_a_prohibited_case_cannot_be_approved_and_rounds_run_out() -> None:
    hit = checks(sanctions=result(Check.SANCTIONS, F.SANCTIONED))
    assert set(rules.barred(hit, more=1)) == {Verdict.APPROVE}
    assert set(rules.barred(checks(), more=1)) == set()
    assert set(rules.barred(checks(), more=0)) == {Verdict.MORE}


def test_reasons_name_findings_gaps_comments_and_a_missed_deadline() -> None:
    held = checks(credit=result(Check.CREDIT, F.ACCOUNTS_OVERDUE, gaps=1))
    comment = said("bo").model_copy(update={"comment": "seen the accounts"})
    text = "\n".join(rules.reasons(held, [comment], True))
    for word in ("ACCOUNTS_OVERDUE", "credit-e1", "GAP credit", "bo: seen the accounts", "REVIEW"):
        assert word in text
    assert rules.reasons(checks(), [], False) == ()
