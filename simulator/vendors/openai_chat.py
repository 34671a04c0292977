"""OpenAI's chat completions, also spoken by Groq, Ollama, vLLM, Mistral, DeepSeek, OpenRouter
and others: `POST .../chat/completions`.
"""

import time
from typing import Literal

from pydantic import BaseModel, Field, JsonValue, ValidationError

from simulator.brain.mind import Question
from simulator.exchange import Asked, Finish, Reply
from simulator.vendors.openai_words import OVERLOADED, REFUSAL, bad, headers, invalid, lost
from simulator.vendors.schema import open_object, optional_properties, schema_in
from simulator.vendors.sse import cut, event, streamed
from simulator.vendors.vendor import Dialect, Said, joined


class _Part(BaseModel):
    text: str = ""


class _Message(BaseModel):
    role: str
    content: str | list[_Part] | None = ""

    def text(self) -> str:
        if isinstance(self.content, list):
            return joined([part.text for part in self.content])
        return self.content or ""


class _Schema(BaseModel):
    name: str
    json_schema: dict[str, JsonValue] = Field(alias="schema")
    strict: bool | None = False


class _Format(BaseModel):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _Schema | None = None


class _StreamOptions(BaseModel):
    include_usage: bool = False


class _Request(BaseModel):
    model: str
    messages: list[_Message] = Field(min_length=1)
    response_format: _Format | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    stream: bool | None = False
    stream_options: _StreamOptions | None = None


def read(asked: Asked) -> Question | Reply:
    """Read a request as OpenAI would."""
    if asked.method != "POST":
        return lost(asked)
    try:
        request = _Request.model_validate_json(asked.body)
    except ValidationError as wrong:
        return invalid(wrong)
    if refused := _refused(request, asked.service):
        return refused
    system = [m.text() for m in request.messages if m.role in ("system", "developer")]
    user = [m.text() for m in request.messages if m.role == "user"]
    return Question(
        vendor=asked.service,
        model=request.model,
        system=joined(system),
        user=joined(user),
        schema=_wanted(request.response_format, [*user, *system]),
        max_output_tokens=request.max_completion_tokens or request.max_tokens,
        sample=asked.sample,
        stream=bool(request.stream),
        tells_usage=request.stream_options is not None and request.stream_options.include_usage,
    )


def _refused(request: _Request, vendor: str) -> Reply | None:
    if request.max_tokens is not None and vendor == "openai":
        return bad(
            "Unsupported parameter: 'max_tokens' is not supported with this model."
            " Use 'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        )
    form = request.response_format
    if form is None or form.type != "json_schema":
        return None
    if form.json_schema is None:
        where = "response_format.json_schema"
        return bad(f"Missing required parameter: '{where}'.", where, "missing_required_parameter")
    schema = form.json_schema.json_schema
    if form.json_schema.strict and (open_object(schema) or optional_properties(schema)):
        return bad(
            f"Invalid schema for response_format '{form.json_schema.name}':"
            " 'additionalProperties' must be false and 'required' must name every key in"
            " properties.",
            "response_format",
            "invalid_json_schema",
        )
    return None


def _wanted(form: _Format | None, prompts: list[str]) -> dict[str, JsonValue] | None:
    """Give the schema asked for; for a mere JSON object, the one written in a prompt."""
    if form is None or form.type == "text":
        return None
    if form.json_schema is not None:
        return form.json_schema.json_schema
    found = next(filter(None, map(schema_in, prompts)), None)
    return found or {"type": "object"}


_FINISHES = {
    Finish.TRUNCATED: "length",
    Finish.BLOCKED: "content_filter",
    Finish.BAD_TOOL: "tool_calls",
}


def write(question: Question, said: Said) -> Reply:
    """Word an answer as a chat completion."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": said.text, "refusal": None, **_odd(said)},
        "logprobs": None,
        "finish_reason": _FINISHES.get(said.finish, "stop"),
    }
    body = {**_head(question, said, "chat.completion"), "choices": [choice]}
    return Reply(200, {**body, "usage": _usage(question.vendor, said)}, headers(said))


def _odd(said: Said) -> dict[str, object]:
    """Give what a message or delta holds instead of a text, if it does."""
    if said.finish is Finish.REFUSAL:
        return {"content": None, "refusal": REFUSAL}
    if said.finish is Finish.BAD_TOOL:
        function = {"name": "search", "arguments": said.text}
        call = {"index": 0, "id": f"call_{said.hash[:24]}", "type": "function"}
        return {"content": None, "tool_calls": [{**call, "function": function}]}
    return {}


def _head(question: Question, said: Said, kind: str) -> dict[str, object]:
    return {
        "id": f"chatcmpl-{said.hash[:29]}",
        "object": kind,
        "created": int(time.time()),
        "model": question.model,
        "service_tier": "default",
        "system_fingerprint": f"fp_{said.hash[:10]}",
    }


def _usage(vendor: str, said: Said) -> dict[str, object]:
    details: dict[str, object] = {"cached_tokens": said.cached_tokens, "audio_tokens": 0}
    usage: dict[str, object] = {
        "prompt_tokens": said.input_tokens,
        "completion_tokens": said.output_tokens,
        "total_tokens": said.input_tokens + said.output_tokens,
        "prompt_tokens_details": details,
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
    if vendor == "openai":
        details["cache_write_tokens"] = said.written_tokens
    if vendor == "deepseek":
        usage["prompt_cache_hit_tokens"] = said.cached_tokens
        usage["prompt_cache_miss_tokens"] = said.input_tokens - said.cached_tokens
    return usage


def stream(question: Question, said: Said) -> Reply:
    """Word an answer as unnamed chunks up to [DONE]; usage only where it was asked for."""
    vendor = question.vendor
    head = _head(question, said, "chat.completion.chunk")
    usage = {"usage": None} if question.tells_usage else {}

    def chunk(delta: dict[str, object], finish: str | None = None, **more: object) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event({**head, "choices": [choice], **usage, **more})

    opening = chunk({"role": "assistant", "content": "", "refusal": None})
    texts = [] if _odd(said) else cut(said.text)
    deltas = [chunk(odd)] if (odd := _odd(said)) else [chunk({"content": text}) for text in texts]
    counted = {"usage": _usage(vendor, said)}
    at_groq = {"x_groq": {"id": f"req_{said.hash[:26]}", **counted}} if vendor == "groq" else {}
    ending = chunk({}, _FINISHES.get(said.finish, "stop"), **at_groq)
    if question.tells_usage:
        ending += event({**head, "choices": [], **counted})
    comment = b": OPENROUTER PROCESSING\n\n" if vendor == "openrouter" else b""
    if vendor == "openrouter":  # a failure is one more chunk, and the stream ends as usual
        overload = {"code": 503, "message": OVERLOADED["message"]}
        error = chunk({"content": ""}, None, error=overload, **counted) + event("[DONE]")
    else:
        error = event({"error": OVERLOADED}, "error" if vendor == "groq" else "")
    after = ending + event("[DONE]")
    return streamed(comment + opening, deltas, after, headers(said), error=error)


def count_tokens(found: int) -> Reply:
    """Word a count; no chat server has an address for it, so nothing asks."""
    return Reply(200, {"input_tokens": found})


DIALECT = Dialect(read, write, stream, count_tokens)
