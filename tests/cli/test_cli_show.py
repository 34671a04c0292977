"""What people are shown: the words that matter, at any width, without colour."""

import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from rich.console import Console, RenderableType

from cli import cases, show
from cli.errors import BadInput, Trouble
from cli.standing import Standing
from tests.rules.dd_records import NOW, checks, narrative, result, said
from workflows.data.common import (
    BranchState,
    BranchView,
    CostView,
    GateView,
    StatusView,
    Verdict,
)
from workflows.data.decision import CaseSoFar, DecisionRecord
from workflows.data.due_diligence import CaseOutcome, Onboarding, Route, Routing, Tier
from workflows.data.email_triage import (
    DraftClaim,
    MailReading,
    Path,
    TriageOutcome,
    TriageResult,
)
from workflows.data.findings import Check, CheckOutcome, FindingCode
from workflows.data.intelligence import (
    IntelligenceReport,
    IntelligenceSoFar,
    Signal,
    SourceReading,
)
from workflows.data.pipeline import PipelineOutcome, PipelineResult, PipelineState

WIDTHS = pytest.mark.parametrize("width", [60, 100])


def words(shown: RenderableType, width: int) -> str:
    """Render without colour; give the words with single spaces, no line over `width`."""
    file = io.StringIO()
    Console(file=file, width=width, color_system=None, force_terminal=False).print(shown)
    text = file.getvalue()
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) <= width, text
    return " ".join(text.replace("│", " ").split())


def gate_view(**changes: object) -> GateView:
    plain = {
        "name": "review",
        "question": "What becomes of the customer?",
        "proposal": "decline",
        "needs": ("anybody", "senior"),
        "may_decide": ("ana", "bo"),
        "opened": NOW,
        "deadline": NOW + timedelta(days=3),
    }
    return GateView.model_validate(plain | changes)


def record(**changes: object) -> DecisionRecord:
    held = checks(
        credit=result(Check.CREDIT, FindingCode.INSOLVENCY_FILING),
        references=result(Check.REFERENCES, gaps=1, outcome=CheckOutcome.UNAVAILABLE),
    )
    plain = {
        "case": "carbo-ceramics",
        "outcome": CaseOutcome.DECLINE,
        "tier": Tier.HIGH,
        "confidence": 0.65,
        "routing": Routing(route=Route.FOUR_EYES, extra_round=True, why="tier high"),
        "reasons": ("INSOLVENCY_FILING: bankruptcy [credit-e1]", "[bold]GAP[/bold] references"),
        "decided_by": (said("ana", "decline"), said("bo", "decline")),
        "checks": held,
        "narrative": narrative(dropped=1),
        "onboarding": Onboarding.NOT_STARTED,
        "decided_at": NOW,
        "usd": Decimal("0.0421"),
        "policy_version": "dd-x",
    }
    return DecisionRecord.model_validate(plain | changes)


@WIDTHS
def test_gate_shows_proposal_people_deadline_and_the_command(width: int) -> None:
    text = words(show.gate("dd-carbo-1a2b3c", gate_view()), width)
    for word in (
        "gate review",
        "What becomes of the customer?",
        "proposal: decline",
        "anybody, senior",
        "ana, bo",
        "2026-11-23 09:30 UTC",
        "starter.py decide dd-carbo-1a2b3c approve|decline|refer|more --as ana",
    ):
        assert word in text


@WIDTHS
def test_gate_about_a_step_shows_its_name_its_verdicts_and_what_a_value_has(width: int) -> None:
    schema = {"properties": {"usd": {"type": "integer"}, "why": {"type": "string"}}}
    view = gate_view(name="open account", verdicts=("retry", "supply"), supplies=schema)
    text = words(show.gate("dd-x", view), width)
    assert "the value of supply has: usd, why" in text
    assert "starter.py decide dd-x retry|supply --as ana --gate 'open account' --value JSON" in text


def test_gate_shows_deputies_and_whom_it_went_to() -> None:
    view = gate_view(
        deputies={"bo": ("dora", "eve")},
        escalations=({"level": 1, "at": NOW, "to": ("mona", "olga")},),
    )
    text = words(show.gate("dd-x", view), 100)
    assert "for bo may decide: dora, eve" in text
    assert "asked besides since 2026-11-20 09:30 UTC: mona, olga" in text


def test_decision_shows_for_whom_a_deputy_decided() -> None:
    deputy = said("dora", "decline").model_copy(update={"stands_for": "bo"})
    shown = record(decided_by=(said("ana", "decline"), deputy), earlier=(deputy,))
    text = words(show.decision(shown), 100)
    assert "ana (decline), dora for bo (decline)" in text


def test_gate_that_nobody_can_answer_says_so() -> None:
    text = words(show.gate("dd-x", gate_view(may_decide=())), 100)
    assert "may decide: nobody left" in text
    assert "--as NAME" in text


