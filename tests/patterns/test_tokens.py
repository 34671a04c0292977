"""Tokens counted before sending: never fewer than the vendors recorded."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workflows.data.llm import Prompt
from workflows.data.tokens import prompt_tokens, tokens

TEXTS = ("system", "systemInstruction", "instructions", "messages", "input", "contents")
SCHEMAS = ("response_format", "text", "output_config", "output_format")
HIDDEN = "openrouter_with_native_options"
"""A recording in which the gateway put a long prompt of its own before the question."""


def texts(value: Any) -> Iterator[str]:
    """All texts inside some JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def counted(body: str) -> int:
    """The input tokens a recorded reply reports, with those of the vendor's cache."""
    named = r'"(?:prompt_tokens|input_tokens|promptTokenCount|prompt_eval_count)": ?(\d+)'
    cache = r'"cache_(?:read|creation)_input_tokens": ?(\d+)'
    plain = max((int(found) for found in re.findall(named, body)), default=0)
    return plain + max((int(found) for found in re.findall(cache, body)), default=0)


def recorded(folder: Path) -> Iterator[tuple[str, Prompt, str, int]]:
    """Recorded questions without tools or pictures: name, prompt, schema, tokens reported."""
    for path in sorted((folder / "model_http" / "exchanges").rglob("*.json")):
        exchange = json.loads(path.read_text())
        asked, answered = exchange["request"]["json"], exchange["response"]
        if not asked or answered["status"] != 200 or HIDDEN in path.name:
            continue
        said = json.dumps(asked)
        if "tools" in asked or "cachedContent" in asked or "image_url" in said:
            continue
        schema = "".join(json.dumps(asked[name]) for name in SCHEMAS if name in asked)
        user = "\n".join(t for name in TEXTS if name in asked for t in texts(asked[name]))
        if reported := counted(answered["body"]):
            prompt = Prompt(name="x", version=1, system="", user=user, answer="")
            yield path.name, prompt, schema, reported


def test_no_recorded_question_was_estimated_too_low(shared_data: Path) -> None:
    low, seen = {}, 0
    for name, prompt, schema, reported in recorded(shared_data):
        seen += 1
        estimate = prompt_tokens(prompt, schema)
        if estimate < reported:
            low[name] = (estimate, reported)
    assert seen >= 30
    assert low == {}


def test_estimates_are_near_enough_to_plan_with() -> None:
    prose = "The company was dissolved after its accounts had been overdue for two years. " * 40
    assert 520 <= tokens(prose) <= 520 * 1.7  # 13 words and a full stop, 40 times
    assert tokens("") == 0
    assert tokens("会社は解散した") >= 7
    assert tokens("Компания ликвидирована") >= 6
    assert tokens("0123456789") == 10


@given(st.text(max_size=200), st.text(max_size=200))
def test_every_character_counts_and_parts_count_no_less_than_the_whole(a: str, b: str) -> None:
    whole = tokens(a + b)
    # At a border a space may meet a digit, and nothing else is worth more together.
    assert whole <= tokens(a) + tokens(b) + 1
    assert whole + 2 >= max(tokens(a), tokens(b))
    assert whole or not (a + b).strip()
