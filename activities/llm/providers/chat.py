"""OpenAI chat completions: POST {base}/chat/completions, as many other servers speak it too."""

import json
from collections.abc import Iterable
from typing import Any

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
from activities.llm.providers.prompts import question
from activities.llm.schema import LENGTHS, Schema, without
from activities.wire import HttpRequest
from runtime.settings import Endpoint
from workflows.data.llm import ModelRequest, Quirk, Usage

_ENDED = {
    "length": ReplyOutcome.TRUNCATED,
    "max_tokens": ReplyOutcome.TRUNCATED,
    "model_length": ReplyOutcome.TRUNCATED,
    "content_filter": ReplyOutcome.BLOCKED,
    "sensitive": ReplyOutcome.BLOCKED,
    "refusal": ReplyOutcome.REFUSAL,
}
"""What is not here ended in order: servers say stop, eos, tool_calls and other words."""
_BROKEN_OFF = frozenset({"error", "network_error", "insufficient_system_resource"})


def build(request: ModelRequest, schema: Schema | None, endpoint: Endpoint) -> HttpRequest:
    """Write the request, with what the server does not know left out or said otherwise.

    No prompt_cache_key: most servers refuse it, and those with a cache find prefixes without.
    """
    prompt, quirks = request.prompt, endpoint.quirks
    form, system = _form(schema, prompt.answer, quirks)
    limit = "max_tokens" if Quirk.MAX_TOKENS in quirks else "max_completion_tokens"
    body: dict[str, object] = {
        "model": request.target.model,
        "messages": [
            {"role": "system", "content": prompt.system + system},
            {"role": "user", "content": question(prompt)},
        ],
        limit: request.max_output_tokens,
        "stream": True,
    }
    if Quirk.NO_STREAM_OPTIONS not in quirks:
        body["stream_options"] = {"include_usage": True}
    if form:
        body["response_format"] = form
    return json_request("/chat/completions", body, key_header(endpoint, "authorization"))


def _form(schema: Schema | None, name: str, quirks: Iterable[str]) -> tuple[dict[str, Any], str]:
    """Give the response_format, and what the system prompt must say besides."""
    if schema is None:
        return {}, ""
    if Quirk.JSON_OBJECT in quirks:
        wanted = json.dumps(schema, ensure_ascii=False)
        note = f"\n\nAnswer with one JSON object that fits this JSON Schema:\n{wanted}"
        return {"type": "json_object"}, note
    strict = {"name": name, "strict": True, "schema": without(schema, LENGTHS)}
    return {"type": "json_schema", "json_schema": strict}, ""


def parse(body: bytes) -> Parsed:
    """Read a completion, or fold its chunks: both hold choices, with a message or a delta."""
    told = frames(body)
    values = [frame.value for frame in told.items if isinstance(frame.value.get("choices"), list)]
    if not values:
        return MALFORMED
    choices = [c for v in values for c in parts(v, "choices") if c.get("index") in (0, None)]
    messages = [part(c, "message") or part(c, "delta") for c in choices]
    finish = next((f for c in reversed(choices) if (f := text_of(c, "finish_reason"))), "")
    refused = [text_of(message, "refusal") for message in messages]
    text = [t for c, m in zip(choices, messages, strict=True) for t in _texts(c, m)]
    ended = ReplyOutcome.REFUSAL if any(refused) else _ENDED.get(finish, ReplyOutcome.OK)
    whole = bool(finish) or told.done or not told.streamed
    return settled(
        refused if any(refused) else text,
        _usage(_counted(values)),
        ended,
        finish,
        _tools(messages),
        complete=whole and finish not in _BROKEN_OFF,
    )


def _texts(choice: dict[str, Any], message: dict[str, Any]) -> list[str]:
    """Give the visible text: a string, parts without the thinking ones, what is said aloud, or an
    old completion.
    """
    pieces = parts(message, "content")
    found = [text_of(p, "text") for p in pieces if p.get("type") in ("text", "output_text")]
    aloud = text_of(part(message, "audio"), "transcript")
    return [text_of(message, "content"), *found, aloud, text_of(choice, "text")]


def _tools(messages: list[dict[str, Any]]) -> list[ToolCall]:
    """Fold tool calls: deltas go on at their index, unless a name with another id begins anew.

    An id without a name begins nothing: Mistral goes on under the id "null", others under none.
    """
    calls: list[dict[str, Any]] = []
    at: dict[object, dict[str, Any]] = {}
    for message in messages:
        for place, delta in enumerate(parts(message, "tool_calls")):
            own = part(delta, "custom")
            function = own or part(delta, "function")
            index, name = str(delta.get("index", place)), text_of(function, "name")
            call = at.get(index)
            if call is None or (name and (not delta.get("id") or delta["id"] != call["id"])):
                call = {"id": delta.get("id"), "name": name, "said": "", "free": bool(own)}
                at[index] = call
                calls.append(call)
            said = function.get("arguments", function.get("input"))
            call["said"] += written(said) if said else ""
    old = [call for message in messages if (call := part(message, "function_call"))]
    if old:
        name = "".join(text_of(call, "name") for call in old)
        said = "".join(text_of(call, "arguments") for call in old)
        calls.append({"name": name, "said": said, "free": False})
    return [ToolCall(call["name"], call["said"], call["free"]) for call in calls]


def _counted(values: list[dict[str, Any]]) -> dict[str, Any]:
    """Find the last usage: a chunk's own, Groq's beside it, Moonshot's inside the choice."""
    for value in reversed(values):
        own = [part(value, "usage"), part(part(value, "x_groq"), "usage")]
        if found := next(
            filter(None, own + [part(c, "usage") for c in parts(value, "choices")]), {}
        ):
            return found
    return {}


def _usage(usage: dict[str, Any]) -> Usage:
    """Read the tokens. Where the total is more than its parts, the rest was thought (Gemini)."""
    read, made = part(usage, "prompt_tokens_details"), part(usage, "completion_tokens_details")
    given, output = count(usage, "prompt_tokens"), count(usage, "completion_tokens")
    unsaid = max(count(usage, "total_tokens") - given - output, 0)
    cached = count(read, "cached_tokens") or count(
        usage, "prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens"
    )
    return Usage(
        input_tokens=given,
        cached_tokens=cached,
        cache_write_tokens=count(read, "cache_write_tokens"),
        output_tokens=output + unsaid,
        reasoning_tokens=count(made, "reasoning_tokens") or unsaid,
    )


CHAT = Provider(build, parse)
