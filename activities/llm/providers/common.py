"""What every provider shares: the outcome of a reply and its reading."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from activities.llm.schema import Schema
from activities.wire import HttpRequest
from runtime.settings import Endpoint
from workflows.data.llm import ModelRequest, Usage


class ReplyOutcome(StrEnum):
    """What a model did with the question, whatever the vendor calls it."""

    OK = "ok"
    TOOL = "tool"
    REFUSAL = "refusal"
    BLOCKED = "blocked"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    ERROR = "error"
    """No answer but the vendor's error, under whatever status."""


@dataclass(frozen=True)
class ToolCall:
    """A tool the model wants called; `arguments` as written, JSON unless `free`."""

    name: str
    arguments: str
    free: bool = False


@dataclass(frozen=True)
class Parsed:
    """A reply as read: its text, its tokens, its outcome and the vendor's word for that.

    `complete` is false where it broke off: a stream without its end, a run still going.
    """

    text: str
    usage: Usage
    outcome: ReplyOutcome
    finish: str = ""
    tools: tuple[ToolCall, ...] = ()
    complete: bool = True


MALFORMED = Parsed("", Usage(), ReplyOutcome.MALFORMED)
"""What a body reads as that is no reply of this API at all."""

Parse = Callable[[bytes], Parsed]


@dataclass(frozen=True)
class Provider:
    """One API's wire format, as two pure functions. Without a schema, free text is asked for.

    `parse` takes the whole body as received: a stream of events or one JSON object.
    """

    build: Callable[[ModelRequest, Schema | None, Endpoint], HttpRequest]
    parse: Parse


def settled(
    pieces: Iterable[str],
    usage: Usage,
    ended: ReplyOutcome | None,
    finish: str,
    tools: Sequence[ToolCall] = (),
    *,
    complete: bool = True,
) -> Parsed:
    """Decide the outcome. `ended` is what the vendor's word means: OK for an ordinary end, with
    or without tools, None for a word that stands for no usable answer.
    """
    text = joined(pieces)
    outcome = ended or ReplyOutcome.MALFORMED
    if not complete:
        outcome = ReplyOutcome.MALFORMED
    elif outcome is ReplyOutcome.OK and tools:
        outcome = ReplyOutcome.MALFORMED if any(map(_broken, tools)) else ReplyOutcome.TOOL
    elif outcome is ReplyOutcome.OK and not text:
        outcome = ReplyOutcome.MALFORMED
    return Parsed(text, usage, outcome, finish, tuple(tools), complete)


def joined(pieces: Iterable[str]) -> str:
    """Join pieces of text, mending characters that were cut into halves."""
    text = "".join(pieces)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _broken(tool: ToolCall) -> bool:
    if tool.free or not tool.arguments.strip():
        return False
    try:
        return not isinstance(json.loads(tool.arguments), dict)
    except (ValueError, RecursionError):
        return True


def written(arguments: object) -> str:
    """Write the arguments of a tool as text: some vendors send JSON, some JSON in a string."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {})


def json_request(path: str, body: Mapping[str, object], headers: Mapping[str, str]) -> HttpRequest:
    """Make a POST of JSON; headers with an empty value are left out (no key, no header)."""
    kept = {name: value for name, value in headers.items() if value}
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"content-type": "application/json"} | kept
    return HttpRequest("POST", path, content, headers, streamed=True)


def key_header(endpoint: Endpoint, usual: str) -> dict[str, str]:
    """Give the header that carries the key: the endpoint's, else the API's `usual` one."""
    name = (endpoint.auth or usual).lower()
    bearer = "Bearer " if name == "authorization" and endpoint.key else ""
    return {name: bearer + endpoint.key}


def part(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Give an object inside an object; empty if it is null, missing or something else."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def parts(value: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Give a list of objects inside an object, leaving out what is not an object."""
    found = value.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def count(value: Mapping[str, Any], *names: str) -> int:
    """Give a number of tokens by the first of these names that holds one; else 0."""
    found = (value.get(name) for name in names)
    return next((n for n in found if isinstance(n, int) and n > 0), 0)


def text_of(value: Mapping[str, Any], name: str) -> str:
    """Give a text; empty if it is null, missing or no text."""
    found = value.get(name)
    return found if isinstance(found, str) else ""
