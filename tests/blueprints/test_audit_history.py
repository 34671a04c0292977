"""Recorded runs: what ran in turn though no data flowed is found, and nothing else."""

from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from typer.testing import CliRunner

from cli.blueprints.auditing import audited_runs
from insight.plan.audit.history import audit_history
from runtime.settings import ROOT
from starter import app
from tests.insight.builder import Run, payload

ARTICLE = "The harbour closes on Friday because of the storm that is expected from the west."
SUMMARY = "Storm from the west: the harbour will be closed from Friday noon."


def in_turn(*calls: tuple[str, str, object], noted: bool = False) -> Run:
    """Make a run of calls one after another, each a second long: name, question, answer.

    With `noted` the workflow tells after each which path it takes.
    """
    run = Run()
    begun = run.events[0].workflow_execution_started_event_attributes
    begun.input.payloads.append(payload({"article": ARTICLE}))
    run.turn(0)
    for number, (name, asked, answer) in enumerate(calls):
        begin, end = number * 1000, number * 1000 + 1000
        call = run.schedule(name, begin, inputs=[payload({"prompt": asked})])
        run.start(call, begin)
        run.complete(call, end, payload(answer))
        run.turn(end)
        if noted:
            run.add(EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES, end)
    run.finish(len(calls) * 1000)
    return run


def test_a_call_that_used_nothing_of_the_one_it_waited_for() -> None:
    run = in_turn(
        ("summary", f"Sum up: {ARTICLE}", {"text": SUMMARY}),
        ("quiz", f"Quiz on: {SUMMARY}", {"text": "When does it close, and why is that so?"}),
        ("translate", f"In German: {ARTICLE}", {"text": "Der Hafen schliesst am Freitag."}),
    )
    (finding,) = audit_history(tuple(run.events))
    assert finding.steps == ("quiz", "translate")
    assert "known 2.00 s before" in finding.says
    assert "may decide" in finding.mend


def test_what_cannot_be_followed_is_not_judged() -> None:
    verdict = '{"type": "storm", "confidence": 0.92, "because": "it says so"}'
    for answer in (True, "ja", {"text": verdict, "usd": "0.0123", "at": "2026-11-27T11:52:05Z"}):
        run = in_turn(("check", f"Good? {ARTICLE}", answer), ("say", f"German: {ARTICLE}", "ja"))
        assert audit_history(tuple(run.events)) == (), answer


def test_an_order_by_which_a_path_was_noted_is_a_decision() -> None:
    calls = (("check", f"Good? {ARTICLE}", {"text": SUMMARY}), ("say", f"German: {ARTICLE}", "ja"))
    assert len(audit_history(tuple(in_turn(*calls).events))) == 1
    assert audit_history(tuple(in_turn(*calls, noted=True).events)) == ()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("content_production_heat_pumps", []),
        ("order_fulfilment_split", []),
        ("content_generation_cold_store", []),
        (
            "content_generation_in_turn",
            [("post", "caption"), ("caption", "newsletter")],  # the thread only repeats the input
        ),
        ("support_request_printer", []),  # the triage decides which rung answers
        ("blueprint_cancel", []),  # the blueprint asks for the order, to be audited itself
    ],
)
def test_recorded_runs_of_processes(name: str, found: list[tuple[str, ...]]) -> None:
    path: Path = ROOT / "tests" / "replay" / f"{name}.json"
    placed = audited_runs(path)
    assert [p.finding.steps for p in placed] == found
    assert all(p.line().startswith(f"{path}: event ") for p in placed)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        (
            "name: a\nsteps:\n  x: {ask: drafter, prompt: 'On {{ steps.y }}'}\n",
            2,
            "3:21: error unknown-s",
        ),
        ("name: a\nsteps:\n  x: {ask: drafter, prompt: Go}\n", 0, "nothing found"),
        ("name: a\nsteps:\n  x: {ask: drafer, prompt: Go}\n", 2, "3:7: error unknown-name"),
    ],
)
def test_the_command_refuses_errors(tmp_path: Path, text: str, code: int, says: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["flaws", str(path)])
    assert getattr(done.exception, "code", 0) == code
    assert says in done.output + str(done.exception)
