"""Providers: requests as the vendors want them, replies as they are known to look."""

import json
from dataclasses import replace
from typing import Any

import pytest

from activities.llm.dialects import PROVIDERS as DIALECTS
from activities.llm.providers.common import ReplyOutcome
from activities.llm.schema import strict_schema
from runtime.settings import Endpoint
from workflows.data.due_diligence import Synthesis
from workflows.data.llm import Dialect, ModelRef, ModelRequest, Prompt, Quirk, Usage, Vendor
from workflows.data.readings import CreditReading, HitReading, IdentityReading, ReferenceReading

RECORDS = (IdentityReading, CreditReading, HitReading, ReferenceReading, Synthesis)
LIVE = Endpoint("https://vendor.example", simulated=False, key="secret")
SIMULATED = Endpoint("http://127.0.0.1:1/openai", simulated=True)

CHAT = DIALECTS[Dialect.OPENAI_CHAT]
PROVIDERS = {
    Vendor.OPENAI: DIALECTS[Dialect.OPENAI_RESPONSES],
    Vendor.ANTHROPIC: DIALECTS[Dialect.ANTHROPIC_MESSAGES],
    Vendor.GEMINI: DIALECTS[Dialect.GEMINI_GENERATE],
}


def question(vendor: str, model: str = "m-1", prefix: str = "") -> ModelRequest:
    prompt = Prompt(
        name="p", version=1, system="Be exact.", user="Wörter", answer="HitReading", prefix=prefix
    )
    return ModelRequest(target=ModelRef(vendor=vendor, model=model), prompt=prompt)


def body(vendor: Vendor, record: type = HitReading, endpoint: Endpoint = LIVE) -> dict[str, Any]:
    built = PROVIDERS[vendor].build(question(vendor), strict_schema(record), endpoint)
    value: dict[str, Any] = json.loads(built.content)
    return value


def test_openai_request() -> None:
    built = PROVIDERS[Vendor.OPENAI].build(question(Vendor.OPENAI), strict_schema(HitReading), LIVE)
    assert (built.method, built.path) == ("POST", "/responses")
    assert built.headers["authorization"] == "Bearer secret"
    sent = body(Vendor.OPENAI)
    schema = sent["text"]["format"].pop("schema")
    assert schema["title"] == "HitReading"
    assert sent == {
        "model": "m-1",
        "instructions": "Be exact.",
        "input": "Wörter",
        "max_output_tokens": 2048,
        "store": False,
        "stream": True,
        "text": {"format": {"type": "json_schema", "name": "HitReading", "strict": True}},
    }


def test_anthropic_request() -> None:
    built = PROVIDERS[Vendor.ANTHROPIC].build(
        question(Vendor.ANTHROPIC), strict_schema(HitReading), LIVE
    )
    assert (built.method, built.path) == ("POST", "/v1/messages")
    assert built.headers["x-api-key"] == "secret"
    assert built.headers["anthropic-version"] == "2023-06-01"
    sent = body(Vendor.ANTHROPIC)
    confidence = sent["output_config"]["format"].pop("schema")["properties"]["confidence"]
    assert confidence["description"] == "minimum 0, maximum 1"
    assert "minimum" not in confidence
    assert sent == {
        "model": "m-1",
        "max_tokens": 2048,
        "system": "Be exact.",
        "messages": [{"role": "user", "content": "Wörter"}],
        "stream": True,
        "output_config": {"format": {"type": "json_schema"}},
    }


def test_gemini_request() -> None:
    built = PROVIDERS[Vendor.GEMINI].build(
        question(Vendor.GEMINI, "models/x"), strict_schema(HitReading), LIVE
    )
    assert built.path == "/v1beta/models/models%2Fx:streamGenerateContent?alt=sse"
    assert built.headers["x-goog-api-key"] == "secret"
    sent = body(Vendor.GEMINI)
    assert sent["generationConfig"].pop("responseJsonSchema")["title"] == "HitReading"
    assert sent == {
        "systemInstruction": {"parts": [{"text": "Be exact."}]},
        "contents": [{"role": "user", "parts": [{"text": "Wörter"}]}],
        "generationConfig": {"maxOutputTokens": 2048, "responseMimeType": "application/json"},
    }