@WIDTHS
def test_decision_shows_outcome_people_checks_reasons_and_claims(width: int) -> None:
    text = words(show.decision(record()), width)
    for word in (
        "carbo-ceramics: decline",
        "high, confidence 0.65",
        "two_people_one_senior",
        "ana (decline), bo (decline)",
        "not started",
        "0.0421 US$",
        "finding",
        "unavailable",
        "INSOLVENCY_FILING: bankruptcy [credit-e1]",
        "[bold]GAP[/bold] references",
        "synthesis by gpt-x, simulated",
        "claim 1 [identity-e1]",
        "dropped, cites nowhere-e9: claim 0",
    ):
        assert word in text
    assert "conditions" not in text
    assert "open tasks" not in text


def test_decision_shows_conditions_open_tasks_and_that_nobody_decided() -> None:
    shown = record(
        outcome=CaseOutcome.APPROVE_WITH_CONDITIONS,
        conditions=said("bo", LIMIT="10000").conditions,
        open_tasks=("remove the account by hand",),
        decided_by=(),
        narrative=narrative().model_copy(update={"model": "", "simulated": False}),
    )
    text = words(show.decision(shown), 100)
    for word in ("LIMIT=10000", "remove the account by hand", "nobody in time", "by rules"):
        assert word in text
    assert "simulated" not in text.partition("synthesis")[2]


@pytest.mark.parametrize("outcome", CaseOutcome)
def test_every_outcome_can_be_shown(outcome: CaseOutcome) -> None:
    assert outcome.value in words(show.decision(record(outcome=outcome)), 60)


@WIDTHS
def test_status_shows_phase_branches_gates_and_cost(width: int) -> None:
    now = StatusView(process="due-diligence", case="carbo", phase="review", started=NOW)
    branches = [
        BranchView(name="identity", state=BranchState.SUCCEEDED, started=NOW, ended=NOW),
        BranchView(name="references", state=BranchState.DEFAULTED, note="[red] stopped"),
        *(BranchView(name=f"b-{state}", state=state) for state in BranchState),
    ]
    cost = CostView(calls=7, usd=Decimal("0.0421"))
    text = words(show.status("dd-carbo-1", now, branches, [gate_view()], cost), width)
    for word in (
        "dd-carbo-1 review",
        "identity succeeded 0 ms",
        "references defaulted [red] stopped",
        "gate review",
        "7 model calls, 0.0421 US$",
        *(f"b-{state}" for state in BranchState),
    ):
        assert word in text


# ---- results of processes ------------------------------------------------------------------


@WIDTHS
def test_the_triage_of_a_mail_shows_what_was_read_sent_and_left_to_do(width: int) -> None:
    claims = ({"text": "75", "supported": False}, {"text": "It is open.", "supported": True})
    record = TriageResult(
        case="portal",
        outcome=TriageOutcome.UNCLEAR,
        path=Path.DRAFTED_APPROVED,
        reading=MailReading(points=("The [bold]portal[/bold] is down.",), why="harm goes on"),
        answer="We look into it.",
        checked=tuple(DraftClaim.model_validate(c) for c in claims),
        decisions=(said("ana", "approve"),),
        open_tasks=("answer: unclear whether it was sent",),
        usd=Decimal("0.0028"),
    )
    text = words(show.result(record), width)
    for word in (
        "portal: unclear",
        "unknown: harm goes on",
        "drafted, approved",
        "1 of 2 statements hold",
        "75: not borne out",
        "- The [bold]portal[/bold] is down.",
        "ana (approve)",
        "- answer: unclear whether it was sent",
        "answer, perhaps sent",
        "We look into it.",
        "0.0028 US$",
    ):
        assert word in text
    assert "gaps" not in text
    assert show.so_far(record) is not None


@WIDTHS
def test_a_report_shows_its_claims_what_is_new_and_what_is_missing(width: int) -> None:
    new = tuple(Signal(text=f"signal {n}", kind="news") for n in range(22))
    reading = SourceReading(competitor="A", source="news", signals=new, unread=True)
    record = IntelligenceReport.model_validate(
        {
            "case": "chips",
            "outcome": "enough",
            "since": "2026-11-01",
            "headline": "A sells\x1b[2J more.",
            "claims": [{"text": "A opened a plant.", "cites": ["a-news"]}],
            "new": [{"competitor": "A", **s.model_dump()} for s in new],
            "heard": {"a-news": reading},
            "contributed": ["a-news"],
            "partial": ["a-news"],
            "missing": [{"name": "b-news", "status": "cancelled", "why": "enough answers"}],
            "dropped": [],
            "written_by": "model",
            "cost_usd": "0.0035",
        }
    )
    text = words(show.result(record), width)
    for word in (
        "chips: enough",
        "1 of 2, 22 signals",
        "in part a-news",
        "A sells?[2J more.",
        "- A opened a plant. [a-news]",
        "new since the last report: 22",
        "and 2 more, see --json",
        "- A: signal 3",
        "b-news: cancelled, enough answers",
    ):
        assert word in text
    heard = IntelligenceSoFar(heard={"a-news": reading})
    assert "a-news: 22 signals, unread" in words(show.so_far(heard) or "", width)
    ended = heard.model_copy(update={"report": record})
    assert words(show.so_far(ended) or "", width) == text


