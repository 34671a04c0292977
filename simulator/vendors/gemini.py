"""Gemini's generateContent, streamGenerateContent and countTokens, below `/v1beta/models`."""

import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from simulator.brain.mind import Question
from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Finish, Reply
from simulator.vendors.sse import cut, event, streamed
from simulator.vendors.vendor import Dialect, Said, Vendor, joined

OVERLOADED = "The model is overloaded. Please try again later."
_PATH = re.compile(r"^/v1beta/models/([^/:]+):(\w+)$")
_TYPE = "type.googleapis.com/google.rpc."


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Part(_Wire):
    text: str = ""


class _Content(_Wire):
    role: str = "user"
    parts: list[_Part] = []

    def text(self) -> str:
        return joined([part.text for part in self.parts])


class _Generation(_Wire):
    max_output_tokens: int | None = Field(default=None, ge=1)
    response_mime_type: str = "text/plain"
    response_json_schema: dict[str, JsonValue] | None = None


class _Request(_Wire):
    contents: list[_Content] = Field(min_length=1)
    system_instruction: _Content | None = None
    generation_config: _Generation = _Generation()
    stream: bool | None = None


def read(asked: Asked) -> Question | Reply:
    """Read a request as Gemini would."""
    found = _PATH.match(asked.path)
    if not found or asked.method != "POST":
        return _error(404, "NOT_FOUND", "Requested entity was not found.")
    model, method = found.groups()
    if method not in ("generateContent", "streamGenerateContent", "countTokens"):
        return _bad(f"{method} is not supported for models/{model}.")
    try:
        request = _Request.model_validate_json(asked.body)
    except ValidationError as wrong:
        where = ".".join(str(part) for part in wrong.errors()[0]["loc"])
        return _bad(f"Invalid JSON payload received. {where}: {wrong.errors()[0]['msg']}")
    if request.stream is not None:
        return _bad('Invalid JSON payload received. Unknown name "stream": Cannot find field.')
    generation = request.generation_config
    if generation.response_json_schema and generation.response_mime_type != "application/json":
        return _bad(
            "Function calling or JSON schema with a response mime type:"
            f" '{generation.response_mime_type}' is unsupported"
        )
    return Question(
        vendor="gemini",
        model=model,
        system=request.system_instruction.text() if request.system_instruction else "",
        user=joined([c.text() for c in request.contents if c.role == "user"]),
        schema=generation.response_json_schema,
        max_output_tokens=generation.max_output_tokens,
        sample=asked.sample,
        stream=method == "streamGenerateContent",
        counts=method == "countTokens",
    )


def _bad(message: str) -> Reply:
    return _error(400, "INVALID_ARGUMENT", message)


def _error(
    code: int, status: str, message: str, details: Sequence[Mapping[str, object]] | None = None
) -> Reply:
    error: dict[str, object] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = details
    return Reply(code, {"error": error}, {"server-timing": "gfet4t7; dur=40"})


_FINISHES = {
    Finish.TRUNCATED: "MAX_TOKENS",
    Finish.BLOCKED: "SAFETY",
    Finish.BAD_TOOL: "MALFORMED_FUNCTION_CALL",
}
HEADERS = {"server-timing": "gfet4t7; dur=900"}


def write(question: Question, said: Said) -> Reply:
    """Word an answer as a GenerateContentResponse."""
    finish = _FINISHES.get(said.finish, "STOP")
    return Reply(200, _response(question, said, said.text, finish, said.output_tokens), HEADERS)


def _response(
    question: Question, said: Said, text: str, finish: str, output: int
) -> dict[str, object]:
    """Build a response, or one piece of a stream: without a finish it is not the last."""
    head = {"modelVersion": question.model, "responseId": said.hash[:22]}
    if said.finish is Finish.REFUSAL:
        blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
        return {**blocked, "usageMetadata": _usage(said, None), **head}
    spoken = said.finish not in (Finish.BLOCKED, Finish.BAD_TOOL)
    content = {"role": "model", "parts": [{"text": text}]} if spoken else {}
    candidate: dict[str, object] = {"content": content, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    if said.finish is Finish.BLOCKED:
        rating = {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "LOW"}
        candidate["safetyRatings"] = [{**rating, "blocked": True}]
    return {"candidates": [candidate], "usageMetadata": _usage(said, output), **head}


def _usage(said: Said, output: int | None) -> dict[str, object]:
    usage: dict[str, object] = {
        "promptTokenCount": said.input_tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": said.input_tokens}],
        "totalTokenCount": said.input_tokens + (output or 0),
        "serviceTier": "standard",
    }
    if output is not None:
        usage["candidatesTokenCount"] = output
    if said.cached_tokens:
        usage["cachedContentTokenCount"] = said.cached_tokens
    return usage


def stream(question: Question, said: Said) -> Reply:
    """Word an answer as whole responses without names; the last one has a finish reason."""
    spoken = said.finish in (Finish.NORMAL, Finish.TRUNCATED)
    *parts, last = (cut(said.text) if spoken else []) or [""]
    length = max(len(said.text), 1)
    events, done = [], 0
    for part in parts:
        done += len(part)
        so_far = said.output_tokens * done // length
        events.append(event(_response(question, said, part, "", so_far)))
    finish = _FINISHES.get(said.finish, "STOP")
    after = event(_response(question, said, last, finish, said.output_tokens))
    error = event(_error(503, "UNAVAILABLE", OVERLOADED).body)
    return streamed(b"", events, after, HEADERS, error=error)


def count_tokens(found: int) -> Reply:
    """Word a count."""
    details = [{"modality": "TEXT", "tokenCount": found}]
    return Reply(200, {"totalTokens": found, "promptTokensDetails": details}, HEADERS)


def failure(fault: Fault) -> Reply:
    """Word a fault as Gemini does: waits stand in the body, not in a header."""
    exhausted = "RESOURCE_EXHAUSTED"
    match fault.kind:
        case FaultKind.RATE_LIMITED:
            seconds = 1.0 if fault.retry_after is None else fault.retry_after
            text = f"You exceeded your current quota. Please retry in {seconds}s."
            wait = {"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{seconds:g}s"}
            details = (_quota("GenerateRequestsPerMinutePerProjectPerModel"), wait)
            return _error(fault.status or 429, exhausted, text, details)
        case FaultKind.QUOTA:
            text = "You exceeded your current quota, please check your plan and billing details."
            daily = _quota("GenerateRequestsPerDayPerProjectPerModel")
            return _error(fault.status or 429, exhausted, text, [daily])
        case FaultKind.OVERLOADED:
            return _error(fault.status or 503, "UNAVAILABLE", OVERLOADED)
        case FaultKind.SPEND_LIMIT:
            text = "Your prepayment credits are depleted. Please go to AI Studio to manage billing."
            return _error(fault.status or 402, "FAILED_PRECONDITION", text)
        case _:
            return _error(fault.status or 500, "INTERNAL", "An internal error has occurred.")


def _quota(identity: str) -> Mapping[str, object]:
    metric = "generativelanguage.googleapis.com/generate_content_requests"
    violation = {"quotaMetric": metric, "quotaId": identity}
    return {"@type": f"{_TYPE}QuotaFailure", "violations": [violation]}


def _model(asked: Asked) -> str:
    found = _PATH.match(asked.path)
    return found.group(1) if found else ""


_DIALECT = Dialect(read, write, stream, count_tokens)
VENDOR = Vendor("gemini", lambda _: _DIALECT, failure, _model)
