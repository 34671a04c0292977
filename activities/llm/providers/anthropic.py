"""Anthropic messages API: POST /v1/messages, structured output by output_config.format."""

from typing import Any

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
from activities.llm.schema import LENGTHS, NUMERIC, Schema, without
from activities.wire import HttpRequest
from runtime.settings import Endpoint
from workflows.data.llm import ModelRequest, Usage

VERSION = "2023-06-01"

_OUTCOMES = {
    "end_turn": ReplyOutcome.OK,
    "stop_sequence": ReplyOutcome.OK,
    "max_tokens": ReplyOutcome.TRUNCATED,
    "model_context_window_exceeded": ReplyOutcome.TRUNCATED,
    "refusal": ReplyOutcome.REFUSAL,
    "tool_use": ReplyOutcome.TOOL,
}


def build(request: ModelRequest, schema: Schema | None, endpoint: Endpoint) -> HttpRequest:
    """Write the request. The vendor's schemas know no limits of numbers and lengths."""
    body: dict[str, object] = {
        "model": request.target.model,
        "max_tokens": request.max_output_tokens,
        "system": request.prompt.system,
        "messages": [{"role": "user", "content": request.prompt.user}],
    }
    if schema is not None:
        form = {"type": "json_schema", "schema": without(schema, NUMERIC + LENGTHS)}
        body["output_config"] = {"format": form}
    headers = {"x-api-key": endpoint.key, "anthropic-version": VERSION}
    return json_request("/v1/messages", body, headers)


def parse(body: bytes) -> Parsed:
    """Read a message; cached and cache-written tokens are added to its `input_tokens`."""
    reply = opened(body)
    if reply.get("type") != "message":
        return MALFORMED
    contents = parts(reply, "content")
    text = "".join(text_of(p, "text") for p in contents if p.get("type") == "text")
    finish = text_of(reply, "stop_reason")
    outcome = _OUTCOMES.get(finish, ReplyOutcome.MALFORMED)
    if outcome is ReplyOutcome.OK and not text:
        outcome = ReplyOutcome.MALFORMED
    return Parsed(text, _usage(part(reply, "usage")), outcome, finish)


def _usage(usage: dict[str, Any]) -> Usage:
    cached = count(usage, "cache_read_input_tokens")
    written = count(usage, "cache_creation_input_tokens")
    return Usage(
        input_tokens=count(usage, "input_tokens") + cached + written,
        cached_tokens=cached,
        output_tokens=count(usage, "output_tokens"),
        reasoning_tokens=count(part(usage, "output_tokens_details"), "thinking_tokens"),
    )


ANTHROPIC = Provider(build, parse)
