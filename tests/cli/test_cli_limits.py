"""`limits` as people meet it: what stands there, what they set, pause and clear."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli import limits
from cli.errors import BadInput
from runtime.settings import Settings
from store.breakers import Breakers
from store.database import Store

CATALOGUE = """
[defaults]
limits = { concurrency = 8 }
[vendors.openai]
dialect = "openai-responses"
base_url = "https://api.example.com/v1"
limits = { requests = 600, tokens = 60000, per = 60 }
[models.big]
vendor = "openai"
name = "Big"
[roles]
analyst = ["big"]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    catalogue = tmp_path / "llm.toml"
    catalogue.write_text(CATALOGUE, encoding="utf-8")
    return Settings(data=tmp_path, catalogue=catalogue)


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


async def test_the_catalogues_limits_are_shown(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await limits.show(settings, as_json=True)
    (one,) = said(capsys)
    assert (one["service"], one["model"], one["set"]) == ("openai", "", False)
    assert one["limits"]["requests"] == 600
    await limits.show(settings, as_json=False)
    shown = " ".join(capsys.readouterr().out.split())
    assert "openai all 0 of 600 0 of 60,000 60 s 0" in shown


async def test_what_is_set_holds_and_the_rest_keeps_its_pace(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await limits.change(settings, "openai", "", {"requests": 5, "per": 1.0}, as_json=True)
    (one,) = said(capsys)
    assert one["set"]
    assert one["limits"] == {"requests": 5, "tokens": 1000, "concurrency": None, "per": 1.0}
    await limits.pause(settings, "openai", "", on=True, as_json=True)
    (one,) = said(capsys)
    assert one["paused"]
    assert one["limits"]["requests"] == 5
    await limits.pause(settings, "openai", "", on=False, as_json=True)
    (one,) = said(capsys)
    assert (one["paused"], one["limits"]["requests"]) == (False, 5)
    await limits.clear(settings, "openai", "", as_json=True)
    (one,) = said(capsys)
    assert (one["set"], one["limits"]["requests"]) == (False, 600)


async def test_a_model_has_limits_of_its_own(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await limits.change(settings, "openai", "big", {"concurrency": 2}, as_json=True)
    (one,) = said(capsys)
    assert (one["model"], one["limits"]["concurrency"]) == ("big", 2)
    await limits.weight(settings, "acme", 3.0, as_json=False)
    assert "acme has weight 3" in capsys.readouterr().out


async def test_an_open_breaker_is_shown(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    store = await Store.open(settings.database)
    breakers = Breakers(store)
    async with store.writing() as connection:
        for _ in range(breakers.rule.at_least):
            await breakers.note(connection, "gleif", good=False)
    await store.close()
    await limits.show(settings, as_json=True)
    one = said(capsys)[0]
    assert (one["service"], one["breaker"]["state"]) == ("gleif", "open")
    await limits.show(settings, as_json=False)
    assert "breaker open" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("service", "model", "given", "words"),
    [
        ("nobody", "", {"requests": 1}, "no service 'nobody'; say one of .*openai"),
        ("openai", "small", {"requests": 1}, "no model 'small' in the catalogue; it has big"),
        ("openai", "", {}, "say what to set"),
    ],
)
async def test_what_cannot_be_set_is_refused(
    settings: Settings, service: str, model: str, given: dict[str, float], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        await limits.change(settings, service, model, given, as_json=False)
