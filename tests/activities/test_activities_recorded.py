"""Recorded exchanges of real vendors, read as `bench/exchanges.py` does."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from activities.llm.providers.common import ReplyOutcome
from bench.exchanges import lines
from bench.exchanges import read as bench_read
from workflows.data.llm import Usage

HONEST = {
    "gemini/google_streaming_tool_call_thought_signature__1.json": "ok",
    # Listed as structured for the schema of a tool it offers; the answer is a plain sentence.
}
BLOCKED = {"gemini", "vertex", "azure"}
"""Who filters by rule; where the model itself declines, it is a refusal."""

# file: start of the sha256 of the visible text, tokens (input, output, cached, reasoning)
FACTS = {
    "anthropic/anthropic_fallback.json": ("2a5065da5c", (412, 264, 0, 0)),
    "anthropic/spliced_message_start_chunks.json": ("e3b0c44298", (17, 65, 0, 0)),
    "anthropic/anthropic_message_delta_input_tokens_chunks.json": ("9795c5ff89", (61, 2, 0, 0)),
    "anthropic/anthropic_refusal_chunks.json": ("e3b0c44298", (18, 5, 0, 0)),
    "azure/azure_model_router_1_chunks.json": ("53f836c9fb", (15, 78, 0, 64)),
    "gemini/basic_chunks.json": ("da3c2ad0b5", (7, 141, 0, 115)),
    "gemini/compatible_api_with_tool_calls_without_id__1.json": ("21d9179627", (66, 34, 0, 28)),
    "gemini/google_model_stream.json": ("c9ba5557ea", (13, 8, 0, 0)),
    "vertex/google_vertex_service_tier_flex_stream.json": ("565339bc4d", (5, 101, 0, 100)),
    "groq/chat_streaming_legacy.json": ("6053e4fea5", (18, 73, 0, 0)),
    "ollama/ollama_streaming_metrics.json": ("c9b81986e2", (16, 51, 0, 0)),
    "mistral/mistral_reasoning_chunks.json": ("e93dff0d10", (10, 46, 0, 0)),
    "openai/background_mode_streaming_vcr.json": ("088c1ac1ae", (15, 9, 0, 0)),
    "openai/openai_chat_prompt_cache_e2e__1.json": ("565339bc4d", (4020, 4, 4012, 0)),
    "openai/openai_phase_1_chunks.json": ("421a072806", (7112, 463, 3072, 64)),
    "deepseek/deepseek_tool_call_chunks.json": ("e3b0c44298", (339, 83, 320, 39)),
}
POSTURES = {"openai/openai_error_1.json": "never", "openai/openai_error_1_chunks.json": "never"}


def expected(row: dict[str, str]) -> str:
    """Say what the index's own words for an exchange come to as an outcome."""
    kinds, tags = row["kind"].split("|"), row["tags"].split("|")
    if "truncated" in tags:
        return "truncated"
    if "refusal" in kinds:
        return "blocked" if row["provider"] in BLOCKED else "refusal"
    if "tool" in kinds:
        return "tool"
    return "error" if kinds[0].startswith("error") else kinds[0]


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> dict[str, dict[str, str]]:
    """The index, by file."""
    with (shared_data / "model_http" / "index.csv").open(newline="", encoding="utf-8") as found:
        return {short(row["file"]): row for row in csv.DictReader(found)}


@pytest.fixture(scope="module")
def read(shared_data: Path) -> dict[str, dict[str, Any]]:
    """What was read, by file."""
    return {short(str(each["file"])): each for each in lines(shared_data / "model_http")}


def short(file: str) -> str:
    return file.removeprefix("exchanges/")


def test_every_recorded_exchange_has_its_outcome(
    rows: dict[str, dict[str, str]], read: dict[str, dict[str, Any]]
) -> None:
    found = {name: each["outcome"] for name, each in read.items()}
    assert found == {name: expected(row) for name, row in rows.items()} | HONEST
    assert len(found) >= 120


def test_every_recorded_exchange_has_its_posture(
    rows: dict[str, dict[str, str]], read: dict[str, dict[str, Any]]
) -> None:
    busy = {name: "retry" for name, row in rows.items() if row["status"] == "429"}
    wrong = {name: "final" for name, row in rows.items() if row["kind"].startswith("error")}
    fine = dict.fromkeys(rows, "none")
    assert {n: each["posture"] for n, each in read.items()} == fine | wrong | busy | POSTURES


def test_tokens_and_texts_are_those_recorded(
    rows: dict[str, dict[str, str]], read: dict[str, dict[str, Any]]
) -> None:
    for name, (text, tokens) in FACTS.items():
        assert tuple(read[name]["usage"].values()) == tokens, name
        assert read[name]["text_sha256"].startswith(text), name
    for name, row in rows.items():
        usage = read[name]["usage"]
        assert usage["cached"] <= usage["input"], name
        assert usage["reasoning"] <= usage["output"], name
        assert ("cached" in row["tags"].split("|")) is (usage["cached"] > 0), name


def exchange(body: object, status: object = 200, url: str = "https://v/x", **more: object) -> str:
    request = {"url": url, "json": None} | more
    return json.dumps({"request": request, "response": {"status": status, "body": body}})


def test_an_answer_of_no_model_says_what_it_used() -> None:
    used = {"input_tokens": 154, "output_tokens": 163}
    compacted = {"object": "response.compaction", "output": [], "usage": used}
    parsed = bench_read(
        json.loads(exchange(compacted, url="https://v/v1/responses/compact"))
    ).parsed
    assert (parsed.outcome, parsed.text) == (ReplyOutcome.OK, "")
    assert parsed.usage == Usage(input_tokens=154, output_tokens=163)


ODD = {
    "exchanges/none.json": (None, "malformed", "retry"),
    "exchanges/list.json": ("[]", "malformed", "retry"),
    "exchanges/status.json": (exchange("{}", "soon"), "malformed", "retry"),
    "exchanges/text.json": (exchange("echo"), "malformed", "retry"),
    "exchanges/deleted.json": (exchange("{}"), "ok", "none"),
    "exchanges/empty.json": (exchange("{}", url="https://v/v1/messages"), "malformed", "retry"),
    "exchanges/parsed.json": (exchange({"error": {"code": "x"}}, 529), "error", "retry"),
    "exchanges/list_error.json": (exchange('[{"error": {"code": 400}}]', 400), "error", "final"),
}


def test_an_odd_file_is_malformed_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "exchanges").mkdir()
    (tmp_path / "index.csv").write_text("file\n" + "\n".join(ODD) + "\n", encoding="utf-8")
    for name, (text, _, _) in ODD.items():
        if text is not None:
            (tmp_path / name).write_text(text, encoding="utf-8")
    found = {str(each["file"]): (each["outcome"], each["posture"]) for each in lines(tmp_path)}
    assert found == {name: (outcome, posture) for name, (_, outcome, posture) in ODD.items()}
