"""OpenAI's Responses API: `POST /v1/responses`."""

import time

from pydantic import BaseModel, Field, JsonValue, ValidationError

from simulator.brain.mind import Question
from simulator.chance import digest
from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Finish, Reply, retry_after
from simulator.vendors.schema import open_object, optional_properties
from simulator.vendors.vendor import Said, Vendor, joined

REFUSAL = "I'm sorry, but I can't help with that request."


class _Part(BaseModel):
    text: str = ""


class _Item(BaseModel):
    role: str = "user"
    content: str | list[_Part] = ""

    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return joined([part.text for part in self.content])


class _Format(BaseModel):
    type: str
    name: str = ""
    json_schema: dict[str, JsonValue] | None = Field(default=None, alias="schema")
    strict: bool = False


class _Text(BaseModel):
    format: _Format | None = None


class _Request(BaseModel):
    model: str
    input: str | list[_Item]
    instructions: str | None = None
    text: _Text | None = None
    max_output_tokens: int | None = Field(default=None, ge=16)
    stream: bool = False


def read(asked: Asked) -> Question | Reply:
    """Read a request as OpenAI would."""
    if (asked.method, asked.path) != ("POST", "/v1/responses"):
        return _error(404, f"Invalid URL ({asked.method} {asked.path})", "invalid_request_error")
    try:
        request = _Request.model_validate_json(asked.body)
    except ValidationError as wrong:
        return _invalid(wrong)
    form = request.text.format if request.text else None
    if refused := _refused(request, form):
        return refused
    items = [] if isinstance(request.input, str) else request.input
    system = [item.text() for item in items if item.role in ("system", "developer")]
    user = [item.text() for item in items if item.role == "user"]
    return Question(
        vendor="openai",
        model=request.model,
        system=joined([request.instructions or "", *system]),
        user=request.input if isinstance(request.input, str) else joined(user),
        schema=form.json_schema if form else None,
        max_output_tokens=request.max_output_tokens,
        sample=asked.sample,
    )


def _refused(request: _Request, form: _Format | None) -> Reply | None:
    if request.stream:
        return _bad(
            "Unsupported value: 'stream' does not support true with this model.",
            "stream",
            "unsupported_value",
        )
    if form is None or form.type != "json_schema":
        return None
    if form.json_schema is None or not form.name:
        missing = "name" if form.json_schema is not None else "schema"
        return _bad(
            f"Missing required parameter: 'text.format.{missing}'.",
            f"text.format.{missing}",
            "missing_required_parameter",
        )
    schema = form.json_schema
    if form.strict and (open_object(schema) or optional_properties(schema)):
        return _bad(
            f"Invalid schema for response_format '{form.name}': 'additionalProperties' must be"
            " false and 'required' must name every key in properties.",
            "text.format.schema",
            "invalid_json_schema",
        )
    return None


def _invalid(wrong: ValidationError) -> Reply:
    first = wrong.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "json_invalid":
        return _error(
            400, "We could not parse the JSON body of your request.", "invalid_request_error"
        )
    if first["type"] == "missing":
        message, code = f"Missing required parameter: '{where}'.", "missing_required_parameter"
    else:
        message, code = f"Invalid value for '{where}': {first['msg']}.", "invalid_value"
    return _bad(message, where, code)


def _bad(message: str, param: str, code: str) -> Reply:
    return _error(400, message, "invalid_request_error", param, code)


def _error(
    status: int, message: str, kind: str, param: str | None = None, code: str | None = None
) -> Reply:
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    identity = digest("openai", message)[:32]
    return Reply(status, body, {"x-request-id": f"req_{identity}"})


def write(question: Question, said: Said) -> Reply:
    """Word an answer as a response object."""
    now = int(time.time())
    cut = said.finish is Finish.TRUNCATED
    body = {
        "id": f"resp_{said.hash[:48]}",
        "object": "response",
        "created_at": now,
        "completed_at": None if cut else now,
        "status": "incomplete" if cut else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": question.system or None,
        "max_output_tokens": question.max_output_tokens,
        "metadata": {},
        "model": question.model,
        "output": [_message(said)],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "json_schema" if question.schema else "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": _usage(said),
        "user": None,
    }
    return Reply(200, body, _headers(said))


def _message(said: Said) -> dict[str, object]:
    text: dict[str, object] = {
        "type": "output_text",
        "annotations": [],
        "logprobs": [],
        "text": said.text,
    }
    refusal: dict[str, object] = {"type": "refusal", "refusal": REFUSAL}
    return {
        "id": f"msg_{said.hash[8:56]}",
        "type": "message",
        "role": "assistant",
        "status": "incomplete" if said.finish is Finish.TRUNCATED else "completed",
        "content": [refusal if said.finish is Finish.REFUSAL else text],
    }


def _usage(said: Said) -> dict[str, object]:
    return {
        "input_tokens": said.input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": said.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": said.input_tokens + said.output_tokens,
    }


def _headers(said: Said) -> dict[str, str]:
    return {
        "x-request-id": f"req_{said.hash[16:48]}",
        "openai-version": "2020-10-01",
        "openai-processing-ms": "400",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-limit-tokens": "2000000",
        "x-ratelimit-remaining-tokens": str(2_000_000 - said.input_tokens),
        "x-ratelimit-reset-tokens": "12ms",
    }


def failure(fault: Fault) -> Reply:
    """Word a fault as OpenAI does."""
    match fault.kind:
        case FaultKind.RATE_LIMITED:
            seconds = 1.0 if fault.retry_after is None else fault.retry_after
            text = f"Rate limit reached. Please try again in {seconds}s."
            reply = _error(fault.status or 429, text, "requests", None, "rate_limit_exceeded")
            waits = {"retry-after-ms": str(int(seconds * 1000)), **retry_after(fault, 1.0)}
            return Reply(reply.status, reply.body, {**reply.headers, **waits})
        case FaultKind.QUOTA:
            text = "You exceeded your current quota, please check your plan and billing details."
            kind = "insufficient_quota"
            return _error(fault.status or 429, text, kind, None, kind)
        case FaultKind.OVERLOADED:
            text = "Our servers are currently overloaded. Please try again later."
            kind = "service_unavailable_error"
            return _error(fault.status or 503, text, kind, None, "server_is_overloaded")
        case _:
            text = "The server had an error while processing your request."
            return _error(fault.status or 500, text, "server_error", None, "server_error")


VENDOR = Vendor("openai", read, write, failure)
