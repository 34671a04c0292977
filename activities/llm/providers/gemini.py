"""Gemini: POST /v1beta/models/{model}:streamGenerateContent?alt=sse, responseJsonSchema."""

from typing import Any
from urllib.parse import quote

from activities.llm.frames import frames
from activities.llm.providers.common import (
    MALFORMED,
    Parsed,
    Provider,
    ReplyOutcome,
    ToolCall,
    count,
    json_request,
    key_header,
    part,
    parts,
    settled,
    text_of,
    written,
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
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "LANGUAGE",
        "OTHER",
        "MODEL_ARMOR",
    }
)
_ENDED = {
    "STOP": ReplyOutcome.OK,
    "MAX_TOKENS": ReplyOutcome.TRUNCATED,
    **dict.fromkeys(BLOCKS, ReplyOutcome.BLOCKED),
}
"""What is not here (MALFORMED_FUNCTION_CALL and its like) is no usable answer."""


def build(request: ModelRequest, schema: Schema | None, endpoint: Endpoint) -> HttpRequest:
    """Write the request. The key goes in a header: in the address it would land in logs."""
    prompt = request.prompt
    config: dict[str, object] = {"maxOutputTokens": request.max_output_tokens}
    if schema is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = without(schema, LENGTHS)
    texts = [{"text": text} for text in (prompt.prefix, prompt.user) if text]
    body = {
        "systemInstruction": {"parts": [{"text": prompt.system}]},
        "contents": [{"role": "user", "parts": texts}],
        "generationConfig": config,
    }
    model = quote(request.target.model, safe="")
    path = f"/v1beta/models/{model}:streamGenerateContent?alt=sse"
    return json_request(path, body, key_header(endpoint, "x-goog-api-key"))


def parse(body: bytes) -> Parsed:
    """Read one GenerateContentResponse or a stream of them; thoughts count as output.

    A stream has no closing event: it is whole once a chunk says why it ended. A plain answer is
    whole as it is.
    """
    told = frames(body)
    values = [frame.value for frame in told.items]
    if not any("candidates" in value or "promptFeedback" in value for value in values):
        return MALFORMED
    usage = _usage(next((u for v in reversed(values) if (u := part(v, "usageMetadata"))), {}))
    chosen = [first for value in values for first in parts(value, "candidates")[:1]]
    pieces = [piece for each in chosen for piece in parts(part(each, "content"), "parts")]
    text = [text_of(piece, "text") for piece in pieces if not piece.get("thought")]
    if blocked := next(filter(None, (_block(value) for value in values)), ""):
        return settled(text, usage, ReplyOutcome.BLOCKED, blocked)
    finish = next((f for each in reversed(chosen) if (f := text_of(each, "finishReason"))), "")
    return settled(
        text,
        usage,
        _ENDED.get(finish or "STOP"),
        finish,
        _tools(pieces),
        complete=bool(finish) or not told.streamed,
    )


def _tools(pieces: list[dict[str, Any]]) -> list[ToolCall]:
    """Give the calls. Arguments that come in pieces come below a path each: they are not told."""
    calls = [part(piece, "functionCall") for piece in pieces if "functionCall" in piece]
    begun = [call for call in calls if text_of(call, "name")] or calls[:1]
    return [ToolCall(text_of(call, "name"), written(call.get("args"))) for call in begun]


def _block(value: dict[str, Any]) -> str:
    return text_of(part(value, "promptFeedback"), "blockReason")


def _usage(usage: dict[str, Any]) -> Usage:
    thoughts = count(usage, "thoughtsTokenCount")
    return Usage(
        input_tokens=count(usage, "promptTokenCount") + count(usage, "toolUsePromptTokenCount"),
        cached_tokens=count(usage, "cachedContentTokenCount"),
        output_tokens=count(usage, "candidatesTokenCount") + thoughts,
        reasoning_tokens=thoughts,
    )


GEMINI = Provider(build, parse)
