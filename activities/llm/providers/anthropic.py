"""Anthropic messages API: POST /v1/messages, structured output by output_config.format."""

from typing import Any

from activities.llm.frames import Frames, frames
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
from activities.llm.schema import LENGTHS, NUMERIC, Schema, without
from activities.wire import HttpRequest
from runtime.settings import Endpoint
from workflows.data.llm import ModelRequest, Prompt, Usage

VERSION = "2023-06-01"

_ENDED = {
    "end_turn": ReplyOutcome.OK,
    "stop_sequence": ReplyOutcome.OK,
    "tool_use": ReplyOutcome.OK,
    "pause_turn": ReplyOutcome.TOOL,  # it wants its own words back before it goes on
    "max_tokens": ReplyOutcome.TRUNCATED,
    "model_context_window_exceeded": ReplyOutcome.TRUNCATED,
    "refusal": ReplyOutcome.REFUSAL,
}
_GROWING = ("text", "partial_json")


def build(request: ModelRequest, schema: Schema | None, endpoint: Endpoint) -> HttpRequest:
    """Write the request. The vendor's schemas know no limits of numbers and lengths."""
    body: dict[str, object] = {
        "model": request.target.model,
        "max_tokens": request.max_output_tokens,
        "system": request.prompt.system,
        "messages": [{"role": "user", "content": _content(request.prompt)}],
        "stream": True,
    }
    if schema is not None:
        form = {"type": "json_schema", "schema": without(schema, NUMERIC + LENGTHS)}
        body["output_config"] = {"format": form}
    headers = key_header(endpoint, "x-api-key") | {"anthropic-version": VERSION}
    return json_request("/v1/messages", body, headers)


def _content(prompt: Prompt) -> object:
    """Give the question; a prefix is a block of its own, kept by the vendor for five minutes."""
    if not prompt.prefix:
        return prompt.user
    kept = {"type": "text", "text": prompt.prefix, "cache_control": {"type": "ephemeral"}}
    return [kept, {"type": "text", "text": prompt.user}]


def parse(body: bytes) -> Parsed:
    """Read a message; cached and cache-written tokens are added to its `input_tokens`.

    It is whole once its `stop_reason` came, with or without a message_stop.
    """
    told = frames(body)
    reply = _folded(told) if told.streamed else (told.items[0].value if told.items else {})
    if reply.get("type") != "message":
        return MALFORMED
    contents = parts(reply, "content")
    finish = text_of(reply, "stop_reason")
    return settled(
        [text_of(p, "text") for p in contents if p.get("type") == "text"],
        _usage(part(reply, "usage")),
        _ENDED.get(finish),
        finish,
        [_tool(p) for p in contents if p.get("type") == "tool_use"],
        complete=bool(finish),
    )


def _tool(block: dict[str, Any]) -> ToolCall:
    streamed = text_of(block, "partial_json")
    return ToolCall(text_of(block, "name"), streamed or written(block.get("input")))


def _folded(told: Frames) -> dict[str, Any]:
    """Fold events into the message. A message_start under another id begins it anew: the first
    was cut. One may hold content already, and a block may lack its start.
    """
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    for frame in told.items:
        value, place = frame.value, count(frame.value, "index")
        match text_of(value, "type"):
            case "message_start":
                begun = part(value, "message")
                if not text_of(begun, "id") or begun["id"] != message.get("id"):
                    blocks = dict(enumerate(parts(begun, "content")))
                message = begun
            case "content_block_start":
                blocks[place] = dict(part(value, "content_block"))
            case "content_block_delta":
                delta = part(value, "delta")
                block = blocks.setdefault(place, {"type": _kind(delta)})
                grown = {name: text_of(block, name) + text_of(delta, name) for name in _GROWING}
                block.update(grown)
            case "message_delta":
                given = {k: v for k, v in part(value, "usage").items() if v is not None}
                usage = part(message, "usage") | given
                message = {"type": "message"} | message | part(value, "delta") | {"usage": usage}
    return message | {"content": [blocks[place] for place in sorted(blocks)]}


def _kind(delta: dict[str, Any]) -> str:
    """Name the block a delta belongs to that nothing announced."""
    return "text" if "text" in delta else "tool_use" if "partial_json" in delta else "unknown"


def _usage(usage: dict[str, Any]) -> Usage:
    cached = count(usage, "cache_read_input_tokens")
    made = count(usage, "cache_creation_input_tokens")
    return Usage(
        input_tokens=count(usage, "input_tokens") + cached + made,
        cached_tokens=cached,
        cache_write_tokens=made,
        output_tokens=count(usage, "output_tokens"),
        reasoning_tokens=count(part(usage, "output_tokens_details"), "thinking_tokens"),
    )


ANTHROPIC = Provider(build, parse)
