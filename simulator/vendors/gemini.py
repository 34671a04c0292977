"""Gemini's generateContent: `POST /v1beta/models/{model}:generateContent`."""

import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from simulator.brain.mind import Question
from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Finish, Reply
from simulator.vendors.vendor import Said, Vendor, joined

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
    if method != "generateContent":
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


def write(question: Question, said: Said) -> Reply:
    """Word an answer as a GenerateContentResponse."""
    usage: dict[str, object] = {
        "promptTokenCount": said.input_tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": said.input_tokens}],
        "totalTokenCount": said.input_tokens,
        "serviceTier": "standard",
    }
    body: dict[str, object] = {"modelVersion": question.model, "responseId": said.hash[:22]}
    if said.finish is Finish.REFUSAL:
        body["promptFeedback"] = {"blockReason": "PROHIBITED_CONTENT"}
    else:
        usage["candidatesTokenCount"] = said.output_tokens
        usage["totalTokenCount"] = said.input_tokens + said.output_tokens
        cut = said.finish is Finish.TRUNCATED
        body["candidates"] = [
            {
                "content": {"role": "model", "parts": [{"text": said.text}]},
                "finishReason": "MAX_TOKENS" if cut else "STOP",
                "index": 0,
            }
        ]
    return Reply(200, {**body, "usageMetadata": usage}, {"server-timing": "gfet4t7; dur=900"})


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
            text = "The model is overloaded. Please try again later."
            return _error(fault.status or 503, "UNAVAILABLE", text)
        case _:
            return _error(fault.status or 500, "INTERNAL", "An internal error has occurred.")


def _quota(identity: str) -> Mapping[str, object]:
    metric = "generativelanguage.googleapis.com/generate_content_requests"
    violation = {"quotaMetric": metric, "quotaId": identity}
    return {"@type": f"{_TYPE}QuotaFailure", "violations": [violation]}


VENDOR = Vendor("gemini", read, write, failure)
