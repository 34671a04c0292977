"""OpenAI responses API: POST {base}/responses, structured output by text.format.json_schema."""

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
from activities.llm.schema import LENGTHS, Schema, without
from activities.wire import HttpRequest
from runtime.settings import Endpoint
from workflows.data.llm import ModelRequest, Usage


def build(request: ModelRequest, schema: Schema | None, endpoint: Endpoint) -> HttpRequest:
    """Write the request. `store` is off: the vendor keeps no copy of the case."""
    prompt = request.prompt
    body: dict[str, object] = {
        "model": request.target.model,
        "instructions": prompt.system,
        "input": prompt.user,
        "max_output_tokens": request.max_output_tokens,
        "store": False,
    }
    if schema is not None:
        form = {"type": "json_schema", "name": prompt.answer, "strict": True}
        body["text"] = {"format": form | {"schema": without(schema, LENGTHS)}}
    bearer = f"Bearer {endpoint.key}" if endpoint.key else ""
    return json_request("/responses", body, {"authorization": bearer})


def parse(body: bytes) -> Parsed:
    """Read a response object; `input_tokens` already includes the cached ones."""
    reply = opened(body)
    if reply.get("object") != "response":
        return MALFORMED
    contents = [
        piece
        for item in parts(reply, "output")
        if item.get("type") == "message"
        for piece in parts(item, "content")
    ]
    text = "".join(text_of(p, "text") for p in contents if p.get("type") == "output_text")
    refused = "".join(text_of(p, "refusal") for p in contents if p.get("type") == "refusal")
    finish = text_of(part(reply, "incomplete_details"), "reason") or text_of(reply, "status")
    outcome = ReplyOutcome.REFUSAL if refused else _outcome(reply, finish, text)
    return Parsed(refused or text, _usage(part(reply, "usage")), outcome, finish)


def _outcome(reply: dict[str, Any], finish: str, text: str) -> ReplyOutcome:
    match finish:
        case "max_output_tokens":
            return ReplyOutcome.TRUNCATED
        case "content_filter":
            return ReplyOutcome.BLOCKED
        case "completed" if text:
            return ReplyOutcome.OK
        case "completed" if any("call" in text_of(i, "type") for i in parts(reply, "output")):
            return ReplyOutcome.TOOL
    return ReplyOutcome.MALFORMED


def _usage(usage: dict[str, Any]) -> Usage:
    return Usage(
        input_tokens=count(usage, "input_tokens"),
        cached_tokens=count(part(usage, "input_tokens_details"), "cached_tokens"),
        output_tokens=count(usage, "output_tokens"),
        reasoning_tokens=count(part(usage, "output_tokens_details"), "reasoning_tokens"),
    )


OPENAI = Provider(build, parse)
