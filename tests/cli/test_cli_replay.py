"""`starter.py replay` as people meet it, without a server."""

import base64
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import starter
from runtime.settings import ROOT

RECORDED = ROOT / "tests/replay"
CLEAN = RECORDED / "service_spread_chunk.json"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BRAID_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def differs(tmp_path: Path) -> Path:
    """A recorded question, whose calls were told something else and had other time-outs."""
    history = json.loads((RECORDED / "service_ask.json").read_text("utf-8"))
    for event in history["events"]:
        asked = event.get("activityTaskScheduledEventAttributes")
        if asked and asked["activityType"]["name"] == "ask_model":
            [payload] = asked["input"]["payloads"]
            told = {**json.loads(base64.b64decode(payload["data"])), "sample": 9}
            payload["data"] = base64.b64encode(json.dumps(told).encode()).decode()
            asked["startToCloseTimeout"] = "7s"
    file = tmp_path / "differs.json"
    file.write_text(json.dumps(history), encoding="utf-8")
    return file


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["starter.py", "replay", *map(str, arguments)])
    return starter.main()


def test_a_history_that_fits_says_so(monkeypatch: Any, capsys: Any) -> None:
    assert run(monkeypatch, CLEAN) == 0
    said = capsys.readouterr()
    events = len(json.loads(CLEAN.read_text("utf-8"))["events"])
    assert f"spread-chunk replays ({events} events, 9 commands)" in said.out
    assert said.err == ""


def test_a_history_that_differs_shows_both_sides_and_the_line(
    monkeypatch: Any, capsys: Any, differs: Path
) -> None:
    assert run(monkeypatch, differs) == 1
    text = capsys.readouterr().out
    assert "does not replay" in text
    for word in ("recorded", "code of today", "ask_model", "/0/sample", "workflows/", "note:"):
        assert word in text, word


def test_json_of_one_and_of_many(
    monkeypatch: Any, capsys: Any, tmp_path: Path, differs: Path
) -> None:
    assert run(monkeypatch, differs, "--json") == 1
    one = json.loads(capsys.readouterr().out)
    first = one["divergences"][0]
    assert (one["replays"], first["recorded"]["name"]) == (False, "ask_model")
    assert first["new"]["stack"][0].startswith("workflows/")

    shutil.copy(CLEAN, tmp_path)
    (tmp_path / "notes.json").write_text("{}", encoding="utf-8")
    foreign = CLEAN.read_text("utf-8").replace('"spread-chunk"', '"Interpreter"')
    (tmp_path / "theirs.json").write_text(foreign, encoding="utf-8")
    assert run(monkeypatch, tmp_path, "--all", "--json") == 1
    said = capsys.readouterr()
    many = json.loads(said.out)
    assert sorted(r["replays"] for r in many["replayed"]) == [False, True]
    assert [Path(name).name for name in many["foreign"]] == ["theirs.json"]
    assert "notes.json" in said.err


def test_step_tells_each_event_the_state_after_it_and_decisions(
    monkeypatch: Any, capsys: Any
) -> None:
    budget = RECORDED / "due_diligence_budget.json"
    assert run(monkeypatch, budget, "--step", "--until", "60") == 0
    text = capsys.readouterr().out
    assert [int(line[:5]) for line in text.splitlines() if line[:5].strip()] == [*range(1, 61)]
    for word in (
        "workflow execution started  due-diligence",
        "told",
        "decides",
        "branch   existence",
    ):
        assert word in text, word

    assert run(monkeypatch, budget, "--step", "--until", "60", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [step["event"] for step in told["steps"]] == [*range(1, 61)]
    tasks = {turn["event"] for turn in told["turns"]}
    known = [step for step in told["steps"] if step["event"] <= max(tasks)]
    assert {step["task"] for step in known} == tasks
    begun, ended = (
        next(s for s in told["steps"] if s["what"] == f"activity_task_{what}")
        for what in ("scheduled", "completed")
    )
    assert (begun["open"], begun["about"]) == (["resolve_roles"], "resolve_roles")
    assert ended["open"] == []
    assert begun["task"] == ended["task"] > ended["event"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"events": [{"eventId', "not JSON"),
        ("{}", "neither"),
        ('{"events": []}', "no events"),
        (CLEAN.read_text("utf-8").replace('"spread-chunk"', '"Interpreter"'), "deployed are "),
    ],
)
def test_what_is_no_history_of_ours_is_one_line(
    monkeypatch: Any, capsys: Any, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "given.json"
    file.write_text(text, encoding="utf-8")
    assert run(monkeypatch, file) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert (told.out, told.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    "arguments", [[], [RECORDED], [CLEAN, "--all", "--step"], ["no.json"], ["no/folder", "--all"]]
)
def test_what_cannot_be_meant_is_refused(
    monkeypatch: Any, capsys: Any, arguments: list[Any]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["reset"], "name a case, or a process with --failed"),
        (["reset", "x", "--failed", "due-diligence"], "name a case, or a process"),
        (["reset", "--failed", "due-diligence", "--at", "5"], "--failed finds each case's own"),
    ],
)
def test_a_reset_of_nothing_or_of_two_things_is_refused(
    monkeypatch: Any, capsys: Any, arguments: list[str], said: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["starter.py", *arguments])
    assert starter.main() == 2
    assert said in capsys.readouterr().err
