"""Anthropic's Messages API: `POST /v1/messages`, and the count of its tokens."""

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, Field, JsonValue, ValidationError

from simulator.brain.mind import Question
from simulator.chance import digest
from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Finish, Reply, retry_after
from simulator.limits import Limit
from simulator.vendors.schema import open_object
from simulator.vendors.sse import cut, event, streamed, typed
from simulator.vendors.vendor import Dialect, Said, Vendor, joined, named_model

PING = typed({"type": "ping"})


class _Block(BaseModel):
    text: str = ""
    cache_control: dict[str, JsonValue] | None = None


class _Message(BaseModel):
    role: str
    content: str | list[_Block]


class _Format(BaseModel):
    type: str
    json_schema: dict[str, JsonValue] = Field(alias="schema")


class _OutputConfig(BaseModel):
    format: _Format | None = None


class _Counted(BaseModel):
    model: str
    messages: list[_Message] = Field(min_length=1)
    system: str | list[_Block] = ""
    output_config: _OutputConfig | None = None


class _Request(_Counted):
    max_tokens: int = Field(ge=1)
    stream: bool = False


def read(asked: Asked) -> Question | Reply:
    """Read a request as Anthropic would."""
    counts = asked.path == "/v1/messages/count_tokens"
    if asked.method != "POST" or not (counts or asked.path == "/v1/messages"):
        return _error(404, "not_found_error", "Not Found")
    if "anthropic-version" not in asked.headers:
        return _bad("anthropic-version: header is required")
    try:
        request = (_Counted if counts else _Request).model_validate_json(asked.body)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        return _bad(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
    form = request.output_config.format if request.output_config else None
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
        max_output_tokens=request.max_tokens if isinstance(request, _Request) else None,
        sample=asked.sample,
        stream=isinstance(request, _Request) and request.stream,
        counts=counts,
        marked=_marked(request),
    )


def _marked(request: _Counted) -> str:
    """Give the prompt up to the last block that carries a mark; empty without any."""
    before, marked = "", ""
    for content in (request.system, *(message.content for message in request.messages)):
        blocks = [_Block(text=content)] if isinstance(content, str) else content
        for block in blocks:
            before += f"{block.text}\n"
            if block.cache_control:
                marked = before
    return marked


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


_STOPS = {
    Finish.REFUSAL: "refusal",
    Finish.BLOCKED: "refusal",
    Finish.TRUNCATED: "max_tokens",
    Finish.BAD_TOOL: "tool_use",
}


def write(question: Question, said: Said) -> Reply:
    """Word an answer as a message object."""
    stop = _STOPS.get(said.finish, "end_turn")
    body = {**_message(question, said), "content": _content(said), "stop_reason": stop}
    body |= {"stop_details": _details(said), "usage": usage(said)}
    return Reply(200, body, headers(said))


def _message(question: Question, said: Said) -> dict[str, object]:
    """Build a message that has just begun."""
    return {
        "id": f"msg_{said.hash[:24]}",
        "type": "message",
        "role": "assistant",
        "model": question.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {**usage(said), "output_tokens": 1},
    }


def _content(said: Said) -> list[dict[str, object]]:
    if said.finish in (Finish.REFUSAL, Finish.BLOCKED):
        return []
    if said.finish is Finish.BAD_TOOL:
        return [
            {"type": "tool_use", "id": f"toolu_{said.hash[:24]}", "name": "search", "input": {}}
        ]
    return [{"type": "text", "text": said.text}]


def _details(said: Said) -> dict[str, object] | None:
    """Say why a filter stopped the answer; a plain refusal says nothing, as it may."""
    if said.finish is not Finish.BLOCKED:
        return None
    text = "This request was blocked under Anthropic's Usage Policy."
    return {"type": "refusal", "category": "cyber", "explanation": text}


def usage(said: Said) -> dict[str, object]:
    """Count as Anthropic does: `input_tokens` leaves out what the cache holds."""
    written = said.written_tokens
    return {
        "input_tokens": said.input_tokens - said.cached_tokens - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": said.cached_tokens,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": said.output_tokens,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }


def stream(question: Question, said: Said) -> Reply:
    """Word an answer as named events from message_start to message_stop."""
    before = typed({"type": "message_start", "message": _message(question, said)})
    blocks = _content(said)
    deltas: list[bytes] = []
    after: list[dict[str, object]] = []
    if blocks:
        tool = said.finish is Finish.BAD_TOOL
        empty = blocks[0] if tool else {**blocks[0], "text": ""}
        before += typed({"type": "content_block_start", "index": 0, "content_block": empty})
        kind, word = ("input_json_delta", "partial_json") if tool else ("text_delta", "text")
        for text in cut(said.text):
            delta = {"type": kind, word: text}
            deltas.append(typed({"type": "content_block_delta", "index": 0, "delta": delta}))
        after = [{"type": "content_block_stop", "index": 0}]
    stop: dict[str, object] = {
        "stop_reason": _STOPS.get(said.finish, "end_turn"),
        "stop_sequence": None,
    }
    if details := _details(said):
        stop["stop_details"] = details
    last: dict[str, object] = {"type": "message_delta", "delta": stop}
    last["usage"] = {"output_tokens": said.output_tokens}
    return streamed(
        before + PING,
        deltas,
        typed(*after, last, {"type": "message_stop"}),
        headers(said),
        ping=PING,
        error=event(_error(529, "overloaded_error", "Overloaded").body, "error"),
    )


def count_tokens(found: int) -> Reply:
    """Word a count."""
    return Reply(200, {"input_tokens": found})


def headers(said: Said) -> dict[str, str]:
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
        case FaultKind.SPEND_LIMIT:
            text = "Your own spend limit reached. You will regain access next month."
            return _error(fault.status or 400, "invalid_request_error", text)
        case FaultKind.OVERLOADED:
            return _error(fault.status or 529, "overloaded_error", "Overloaded")
        case _:
            return _error(fault.status or 500, "api_error", "Internal server error")


def announced(limit: Limit, left: float) -> dict[str, str]:
    """Tell a true limit of requests; the reset is a time."""
    most = limit.requests or 0
    wait = (most - left) * limit.per / most if most else limit.per
    reset = datetime.now(UTC) + timedelta(seconds=wait)
    return {
        "anthropic-ratelimit-requests-limit": str(most),
        "anthropic-ratelimit-requests-remaining": str(int(left)),
        "anthropic-ratelimit-requests-reset": reset.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


_DIALECT = Dialect(read, write, stream, count_tokens)
VENDOR = Vendor("anthropic", lambda _: _DIALECT, failure, named_model, announced)
