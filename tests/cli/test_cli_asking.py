"""One question at the command line: reply, cost, every retry and every fallback; the models."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cli.asking import list_models, put, question
from cli.errors import BadInput, Trouble
from cli.session import Session
from runtime.settings import ROOT, Settings
from simulator.config import Fault, FaultKind
from tests.support.world import World, world

CATALOGUE = Settings().models
VENDORS = ("openai", "anthropic", "gemini")


def asked(role: str = "analyst", text: str = "What is a bank?", **given: Any) -> Any:
    more = {"file": None, "system": "", "model": "", **given}
    return question(CATALOGUE, role, text, **more)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"role": "poet"}, r"no role 'poet'; use one of triage, analyst"),
        ({"text": " "}, "is empty; write what to ask"),
        ({"model": "gpt-1"}, r"no model 'gpt-1'; use one of claude-"),
        ({"model": "openrouter/auto"}, r"no worker serves llm-openrouter: add .* to a role"),
        ({"file": Path("none.txt")}, r"none\.txt: cannot be read \(No such file"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_starts(
    given: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        asked(**given)


def test_a_file_must_be_text_of_a_size_that_travels(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("é\n", encoding="utf-8")
    assert asked(file=file).context == "é\n"
    file.write_bytes(b"\xff")
    with pytest.raises(BadInput, match="not text in UTF-8"):
        asked(file=file)
    file.write_bytes(b"a" * 1_000_001)
    with pytest.raises(BadInput, match="1000001 bytes, at most 1000000"):
        asked(file=file)


def test_the_models_are_listed_with_price_date_and_roles(
    capsys: pytest.CaptureFixture[str],
) -> None:
    list_models(Settings(live=True, keys={"openai": "k"}), as_json=True)
    listed = {line["model"]: line for line in json.loads(capsys.readouterr().out)}
    assert list(listed) == list(CATALOGUE.models)
    terra = listed["gpt-6.1-terra"]
    assert (terra["live"], terra["roles"]) == (True, ["triage", "analyst", "reviewer"])
    assert (terra["price"]["input"], terra["price"]["since"]) == ("1.00", "2026-10-26")
    assert listed["openrouter/auto"]["price"] is None
    assert listed["ollama/gpt-oss-20b"]["live"], "a server that asks for no key"
    assert not listed["claude-opus-5-5"]["live"]
    list_models(Settings(), as_json=False)
    shown = capsys.readouterr().out
    assert "claude-haiku-5-5" in shown
    assert "analyst   gpt-6.1-terra, claude-sonnet-5-5, gemini-3.8-flash" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "(live)" not in shown


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    """Give the JSON that was printed, after what this world's worker logs."""
    text = capsys.readouterr().out
    return json.loads(text[text.index("{\n") :])


async def put_here(here: World, given: Any, *, as_json: bool = True) -> None:
    """Ask as the command does, on this world's queue."""
    session = Session(here.client, here.settings, None, None)
    await put(session, given, as_json=as_json, queue=here.queue)


@pytest.mark.server
async def test_a_retry_is_shown_with_its_reason(
    here: World, capsys: pytest.CaptureFixture[str]
) -> None:
    limited = Fault(service="openai", kind=FaultKind.RATE_LIMITED, times=1, retry_after=0)
    await here.faults(limited)
    await put_here(here, asked(system="Answer in one sentence."))
    told = printed(capsys)
    answer = told["answer"]
    assert answer["target"] == {"vendor": "openai", "model": "gpt-6.1-terra"}
    assert (answer["simulated"], answer["window"]) == (True, 1_050_000)
    assert answer["text"]
    assert told["tried"] == []
    (call,) = told["calls"]
    assert (call["model"], call["attempts"], call["state"]) == ("gpt-6.1-terra", 2, "completed")
    assert "429" in call["retried_for"]
    assert [send["state"] for send in told["sends"]] == ["refused", "settled"]
    assert told["sends"][0]["reason"]


@pytest.mark.server
async def test_a_fallback_is_shown_with_its_reason(
    here: World,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    await here.faults(Fault(service="openai", kind=FaultKind.QUOTA))
    file = tmp_path / "about"
    file.write_text("A text.", encoding="utf-8")
    await put_here(here, asked(file=file), as_json=False)
    shown = " ".join(capsys.readouterr().out.split())
    assert "model Claude Sonnet 5.5 (simulated)" in shown
    assert "US$, of simulated money" in shown
    assert "of 1,000,000 tokens (0.0%)" in shown
    assert "gpt-6.1-terra 1" in shown
    assert "given up for ModelQuotaSpent: openai answered 429" in shown
    assert "refused: " in shown


@pytest.mark.server
async def test_without_any_answer_all_that_was_tried_is_shown(
    here: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await here.faults(*(Fault(service=v, kind=FaultKind.REFUSAL) for v in VENDORS))
    with pytest.raises(Trouble, match="no usable answer"):
        await put_here(here, asked())
    told = printed(capsys)
    assert told["answer"] is None
    assert "no usable answer" in told["why"]
    assert [call["model"] for call in told["calls"]] == list(CATALOGUE.roles["analyst"])
    assert {call["state"] for call in told["calls"]} == {"failed"}
    assert {call["error"].split(":")[0] for call in told["calls"]} == {
        "ModelRefused",
        "ModelBlocked",
    }
    assert {send["state"] for send in told["sends"]} == {"settled"}
    assert all(Decimal(send["usd"]) > 0 for send in told["sends"]), "refusals are billed"


@pytest.mark.server
@pytest.mark.parametrize("vendor", ["groq", "deepseek", "ollama"])
async def test_any_vendor_a_role_names_is_served_and_asked(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], vendor: str
) -> None:
    """A vendor of the OpenAI dialect: its queue, its address, its own name of the model."""
    model = next(name for name, entry in CATALOGUE.models.items() if entry.vendor == vendor)
    text = (ROOT / "llm.toml").read_text(encoding="utf-8")
    mine = tmp_path / "mine.toml"
    mine.write_text(f"{text}extra = ['{model}']\n", encoding="utf-8")
    async with world(address, tmp_path, catalogue=mine) as here:
        await put_here(here, question(here.settings.models, "extra", "Why?", None, "", ""))
        book = await here.book()
    told = printed(capsys)
    assert told["answer"]["target"] == {"vendor": vendor, "model": model}
    assert told["answer"]["text"]
    assert book["billed"] == {vendor: 1}


@pytest.mark.server
async def test_one_model_is_asked_instead_of_the_role(
    here: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await put_here(here, asked(model="claude-haiku-5-5"))
    told = printed(capsys)
    assert told["answer"]["target"] == {"vendor": "anthropic", "model": "claude-haiku-5-5"}
    assert [send["model"] for send in told["sends"]] == ["claude-haiku-5-5"]
