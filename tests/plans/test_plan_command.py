"""`starter.py plan` as people meet it: no server, no network."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.errors import BadInput
from insight.learned.attempts import Attempt, Ending, StepKey
from insight.learned.learning import learn
from runtime.settings import ROOT, Settings
from starter import app
from store.database import Store
from store.estimates import EstimateRow, Estimates, Snapshot
from workflows.rules.blueprints.doors import EFFECTS

EMAIL = """\
name: email
input: {mail: text}
steps:
  tone: {ask: analyst, prompt: "Tone of {{ input.mail }}", takes: 8s}
  draft: {ask: drafter, prompt: "Answer {{ input.mail }}", takes: 10s}
  check: {ask: reviewer, prompt: "Check {{ steps.draft.text }}", takes: 6s}
result: {check: "{{ steps.check.text }}", tone: "{{ steps.tone.text }}"}
"""
CHAIN = """\
name: chain
input: {text: text}
steps:
  read: {ask: analyst, prompt: "Read {{ input.text }}", takes: 5s}
  pay: {gate: {question: "Pay {{ steps.read.text }}?", people: [ana]}, takes: 4h}
  say: {ask: drafter, prompt: "{{ steps.pay.verdict }}", takes: 5s}
result: {said: "{{ steps.say.text }}"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("email", EMAIL), ("chain", CHAIN)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def said(*words: object, width: int = 80) -> str:
    found = CliRunner(env={"COLUMNS": str(width)}).invoke(
        app, ["plan", *map(str, words)], catch_exceptions=False, standalone_mode=False
    )
    if isinstance(found.exception, Exception):
        raise found.exception
    return found.output


def test_the_bound_is_16_seconds_in_text_and_json(folder: Path) -> None:
    for width in (80, 120):
        text = said(folder / "email.yaml", "--volume", "500/day", "--hourly", "50", width=width)
        assert max(map(len, text.splitlines())) <= width
        assert "16 s along draft -> check" in text
        assert "10 s along" not in text
    found = json.loads(said(folder / "email.yaml", "--json"))
    assert (found["bound"], found["critical"]["path"]) == (16, ["draft", "check"])
    assert found["critical"]["in_order"] == 24
    many = found["simulated"]
    assert 16 <= many["p50"]["value"] < many["p95"]["value"] < many["p99"]["value"]
    assert [question["well"] for question in found["readiness"]] == [None, True, None]


def test_a_sequence_gains_nothing_and_people_are_told_apart(folder: Path) -> None:
    text = said(folder / "chain.yaml")
    assert "parallel gains nothing" in text
    assert "4 h of it waiting for people or events" in text
    assert "10 s at least, 10 s in order" in text


def test_the_critical_path_of_content_production_is_the_one_computed_by_hand() -> None:
    found = json.loads(said(ROOT / "blueprints" / "content_production.yaml", "--json"))
    took = {  # notes before facts, facts before the draft; the outline is done 2 s earlier
        "content_brief": 4,
        "research_notes": 10,
        "fact_sheet": 8,
        "content_draft": 15,
        "figure_plan_2": 8,
        "content_layout": 5,
        "piece_check": 7,
        "handing_over": 1,
    }
    assert found["critical"]["path"] == [*took]
    assert found["bound"] == sum(took.values()) == 58
    slack = {place["step"]: place["slack"] for place in found["critical"]["places"]}
    # The first figures wait for the brief, which is there at 4 s.
    assert (slack["content_outline"], slack["figure_plan_1"]) == (2, 26)


@pytest.mark.parametrize("name", ["quiz", "invoice"])
def test_sequential_references_gain_nothing(name: str) -> None:
    text = said(ROOT / "blueprints" / f"{name}.yaml", "--volume", "500/day")
    assert "in order: each step needs the one before, so parallel gains nothing" in text
    assert "less 0 s of coordination    0.0" in text


async def kept(folder: Path) -> None:
    """Keep a snapshot in which the model of `analyst` takes 20 s, and mail 3 s."""
    models = Settings().models
    ref = models.ref(models.roles["analyst"][0])
    keys = (
        (StepKey(vendor=ref.vendor, model=ref.model), 20.0),
        (StepKey(process="x", step=EFFECTS["mail"].name), 3.0),
    )
    day = datetime(2026, 11, 21, tzinfo=UTC)
    calls = [
        Attempt(key=key, at=day, ending=Ending.DONE, seconds=seconds)
        for key, seconds in keys
        for _ in range(200)
    ]
    rows = [
        EstimateRow(**one.key.model_dump(), n=1, p95=1, body=one.model_dump_json())
        for one in learn([], calls)
    ]
    (folder / "data").mkdir()
    settings = Settings(data=folder / "data")
    async with Store.opened(settings.database) as store:
        await Estimates(store).keep(Snapshot(1, day, 1, 400), rows, [])


def test_learned_durations_are_of_the_model_and_of_what_is_called(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(kept(folder))
    monkeypatch.setenv("BRAID_DATA", str(folder / "data"))
    mail = folder / "email.yaml"
    order = "{to: a@b.example, subject: x, text: '{{ steps.check.text }}'}"
    sent = f"  sent: {{effect: mail, with: {order}, undo: {{effect: mail}}}}\nresult: "
    mail.write_text(EMAIL.replace("result: ", sent), encoding="utf-8")
    found = json.loads(said(mail, "--durations", "learned", "--json"))
    assert (found["snapshot"], found["learned"]) == (1, ["sent", "tone"])
    took = {place["step"]: place["seconds"] for place in found["critical"]["places"]}
    assert took["tone"] == pytest.approx(20, rel=0.05)
    assert took["sent"] == pytest.approx(3, rel=0.05)
    assert (took["draft"], took["check"]) == (10, 6)


def test_a_folder_is_ranked_by_what_would_be_saved(folder: Path) -> None:
    volumes = folder / "volumes.yaml"
    volumes.write_text("email: 500/day\nchain: 40/week\n", encoding="utf-8")
    found = json.loads(said(folder, "--volumes", volumes, "--hourly", "50", "--json"))["processes"]
    assert [one["name"] for one in found] == ["email", "chain"]
    first, second = found
    assert (first["model_calls"], first["free"], first["a_day"]) == (3, 3, 500)
    assert (second["savings"]["hours"], second["a_day"]) == (0, 8)
    assert any("tokens" in line for line in first["assumed"])
    assert "taken for granted" in said(folder, "--volumes", volumes)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["email.yaml", "--volume", "many"], "write how many cases, as 500/day"),
        (["email.yaml", "--durations", "felt"], "say given or learned"),
        (["email.yaml", "--volumes", "email.yaml"], "--volume 500/day"),
        ([".", "--volume", "5/day"], "--volumes FILE"),
        (["gone.yaml"], "gone.yaml"),
        (["run.json"], "--as-blueprint"),
    ],
)
def test_what_is_asked_wrongly_is_answered_with_the_mend(
    folder: Path, words: list[str], told: str
) -> None:
    target, *rest = (
        folder / word if word.endswith((".yaml", ".json", ".")) else word for word in words
    )
    with pytest.raises(BadInput, match=told):
        said(target, *rest)


def test_what_the_audit_refuses_is_not_planned(folder: Path) -> None:
    broken = folder / "broken.yaml"
    broken.write_text(EMAIL.replace("steps.draft.text", "steps.drat.text"), encoding="utf-8")
    with pytest.raises(BadInput, match=r"broken.yaml:6:.*unknown-step"):
        said(broken)


def test_nothing_learned_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAID_DATA", str(folder / "data"))
    with pytest.raises(BadInput, match="nothing was learned yet"):
        said(folder / "email.yaml", "--durations", "learned")