def chat(*quirks: Quirk, free: bool = False) -> dict[str, Any]:
    schema = None if free else strict_schema(HitReading)
    built = CHAT.build(question("groq"), schema, replace(LIVE, quirks=frozenset(quirks)))
    assert (built.method, built.path) == ("POST", "/chat/completions")
    assert built.headers["authorization"] == "Bearer secret"
    value: dict[str, Any] = json.loads(built.content)
    return value


def test_chat_request() -> None:
    sent = chat()
    assert sent["response_format"]["json_schema"].pop("schema")["title"] == "HitReading"
    assert sent == {
        "model": "m-1",
        "messages": [
            {"role": "system", "content": "Be exact."},
            {"role": "user", "content": "Wörter"},
        ],
        "max_completion_tokens": 2048,
        "stream": True,
        "stream_options": {"include_usage": True},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "HitReading", "strict": True},
        },
    }
    assert "response_format" not in chat(free=True)


def test_a_servers_quirks_are_minded() -> None:
    plain, odd = chat(), chat(*Quirk)
    assert odd["response_format"] == {"type": "json_object"}
    assert '"title": "HitReading"' in odd["messages"][0]["content"]
    assert odd["max_tokens"] == plain["max_completion_tokens"]
    assert set(plain) - set(odd) == {"max_completion_tokens", "stream_options"}


def test_a_shared_prefix_comes_first_and_is_marked() -> None:
    def sent(dialect: Dialect, prefix: str) -> dict[str, Any]:
        request = question("v", prefix=prefix)
        value: dict[str, Any] = json.loads(DIALECTS[dialect].build(request, None, LIVE).content)
        return value

    answers, others = (sent(Dialect.OPENAI_RESPONSES, text) for text in ("shared", "other"))
    assert answers["input"] == "shared\n\nWörter"
    assert answers["prompt_cache_key"] != others["prompt_cache_key"]
    assert "prompt_cache_key" not in sent(Dialect.OPENAI_RESPONSES, "")
    said = sent(Dialect.OPENAI_CHAT, "shared")["messages"][1]["content"]
    assert said == "shared\n\nWörter"
    assert sent(Dialect.ANTHROPIC_MESSAGES, "shared")["messages"][0]["content"] == [
        {"type": "text", "text": "shared", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Wörter"},
    ]
    parts = sent(Dialect.GEMINI_GENERATE, "shared")["contents"][0]["parts"]
    assert parts == [{"text": "shared"}, {"text": "Wörter"}]


@pytest.mark.parametrize("dialect", Dialect)
def test_the_endpoint_names_the_header_of_the_key(dialect: Dialect) -> None:
    def headers(auth: str) -> dict[str, str]:
        built = DIALECTS[dialect].build(question("v"), None, replace(LIVE, auth=auth))
        return dict(built.headers)

    assert headers("api-key")["api-key"] == "secret"
    assert headers("Authorization")["authorization"] == "Bearer secret"
    assert sum("secret" in value for value in headers("api-key").values()) == 1


@pytest.mark.parametrize("vendor", Vendor)
def test_no_key_no_header(vendor: Vendor) -> None:
    built = PROVIDERS[vendor].build(question(vendor), strict_schema(HitReading), SIMULATED)
    assert not {"authorization", "x-api-key", "x-goog-api-key"} & set(built.headers)


def objects(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for item in node for found in objects(item)]
    if not isinstance(node, dict):
        return []
    own = [node] if node.get("type") == "object" else []
    return own + [found for item in node.values() for found in objects(item)]


@pytest.mark.parametrize("record", RECORDS)
def test_a_strict_schema_leaves_nothing_open(record: type[Synthesis]) -> None:
    schema = strict_schema(record)
    assert schema["title"] == record.__name__
    assert objects(schema)
    for node in objects(schema):
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])
    assert '"default"' not in json.dumps(schema)


