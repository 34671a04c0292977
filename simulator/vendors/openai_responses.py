"""OpenAI's Responses API: `POST .../responses`, and the count of its input tokens."""

import time
from collections.abc import Iterator
from itertools import count

from pydantic import BaseModel, Field, JsonValue, ValidationError

from simulator.brain.mind import Question
from simulator.exchange import Asked, Finish, Reply
from simulator.vendors.openai_words import OVERLOADED, REFUSAL, bad, headers, invalid, lost
from simulator.vendors.schema import open_object, optional_properties
from simulator.vendors.sse import cut, streamed, typed
from simulator.vendors.vendor import Dialect, Said, joined

_COUNT = "/input_tokens"


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
    strict: bool | None = False


class _Text(BaseModel):
    format: _Format | None = None


class _Request(BaseModel):
    model: str
    input: str | list[_Item]
    instructions: str | None = None
    text: _Text | None = None
    max_output_tokens: int | None = Field(default=None, ge=16)
    stream: bool | None = False


def read(asked: Asked) -> Question | Reply:
    """Read a request as OpenAI would."""
    counts = asked.path.endswith(_COUNT)
    if asked.method != "POST" or not asked.path.removesuffix(_COUNT).endswith("/responses"):
        return lost(asked)
    try:
        request = _Request.model_validate_json(asked.body)
    except ValidationError as wrong:
        return invalid(wrong)
    form = request.text.format if request.text else None
    if refused := _refused(form):
        return refused
    items = [] if isinstance(request.input, str) else request.input
    system = [item.text() for item in items if item.role in ("system", "developer")]
    user = [item.text() for item in items if item.role == "user"]
    return Question(
        vendor=asked.service,
        model=request.model,
        system=joined([request.instructions or "", *system]),
        user=request.input if isinstance(request.input, str) else joined(user),
        schema=form.json_schema if form else None,
        max_output_tokens=request.max_output_tokens,
        sample=asked.sample,
        stream=bool(request.stream) and not counts,
        counts=counts,
    )


def _refused(form: _Format | None) -> Reply | None:
    if form is None or form.type != "json_schema":
        return None
    if form.json_schema is None or not form.name:
        missing = f"text.format.{'schema' if form.json_schema is None else 'name'}"
        return bad(
            f"Missing required parameter: '{missing}'.", missing, "missing_required_parameter"
        )
    schema = form.json_schema
    if form.strict and (open_object(schema) or optional_properties(schema)):
        return bad(
            f"Invalid schema for response_format '{form.name}': 'additionalProperties' must be"
            " false and 'required' must name every key in properties.",
            "text.format.schema",
            "invalid_json_schema",
        )
    return None


def write(question: Question, said: Said) -> Reply:
    """Word an answer as a response object."""
    return Reply(200, response(question, said), headers(said))


def response(question: Question, said: Said) -> dict[str, object]:
    """Build the response object of a finished answer."""
    now = int(time.time())
    reasons = {Finish.TRUNCATED: "max_output_tokens", Finish.BLOCKED: "content_filter"}
    reason = reasons.get(said.finish)
    return {
        "id": f"resp_{said.hash[:48]}",
        "object": "response",
        "created_at": now,
        "completed_at": None if reason else now,
        "status": "incomplete" if reason else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": question.system or None,
        "max_output_tokens": question.max_output_tokens,
        "metadata": {},
        "model": question.model,
        "output": [] if said.finish is Finish.BLOCKED else [_item(said)],
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


def _item(said: Said) -> dict[str, object]:
    if said.finish is Finish.BAD_TOOL:
        return {
            "id": f"fc_{said.hash[8:56]}",
            "type": "function_call",
            "call_id": f"call_{said.hash[:24]}",
            "name": "search",
            "arguments": said.text,
            "status": "completed",
        }
    return {
        "id": f"msg_{said.hash[8:56]}",
        "type": "message",
        "role": "assistant",
        "status": "incomplete" if said.finish is Finish.TRUNCATED else "completed",
        "content": [_content(said)],
    }


def _content(said: Said) -> dict[str, object]:
    if said.finish is Finish.REFUSAL:
        return {"type": "refusal", "refusal": REFUSAL}
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": said.text}


def _usage(said: Said) -> dict[str, object]:
    cache = {"cached_tokens": said.cached_tokens, "cache_write_tokens": said.written_tokens}
    return {
        "input_tokens": said.input_tokens,
        "input_tokens_details": cache,
        "output_tokens": said.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": said.input_tokens + said.output_tokens,
    }


def stream(question: Question, said: Said) -> Reply:
    """Word an answer as named events, numbered in order; there is no [DONE]."""
    full = response(question, said)
    begun = {**full, "completed_at": None, "status": "in_progress", "incomplete_details": None}
    begun |= {"output": [], "usage": None}
    numbers = count()

    def numbered(kind: object, **fields: object) -> dict[str, object]:
        return {"type": kind, "sequence_number": next(numbers), **fields}

    before = typed(
        numbered("response.created", response=begun),
        numbered("response.in_progress", response=begun),
    )
    middle = [] if said.finish is Finish.BLOCKED else list(_events(said))
    pieces = [typed(*(numbered(**fields) for fields in piece)) for piece in middle]
    after = typed(numbered(f"response.{full['status']}", response=full))
    failed = {**begun, "status": "failed", "error": _failed()}
    error = typed(numbered("error", error=OVERLOADED), numbered("response.failed", response=failed))
    return streamed(before, pieces, after, headers(said), error=error)


def _failed() -> dict[str, object]:
    return {"code": OVERLOADED["code"], "message": OVERLOADED["message"]}


def _events(said: Said) -> Iterator[list[dict[str, object]]]:
    """Give the events of the one output item, those of each piece together, not yet numbered."""
    item, at = _item(said), {"output_index": 0}
    opened = {"kind": "response.output_item.added", **at, "item": _opened(item)}
    closed = {"kind": "response.output_item.done", **at, "item": item}
    place = {"item_id": item["id"], **at}
    if said.finish is Finish.BAD_TOOL:
        kind = "response.function_call_arguments"
        yield [opened]
        yield from ([{"kind": f"{kind}.delta", **place, "delta": d}] for d in cut(said.text))
        yield [{"kind": f"{kind}.done", **place, "arguments": said.text}, closed]
        return
    place["content_index"] = 0
    part = _content(said)
    word = "text" if "text" in part else "refusal"
    kind = "response.output_text" if word == "text" else "response.refusal"
    yield [opened, {"kind": "response.content_part.added", **place, "part": {**part, word: ""}}]
    for delta in cut(str(part[word])):
        yield [{"kind": f"{kind}.delta", **place, "delta": delta}]
    ended = {"kind": "response.content_part.done", **place, "part": part}
    yield [{"kind": f"{kind}.done", **place, word: part[word]}, ended, closed]


def _opened(item: dict[str, object]) -> dict[str, object]:
    empty: dict[str, object] = {"arguments": ""} if "arguments" in item else {"content": []}
    return {**item, **empty, "status": "in_progress"}


def count_tokens(found: int) -> Reply:
    """Word a count."""
    return Reply(200, {"object": "response.input_tokens", "input_tokens": found})


DIALECT = Dialect(read, write, stream, count_tokens)
