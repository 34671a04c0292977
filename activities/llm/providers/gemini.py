"""Gemini generateContent: POST /v1beta/models/{model}:generateContent, responseJsonSchema."""

from typing import Any
from urllib.parse import quote

from activities.llm.providers.common import (
    MALFORMED,
    Parsed,
    Provider,
    ReplyOutcome,
    count,
    json_request,
    opened,
    part,
    parts,
    text_of,
)
from activities.llm.schema import LENGTHS, Schema, without
from activities.wire import HttpRequest
from runtime.settings import Endpoint
from workflows.data.llm import ModelRequest, Usage

BLOCKS = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "PROHIBITED_CONTENT",
        "BLOCKLIST",
        "SPII",
        "IMAGE_SAFETY",
        "LANGUAGE",
        "OTHER",
        "MODEL_ARMOR",
    }
)


def build(request: ModelRequest, schema: Schema | None, endpoint: Endpoint) -> HttpRequest:
    """Write the request. The key goes in a header: in the address it would land in logs."""
    config: dict[str, object] = {"maxOutputTokens": request.max_output_tokens}
    if schema is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = without(schema, LENGTHS)
    body = {
        "systemInstruction": {"parts": [{"text": request.prompt.system}]},
        "contents": [{"role": "user", "parts": [{"text": request.prompt.user}]}],
        "generationConfig": config,
    }
    path = f"/v1beta/models/{quote(request.target.model, safe='')}:generateContent"
    return json_request(path, body, {"x-goog-api-key": endpoint.key})


def parse(body: bytes) -> Parsed:
    """Read a GenerateContentResponse; thoughts are added to the candidates' tokens."""
    reply = opened(body)
    usage = _usage(part(reply, "usageMetadata"))
    if blocked := text_of(part(reply, "promptFeedback"), "blockReason"):
        return Parsed("", usage, ReplyOutcome.BLOCKED, blocked)
    candidates = parts(reply, "candidates")
    if not candidates:
        return MALFORMED
    pieces = parts(part(candidates[0], "content"), "parts")
    text = "".join(text_of(p, "text") for p in pieces if not p.get("thought"))
    finish = text_of(candidates[0], "finishReason")
    called = any("functionCall" in piece for piece in pieces)
    return Parsed(text, usage, _outcome(finish, text, called), finish)


def _outcome(finish: str, text: str, called: bool) -> ReplyOutcome:
    if finish == "MAX_TOKENS":
        return ReplyOutcome.TRUNCATED
    if finish in BLOCKS:
        return ReplyOutcome.BLOCKED
    if finish == "STOP" and called:
        return ReplyOutcome.TOOL
    return ReplyOutcome.OK if finish == "STOP" and text else ReplyOutcome.MALFORMED


def _usage(usage: dict[str, Any]) -> Usage:
    thoughts = count(usage, "thoughtsTokenCount")
    return Usage(
        input_tokens=count(usage, "promptTokenCount") + count(usage, "toolUsePromptTokenCount"),
        cached_tokens=count(usage, "cachedContentTokenCount"),
        output_tokens=count(usage, "candidatesTokenCount") + thoughts,
        reasoning_tokens=thoughts,
    )


GEMINI = Provider(build, parse)