def openai(status: str = "completed", *content: object, **more: object) -> bytes:
    message = {"type": "message", "content": list(content)}
    usage = {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 5},
    }
    reply = {"object": "response", "status": status, "usage": usage}
    return json.dumps(reply | {"output": [{"type": "reasoning"}, message]} | more).encode()


def anthropic(stop: str, *content: object) -> bytes:
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 1,
        "output_tokens": 7,
    }
    reply = {"type": "message", "stop_reason": stop, "content": list(content), "usage": usage}
    return json.dumps(reply).encode()


def gemini(finish: str, *pieces: object, **more: object) -> bytes:
    usage = {
        "promptTokenCount": 10,
        "cachedContentTokenCount": 4,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 5,
    }
    candidate = {"finishReason": finish, "content": {"parts": list(pieces)} if pieces else {}}
    return json.dumps({"candidates": [candidate], "usageMetadata": usage} | more).encode()


def text(words: str) -> dict[str, str]:
    return {"type": "output_text", "text": words}


CUT = {"incomplete_details": {"reason": "max_output_tokens"}}
FILTERED = {"incomplete_details": {"reason": "content_filter"}}
CALL = {"output": [{"type": "function_call", "name": "f"}]}
OAI, A, G = Vendor.OPENAI, Vendor.ANTHROPIC, Vendor.GEMINI
REPLIES = [
    (OAI, openai("completed", text("a"), text("b")), "ok", "ab"),
    (OAI, openai("completed", {"type": "refusal", "refusal": "no"}), "refusal", "no"),
    (OAI, openai("incomplete", text("a"), **CUT), "truncated", "a"),
    (OAI, openai("incomplete", **FILTERED), "blocked", ""),
    (OAI, openai("completed", **CALL), "tool", ""),
    (OAI, openai("completed"), "malformed", ""),
    (OAI, b"[]", "malformed", ""),
    (A, anthropic("end_turn", {"type": "text", "text": "a"}), "ok", "a"),
    (A, anthropic("stop_sequence", {"type": "text", "text": "a"}), "ok", "a"),
    (A, anthropic("max_tokens", {"type": "text", "text": "a"}), "truncated", "a"),
    (A, anthropic("model_context_window_exceeded"), "truncated", ""),
    (A, anthropic("refusal"), "refusal", ""),
    (A, anthropic("tool_use", {"type": "tool_use"}), "tool", ""),
    (A, anthropic("end_turn"), "malformed", ""),
    (A, anthropic("pause_turn", {"type": "text", "text": "a"}), "tool", "a"),
    (A, b"nonsense", "malformed", ""),
    (G, gemini("STOP", {"text": "t", "thought": True}, {"text": "a"}), "ok", "a"),
    (G, gemini("MAX_TOKENS"), "truncated", ""),
    (G, gemini("SAFETY"), "blocked", ""),
    (G, gemini("STOP", {"functionCall": {}}), "tool", ""),
    (G, gemini("STOP"), "malformed", ""),
    (G, gemini("MALFORMED_FUNCTION_CALL"), "malformed", ""),
    (G, b'{"promptFeedback": {"blockReason": "OTHER"}}', "blocked", ""),
    (G, b"{}", "malformed", ""),
]


@pytest.mark.parametrize(("vendor", "raw", "outcome", "said"), REPLIES)
def test_outcomes(vendor: Vendor, raw: bytes, outcome: str, said: str) -> None:
    parsed = PROVIDERS[vendor].parse(raw)
    assert (parsed.outcome, parsed.text) == (ReplyOutcome(outcome), said)


def test_tokens_are_counted_as_billed() -> None:
    assert PROVIDERS[OAI].parse(openai()).usage == Usage(
        input_tokens=10, cached_tokens=4, output_tokens=7, reasoning_tokens=5
    )
    assert PROVIDERS[A].parse(anthropic("end_turn")).usage == Usage(
        input_tokens=15, cached_tokens=4, cache_write_tokens=1, output_tokens=7
    )
    assert PROVIDERS[G].parse(gemini("STOP")).usage == Usage(
        input_tokens=10, cached_tokens=4, output_tokens=12, reasoning_tokens=5
    )
