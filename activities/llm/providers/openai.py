"""OpenAI responses API: POST {base}/responses, structured output by text.format.json_schema."""

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
from activities.llm.providers.prompts import cache_key, question
from activities.llm.schema import LENGTHS, Schema, without
from activities.wire import HttpRequest
from runtime.settings import Endpoint
from workflows.data.llm import ModelRequest, Usage

_ENDED = {
    "completed": ReplyOutcome.OK,
    "max_output_tokens": ReplyOutcome.TRUNCATED,
    "content_filter": ReplyOutcome.BLOCKED,
}
_FREE = frozenset({"custom_tool_call", "computer_call", "local_shell_call", "mcp_approval_request"})
_OURS = _FREE | {"function_call", "apply_patch_call"}
"""Items that wait for us; other calls (web search, code) the vendor made itself."""


def build(request: ModelRequest, schema: Schema | None, endpoint: Endpoint) -> HttpRequest:
    """Write the request. `store` is off: the vendor keeps no copy of the case."""
    prompt = request.prompt
    body: dict[str, object] = {
        "model": request.target.model,
        "instructions": prompt.system,
        "input": question(prompt),
        "max_output_tokens": request.max_output_tokens,
        "store": False,
        "stream": True,
    }
    if prompt.prefix:
        body["prompt_cache_key"] = cache_key(prompt)
    if schema is not None:
        form = {"type": "json_schema", "name": prompt.answer, "strict": True}
        body["text"] = {"format": form | {"schema": without(schema, LENGTHS)}}
    return json_request("/responses", body, key_header(endpoint, "authorization"))


def parse(body: bytes) -> Parsed:
    """Read a response; `input_tokens` already includes the cached ones."""
    told = frames(body)
    reply, said = _folded(told)
    if reply.get("object") != "response" and "output" not in reply:
        return MALFORMED
    items = parts(reply, "output")
    contents = [
        piece
        for item in items
        if text_of(item, "type") == "message"
        for piece in parts(item, "content")
    ]
    text = [text_of(p, "text") for p in contents if p.get("type") == "output_text"]
    refused = [text_of(p, "refusal") for p in contents if p.get("type") == "refusal"]
    status = text_of(reply, "status") or "completed"
    finish = text_of(part(reply, "incomplete_details"), "reason") or status
    return settled(
        (refused if any(refused) else text) if contents else said,
        _usage(part(reply, "usage")),
        ReplyOutcome.REFUSAL if any(refused) else _ENDED.get(finish),
        finish,
        [_tool(item) for item in items if text_of(item, "type") in _OURS],
        complete=status in ("completed", "incomplete"),
    )


def _tool(item: dict[str, Any]) -> ToolCall:
    name = text_of(item, "name") or text_of(item, "type")
    free = item.get("type") in _FREE
    return ToolCall(name, written(item.get("input" if free else "arguments")), free)


def _folded(told: Frames) -> tuple[dict[str, Any], list[str]]:
    """Give the last state of the response, and the text streamed, for what broke off."""
    reply: dict[str, Any] = {}
    items: dict[int, dict[str, Any]] = {}
    said: list[str] = []
    if not told.streamed:
        return (told.items[0].value if told.items else {}), said
    for frame in told.items:
        kind = text_of(frame.value, "type") or frame.name
        reply = part(frame.value, "response") or reply
        if kind == "response.output_item.done":
            items[count(frame.value, "output_index")] = part(frame.value, "item")
        elif kind == "response.output_text.delta":
            said.append(text_of(frame.value, "delta"))
    if items and not parts(reply, "output"):
        reply = reply | {"output": [items[place] for place in sorted(items)]}
    # A stream taken up in the middle has no state until its last event.
    return reply or ({"output": [], "status": "in_progress"} if said else {}), said


def _usage(usage: dict[str, Any]) -> Usage:
    read = part(usage, "input_tokens_details")
    return Usage(
        input_tokens=count(usage, "input_tokens"),
        cached_tokens=count(read, "cached_tokens"),
        cache_write_tokens=count(read, "cache_write_tokens"),
        output_tokens=count(usage, "output_tokens"),
        reasoning_tokens=count(part(usage, "output_tokens_details"), "reasoning_tokens"),
    )


OPENAI = Provider(build, parse)
