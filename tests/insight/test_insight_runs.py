"""What is kept of a run: read from real histories of ours, and chains made into cases."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from insight.history.facts import Drafts, Facts, drafts, facts
from insight.history.reader import read_history
from insight.history.spans import Span, SpanKind, Status
from insight.report import report
from insight.statistics.runs import RunSummary, cases, summary
from insight.statistics.sections import (
    MOST,
    OTHERS,
    Section,
    iterations,
    section,
    sections,
    step_name,
)
from runtime.settings import ROOT
from tests.insight.builder import START, at
from tests.insight.many_runs import DAY, summed

KEPT = ROOT / "tests" / "replay"


def kept(name: str) -> RunSummary:
    events = read_history((KEPT / f"{name}.json").read_bytes())
    return summary(report(events), facts(events))


def test_a_case_of_ours_tells_path_outcome_version_and_what_people_made_of_it() -> None:
    case = kept("due_diligence_unilever")
    told = case.facts
    assert (told.path, told.outcome) == ("quick_approval", "approve")
    assert 0.9 <= (told.confidence or 0) <= 1
    assert told.marks == ("dd-2026-11",)
    assert len(told.version) == 32
    assert told.drafts == Drafts(unchanged=1)
    assert told.simulated
    assert told.first == told.run != ""
    assert Decimal(0) < case.usd < Decimal("0.1")
    assert RunSummary.model_validate_json(case.model_dump_json()) == case


def test_rounds_failures_and_retries_are_counted_by_section() -> None:
    case = kept("due_diligence_more")
    thrice = {name for name, rounds in case.iterations.items() if rounds == 3}
    assert {"existence", "credit", "synthesis"} <= thrice
    existence = case.sections["existence"]
    assert (existence.calls, existence.failed) == (12, 2)
    assert existence.retries >= 8, "four more of each call to the register"
    assert case.facts.drafts == Drafts(unchanged=1, withheld=1), "`more`, then approved"


@pytest.mark.parametrize(
    ("name", "items"),
    [("service_spread", 3), ("service_spread_chunk", 2), ("document_analysis_bulk", 6)],
)
def test_items_of_spreads_are_counted(name: str, items: int) -> None:
    assert kept(name).facts.items == items


def test_decisions_of_a_cancelled_case_are_read_as_they_were_sent() -> None:
    case = kept("due_diligence_cancel")
    assert (case.status, case.facts.outcome) == (Status.CANCELLED, "")
    assert case.facts.drafts == Drafts(unchanged=1)


def test_foreign_histories_are_summed_up_too(shared_data: Path) -> None:
    found = sorted((shared_data / "histories" / "sdk-go").glob("*.json"))
    assert found
    for file in found:
        events = read_history(file.read_bytes())
        assert summary(report(events), facts(events)).process, file
    patched = facts(read_history((found[0].parent / "version-loop-workflow-10.json").read_bytes()))
    assert len(patched.marks) == 10
    assert all("=" in mark for mark in patched.marks)


def said(verdict: str, **more: object) -> dict[str, object]:
    return {"verdict": verdict, "by": "ana", "gate": "review", **more}


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ([said("approve"), said("approve")], Drafts(unchanged=1)),
        ([said("approve"), said("approve", conditions=[{"code": "LIMIT"}])], Drafts(changed=1)),
        ([said("approve"), said("decline")], Drafts(withheld=1)),
        ([said("more"), said("approve")], Drafts(withheld=1, unchanged=1)),
        ([said("supply", value={"text": "mine"})], Drafts(changed=1)),
        ([said("retry", gate="step"), said("skip")], Drafts()),
        ([said("approve"), said("approve", gate="mail")], Drafts(unchanged=2)),
        ([{}, {"verdict": 3}], Drafts()),
    ],
)
def test_a_draft_is_unchanged_only_if_all_approved_without_condition(
    decisions: list[dict[str, object]], expected: Drafts
) -> None:
    assert drafts(decisions) == expected


def test_branches_belong_to_a_section_whatever_their_round() -> None:
    assert section("credit-round-2/filings") == "credit"
    assert section("draft 3/openai") == "draft"
    assert section("references/trade-1") == "references"
    assert section("trade-1") == "trade-1"
    timer = Span(kind=SpanKind.TIMER, name="7", branch="review", scheduled=START, id=5)
    assert step_name(timer) == "review: timer"


def spent(branch: str, begin: int, end: int) -> Span:
    call = {"kind": SpanKind.ACTIVITY, "name": "ask_model", "id": 5}
    return Span.model_validate(
        {**call, "branch": branch, "scheduled": at(begin), "ended": at(end), "attempt": 1}
    )


def test_rounds_follow_one_another_and_numbered_branches_side_by_side_are_none() -> None:
    loop = [spent("x/draft 1/a", 0, 5), spent("x/draft 1/b", 0, 9), spent("x/draft 2/a", 6, 12)]
    assert iterations(loop) == {"draft": 2}
    assert iterations([spent("item 1", 0, 9), spent("item 2", 5, 12)]) == {}
    assert iterations([spent("item 7", 0, 9)]) == {}
    assert iterations([spent("credit-round-1/x", 0, 9)]) == {"credit": 2}


def test_only_so_many_sections_are_told_apart() -> None:
    many = [spent(f"item-{n}", n, n + 1) for n in range(MOST + 5)]
    found = sections([*many, spent("item-3", 0, 1)])
    assert len(found) == MOST + 1
    assert (found["item-3"].calls, found[OTHERS].calls) == (2, 5)


def chain(*names: str, status: Status = Status.COMPLETED) -> list[RunSummary]:
    """Make a chain of runs of one case, an hour apart; the last one ends with `status`."""
    made = []
    for number, name in enumerate(names):
        told = Facts(
            workflow="case", run=name, first=names[0], previous=names[number - 1] if number else ""
        )
        last = number == len(names) - 1
        run = summed(number, status=status if last else Status.CONTINUED)
        made.append(run.model_copy(update={"facts": told}))
    return made


def test_a_chain_of_runs_is_one_case() -> None:
    (case,) = cases(reversed(chain("a", "b", "c")))
    assert (case.started, case.length) == (DAY, timedelta(hours=2, seconds=10))
    assert case.machine + case.waiting == case.length
    assert (case.usd, case.tokens) == (Decimal("1.50"), 300)
    assert case.sections == {"credit": Section(calls=6)}
    assert case.critical["(person)"] == timedelta(seconds=15)


def test_a_chain_that_goes_on_is_no_closed_case() -> None:
    assert cases(chain("a", "b")[:1]) == []
    assert cases(chain("a", "b", status=Status.RUNNING)) == []


def test_a_run_given_up_for_a_reset_is_not_counted() -> None:
    """`reset` shares its first run with `old`, which was terminated when it was made."""
    (old,) = chain("old", status=Status.TERMINATED)
    again = summed(3).model_copy(update={"facts": old.facts.model_copy(update={"run": "reset"})})
    (case,) = cases([again, old])
    assert (case.facts.run, case.length) == ("reset", timedelta(seconds=10))
    read = again.model_copy(update={"facts": old.facts})
    assert cases([read, old]) == cases([old, read]) == [read], "as files tell it: under one id"
