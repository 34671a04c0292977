"""The record of a decision and its audit: complete, in bounds, and no change goes unseen."""

import json
from datetime import date, timedelta
from hashlib import sha256
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.dd_records import NOW, checks, example, narrative, result, said
from workflows.data.audit import FIRST, Action, AuditRow, broken, canonical
from workflows.data.case_file import Party
from workflows.data.due_diligence import CaseOutcome, Tier
from workflows.data.effects import EffectReceipt
from workflows.data.findings import Check, CheckResult, Disposition, Finding, FindingCode
from workflows.data.hits import HitReason, HitReview, NamePart, ReviewedHit, Says, Worksheet
from workflows.patterns import trail
from workflows.patterns.gate import GateResult, GateSpec, Reminder
from workflows.rules.dd import decision as rules
from workflows.steps.dd import audit
from workflows.steps.dd.audit import CaseAudit

F = FindingCode
O = CaseOutcome  # noqa: E741 - short in tables
property_test = settings(print_blob=True, deadline=None, max_examples=60)


FOUND = Party(party_id="p3", kind="Person", name="A B", role="director")


def written() -> CaseAudit:
    """The audit of a case with everything in it, a second a row."""
    clock = iter(NOW + timedelta(seconds=n) for n in range(10_000))
    book = CaseAudit(example(), lambda: next(clock))
    book.check_ended(result(Check.EXISTENCE, gaps=1))
    found = result(Check.SANCTIONS, F.POSSIBLE_SANCTIONS_MATCH)
    book.check_ended(found)
    book.check_ended(result(Check.EXISTENCE))
    book.parties_known([FOUND])
    book.parties_known([FOUND])
    book.hit_disposed(disposed(found.findings[0]))
    book.assessed(Tier.MEDIUM, Tier.HIGH, narrative(tier=Tier.HIGH))
    spec = GateSpec(
        name="review",
        question="?",
        proposal="refer",
        people={"ana": frozenset({"analyst"})},
        needs=("analyst",),
        deadline=timedelta(days=1),
        remind_every=timedelta(hours=1),
    )
    book.gate_opened(spec)
    book.gate_reminded(Reminder("review", 1, ("ana",)))
    book.gate_reminded(Reminder("review", 2, ("bo",), level=1))
    book.gate_decided(said("bo", LIMIT="10000"))
    book.gate_ended("review", GateResult((), timed_out=True))
    book.decided(O.REFER, O.APPROVE_WITH_CONDITIONS, timed_out=False)
    book.effect("open_account", EffectReceipt(key="k", reference="ref_1"), "accounts")
    book.task_opened("report", "by 2026-12-04")
    book.closed(O.APPROVE_WITH_CONDITIONS)
    return book


def disposed(found: Finding) -> ReviewedHit:
    sheet = Worksheet(
        right_list=Says.YES,
        same_type=Says.NO,
        name_part=NamePart.PART,
        enough_identifiers=Says.YES,
        several_similarities=Says.NO,
    )
    what, why = Disposition.FALSE_POSITIVE, HitReason.TYPE_CONFLICT
    return ReviewedHit(
        gate="hit-1",
        finding=found.id,
        code=found.code,
        party_id=found.party_id,
        entry="ofac 1",
        disposition=what,
        by=("ana",),
        reviews=(HitReview(disposition=what, reason=why, worksheet=sheet),),
        at=NOW,
    )


def plain(book: CaseAudit) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(book_json(book))
    return rows


def book_json(book: CaseAudit) -> str:
    return "[" + ",".join(row.model_dump_json() for row in book.rows) + "]"


def test_a_case_is_told_in_rows_that_hold() -> None:
    rows = plain(written())
    assert broken(rows) is None
    told = {r["action"] for r in rows}
    phases = {Action.PHASE_SEALED, Action.PHASE_LOCKED, Action.PHASE_FELL}
    elsewhere = {Action.LEFT_OUT, Action.DECISION_REFUSED}
    assert told == set(Action) - elsewhere - phases
    assert [r["target"] for r in rows if r["action"] == "party.discovered"] == ["p3"]
    again = [r for r in rows if (r["action"], r["target"]) == ("check.ended", "existence")]
    assert [(r["before"], r["after"]) for r in again] == [
        (None, "inconclusive"),
        ("inconclusive", "clear"),
    ]
    raised = next(r for r in rows if r["action"] == "tier.raised")
    assert (raised["before"], raised["after"]) == ("medium", "high")
    assert raised["actor"] == {"type": "model", "id": "gpt-x"}
    signed = written().signed
    assert [(s.user, s.roles) for s in signed] == [("bo", ("analyst", "senior"))]


