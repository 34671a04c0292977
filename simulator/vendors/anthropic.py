"""Anthropic's Messages API: `POST /v1/messages`."""

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, Field, JsonValue, ValidationError

from simulator.brain.mind import Question
from simulator.chance import digest
from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Finish, Reply, retry_after
from simulator.vendors.schema import open_object
from simulator.vendors.vendor import Said, Vendor, joined


class _Block(BaseModel):
    text: str = ""


class _Message(BaseModel):
    role: str
    content: str | list[_Block]


class _Format(BaseModel):
    type: str
    json_schema: dict[str, JsonValue] = Field(alias="schema")


class _OutputConfig(BaseModel):
    format: _Format | None = None


class _Request(BaseModel):
    model: str
    max_tokens: int = Field(ge=1)
    messages: list[_Message] = Field(min_length=1)
    system: str | list[_Block] = ""
    output_config: _OutputConfig | None = None
    stream: bool = False


def read(asked: Asked) -> Question | Reply:
    """Read a request as Anthropic would."""
    if (asked.method, asked.path) != ("POST", "/v1/messages"):
        return _error(404, "not_found_error", "Not Found")
    if "anthropic-version" not in asked.headers:
        return _bad("anthropic-version: header is required")
    try:
        request = _Request.model_validate_json(asked.body)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        return _bad(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
    form = request.output_config.format if request.output_config else None
    if request.stream:
        return _bad("stream: streaming is not supported for this model")
    if form is not None and open_object(form.json_schema):
        return _bad(
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be"
            " explicitly set to false"
        )
    return Question(
        vendor="anthropic",
        model=request.model,
        system=_text(request.system),
        user=joined([_text(m.content) for m in request.messages if m.role == "user"]),
        schema=form.json_schema if form else None,
        max_output_tokens=request.max_tokens,
        sample=asked.sample,
    )


def _text(content: str | list[_Block]) -> str:
    return content if isinstance(content, str) else joined([block.text for block in content])


def _bad(message: str) -> Reply:
    return _error(400, "invalid_request_error", message)


def _error(status: int, kind: str, message: str, details: dict[str, object] | None = None) -> Reply:
    error: dict[str, object] = {"type": kind, "message": message}
    if details:
        error["details"] = details
    identity = f"req_{digest('anthropic', kind, message)[:24]}"
    body = {"type": "error", "error": error, "request_id": identity}
    return Reply(status, body, {"request-id": identity})


def write(question: Question, said: Said) -> Reply:
    """Word an answer as a message object."""
    text = [{"type": "text", "text": said.text}]
    body = {
        "id": f"msg_{said.hash[:24]}",
        "type": "message",
        "role": "assistant",
        "model": question.model,
        "content": [] if said.finish is Finish.REFUSAL else text,
        "stop_reason": {
            Finish.NORMAL: "end_turn",
            Finish.REFUSAL: "refusal",
            Finish.TRUNCATED: "max_tokens",
        }[said.finish],
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": said.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": said.output_tokens,
            "service_tier": "standard",
            "inference_geo": "not_available",
        },
    }
    return Reply(200, body, _headers(said))


def _headers(said: Said) -> dict[str, str]:
    """Build headers as recorded: `retry-after` stands on good answers too, resets are times."""
    reset = (datetime.now(UTC) + timedelta(seconds=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    headers = {"request-id": f"req_{said.hash[16:40]}", "retry-after": "20"}
    for what, limit, used in (
        ("requests", 4_000, 1),
        ("tokens", 2_400_000, said.input_tokens + said.output_tokens),
        ("input-tokens", 2_000_000, said.input_tokens),
        ("output-tokens", 400_000, said.output_tokens),
    ):
        headers[f"anthropic-ratelimit-{what}-limit"] = str(limit)
        headers[f"anthropic-ratelimit-{what}-remaining"] = str(limit - used)
        headers[f"anthropic-ratelimit-{what}-reset"] = reset
    return headers


def failure(fault: Fault) -> Reply:
    """Word a fault as Anthropic does."""
    match fault.kind:
        case FaultKind.RATE_LIMITED:
            text = "This request would exceed your organization's rate limit."
            reply = _error(fault.status or 429, "rate_limit_error", text)
            return Reply(reply.status, reply.body, {**reply.headers, **retry_after(fault, 1.0)})
        case FaultKind.QUOTA:
            text = "You have reached your specified API usage limits."
            details: dict[str, object] = {"error_code": "enforced_spend_limit_reached"}
            return _error(fault.status or 429, "rate_limit_error", text, details)
        case FaultKind.OVERLOADED:
            return _error(fault.status or 529, "overloaded_error", "Overloaded")
        case _:
            return _error(fault.status or 500, "api_error", "Internal server error")


VENDOR = Vendor("anthropic", read, write, failure)