@WIDTHS
def test_a_run_of_the_pipeline_shows_what_was_brought_and_why_it_stopped(width: int) -> None:
    known = {"watermark": 50, "epoch": "till-0", "batches": 1, "loaded": 47, "set_aside": 3}
    counts = known | {"reasons": {"day is no day": 1, "amount is no number": 2}}
    record = PipelineResult(case="sales", outcome=PipelineOutcome.STOPPED, why="no more", **counts)
    text = words(show.result(record), width)
    for word in (
        "sales: stopped",
        "why no more",
        "batches 1",
        "loaded 47 rows",
        "2 x amount is no number, 1 x day is no day",
        "watermark 50 of till-0",
    ):
        assert word in text
    so_far = show.so_far(PipelineState.model_validate(counts))
    assert "so far: up to 50" in words(so_far or "", width)


# ---- decisions from words ------------------------------------------------------------------


def test_decision_is_built_from_the_words_of_the_command_line() -> None:
    made = cases.decision("approve", "bo", ["LIMIT=10000", "NOTE=a=b"], "fine", "review", None)
    assert made.verdict is Verdict.APPROVE
    assert [(c.code, c.value) for c in made.conditions] == [("LIMIT", "10000"), ("NOTE", "a=b")]
    assert (made.by, made.comment, made.gate) == ("bo", "fine", "review")


def test_a_value_and_a_seat_are_part_of_a_decision() -> None:
    made = cases.decision(
        *("supply", "dora", [], "", "credit", None), value={"usd": 7}, stands_for="bo"
    )
    assert (made.verdict, made.value, made.stands_for) == (Verdict.SUPPLY, {"usd": 7}, "bo")
    with pytest.raises(BadInput, match="stands_for: "):
        cases.decision("retry", "dora", [], "", "credit", None, stands_for="Mr Bo")


@pytest.mark.parametrize(
    ("verdict", "by", "condition", "match"),
    [
        ("Approve", "bo", "LIMIT=1", "no decision; say approve, decline, refer, more"),
        ("approve", "", "LIMIT=1", "by: "),
        ("approve", "bo", "LIMIT", "write CODE=VALUE"),
        ("approve", "bo", "LIMIT=", "LIMIT=10000|at least 1 character"),
        ("approve", "bo", "LIMIT=-5", "LIMIT=10000"),
        ("approve", "bo", "LIMIT=1e9", "LIMIT=10000"),
        ("approve", "bo", "limit=5", "code: "),
    ],
)
def test_words_that_are_no_decision_are_refused(
    verdict: str, by: str, condition: str, match: str
) -> None:
    with pytest.raises(BadInput, match=match) as caught:
        cases.decision(verdict, by, [condition], "", "review", None)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("outcome", CaseOutcome)
def test_every_proposal_can_be_followed(outcome: CaseOutcome) -> None:
    limit = said("bo", LIMIT="25000").conditions
    gate = gate_view(proposal=outcome.value, conditions=limit)
    made = cases.as_proposed(gate, "bo", "as proposed")
    conditional = outcome is CaseOutcome.APPROVE_WITH_CONDITIONS
    assert made.verdict.value == ("approve" if conditional else outcome.value)
    assert made.conditions == (limit if conditional else ())


def test_conditions_nobody_named_are_not_made_up() -> None:
    gate = gate_view(proposal=str(CaseOutcome.APPROVE_WITH_CONDITIONS))
    with pytest.raises(Trouble, match="--condition"):
        cases.as_proposed(gate, "bo", "")


def test_a_proposal_about_a_step_is_followed_unless_it_takes_a_person() -> None:
    task = gate_view(proposal="retry", verdicts=("retry", "skip", "supply"))
    assert cases.as_proposed(task, "bo", "").verdict is Verdict.RETRY
    for proposal in ("supply", "approve", "an order of pallets"):
        with pytest.raises(Trouble, match="that is for a person to say"):
            cases.as_proposed(task.model_copy(update={"proposal": proposal}), "bo", "")


def test_standing_is_plain_json() -> None:
    standing = Standing(
        status=StatusView(
            process="p", case="c", phase="review", started=datetime(2026, 1, 1, tzinfo=UTC)
        ),
        branches=[BranchView(name="identity", state=BranchState.RUNNING)],
        open_gates=[gate_view()],
        cost=CostView(usd=Decimal("0.5")),
        refusals=[],
        result_so_far=CaseSoFar(decision=record()),
    )
    back = json.loads(json.dumps(standing.plain()))
    assert back["cost"]["usd"] == "0.5"
    assert back["open_gates"][0]["deadline"] == "2026-11-23T09:30:00Z"
    assert back["result_so_far"]["decision"]["outcome"] == "decline"