def test_the_form_of_a_row_is_the_published_one() -> None:
    """Computed here by hand: sorted keys, UTF-8, no spaces, times with Z, 64 zeros first."""
    first, second, *_ = plain(written())
    assert first["prev_hash"] == FIRST == "0" * 64
    assert first["at"] == "2026-11-20T09:30:00Z"
    rest = {k: first[k] for k in sorted(first) if k != "hash"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert text.startswith('{"action":"case.opened","actor":{"id":"sam","type":"person"}')
    assert first["hash"] == sha256(text.encode()).hexdigest() == second["prev_hash"]


@property_test
@given(st.data())
def test_any_change_is_seen_at_its_row(data: st.DataObject) -> None:
    book = written()
    rows, head = plain(book), book.head
    at = data.draw(st.integers(0, len(rows) - 1))
    field = data.draw(st.sampled_from(sorted(AuditRow.model_fields)))
    kind = data.draw(st.sampled_from(["change", "drop", "swap", "cut", "rehash"]))
    if kind == "change":
        rows[at] |= {field: "another"}
    elif kind == "rehash":  # somebody who knows the form: the next row still names the old hash
        rows[at] |= {"after": "another"}
        rest = {k: v for k, v in rows[at].items() if k != "hash"}
        rows[at]["hash"] = sha256(canonical(rest).encode()).hexdigest()
    elif kind == "drop":
        del rows[at]
    elif kind == "swap":
        other = (at + 1) % len(rows)
        rows[at], rows[other] = rows[other], rows[at]
        at = min(at, other)
    else:
        rows = rows[:at]
    found = broken(rows, head)
    assert found is not None
    assert found.row == (at + 2 if kind == "rehash" else at + 1)


def test_ten_thousand_parties_stay_bounded_and_what_people_do_is_never_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit, "MOST_ROWS", 50)
    monkeypatch.setattr(trail, "PAGE", 20)
    book = CaseAudit(example(), lambda: NOW)
    many = [FOUND.model_copy(update={"party_id": f"p{n}"}) for n in range(200)]
    for known in range(0, 201, 50):
        book.parties_known(many[:known])
    book.gate_decided(said("ana"))
    book.closed(O.APPROVE)
    actions = [r.action for r in book.rows]
    assert len(actions) == 53
    assert actions[-3:] == [Action.LEFT_OUT, Action.GATE_DECIDED, Action.CASE_CLOSED]
    pages, after = [], 0
    while rows := book.page(after).rows:
        pages.append(len(rows))
        after = rows[-1].seq
    assert pages == [20, 20, 13]
    assert broken(plain(book)) is None


# ---- the record ----------------------------------------------------------------------------

CODES = list(F)


@property_test
@given(st.sampled_from(Tier), st.lists(st.sampled_from(CODES), max_size=9), st.floats(0, 1))
def test_the_score_stays_in_the_band_of_its_tier_and_a_finding_never_lowers_it(
    tier: Tier, codes: list[F], sure: float
) -> None:
    low, high = rules.BANDS[tier]
    before = rules.risk_score(tier, checks(credit=result(Check.CREDIT, *codes)), sure)
    after = rules.risk_score(tier, checks(credit=result(Check.CREDIT, *codes, F.NOT_ACTIVE)), sure)
    assert low <= before <= after <= high
    assert rules.risk_score(Tier.LOW, checks(), 1.0) == 0


@pytest.mark.parametrize(("tier", "outcome"), list(product(Tier, O)))
def test_dates_follow_tier_and_outcome(tier: Tier, outcome: O) -> None:
    decided = date(2028, 2, 29)
    due = rules.next_review_due(tier, outcome, decided)
    years = {Tier.LOW: 2031, Tier.MEDIUM: 2030, Tier.HIGH: 2029}
    if outcome in rules.APPROVED and tier is not Tier.PROHIBITED:
        assert due == date(years[tier], 3, 1)
    else:
        assert due is None
    kept = rules.retention_until(decided, due)
    assert kept >= date(2033, 2, 28)
    assert due is None or kept.year == due.year + 5
    appeal = rules.appeal_until(outcome, tier, decided)
    refused = outcome in (O.DECLINE, O.APPROVE_WITH_CONDITIONS) and tier is not Tier.PROHIBITED
    assert appeal == (date(2028, 3, 30) if refused else None)


SECRET = sorted(set(F) - set(rules.TELLABLE))


@pytest.mark.parametrize("outcome", [O.DECLINE, O.APPROVE_WITH_CONDITIONS, O.REFER])
@pytest.mark.parametrize("code", SECRET)
def test_the_customer_is_never_tipped_off(code: F, outcome: O) -> None:
    """A case with a finding that may not be told reads as one without any."""
    case = example()

    def told(*given: CheckResult) -> str:
        return rules.customer_explanation(case, outcome, "10000", given, None)

    hidden = told(result(Check.CREDIT, F.INSOLVENCY_FILING), result(Check.SANCTIONS, code))
    assert hidden == told()
    assert told(result(Check.CREDIT, F.ACCOUNTS_OVERDUE)) != told() or outcome is O.REFER


def test_lists_are_named_once_and_a_model_that_raised_the_tier_is_named() -> None:
    held = checks(sanctions=result(Check.SANCTIONS, F.POSSIBLE_SANCTIONS_MATCH))
    assert [(used.id, used.version) for used in rules.lists_used(held)] == [("register", "1")]
    wrote = narrative(O.APPROVE, tier=Tier.HIGH)
    decided = GateResult((said("ana", "decline"),))
    tier, outcome = rules.overrides(Tier.LOW, Tier.HIGH, wrote, O.REFER, O.DECLINE, decided)
    assert (tier.before, tier.after, tier.by) == ("low", "high", "model gpt-x")
    assert (outcome.before, outcome.after, outcome.by) == ("refer", "decline", "ana")
    assert rules.overrides(Tier.LOW, Tier.LOW, wrote, O.REFER, O.REFER, decided) == ()
    given = rules.opinion(wrote, O.REFER)
    assert given is not None
    assert not given.agreed
    reasons = rules.because(held, timed_out=True)
    assert [(b.code, b.ref) for b in reasons] == [
        ("POSSIBLE_SANCTIONS_MATCH", "sanctions-f1"),
        ("REVIEW_EXPIRED", "review"),
    ]
    assert rules.inputs_sha256(example()) == rules.inputs_sha256(example())
    assert rules.inputs_sha256(example()) != rules.inputs_sha256(example("bank_saderat"))
