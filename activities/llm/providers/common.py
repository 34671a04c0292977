"""What every provider shares: the outcome of a reply and its reading."""

import json
from collections.abc import Callable, Mapping
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


@dataclass(frozen=True)
class Parsed:
    """A reply as read: its text, its tokens, its outcome and the vendor's word for that."""

    text: str
    usage: Usage
    outcome: ReplyOutcome
    finish: str = ""


MALFORMED = Parsed("", Usage(), ReplyOutcome.MALFORMED)


@dataclass(frozen=True)
class Provider:
    """One API's wire format, as two pure functions. Without a schema, free text is asked for."""

    build: Callable[[ModelRequest, Schema | None, Endpoint], HttpRequest]
    parse: Callable[[bytes], Parsed]


def json_request(path: str, body: Mapping[str, object], headers: Mapping[str, str]) -> HttpRequest:
    """Make a POST of JSON; headers with an empty value are left out (no key, no header)."""
    kept = {name: value for name, value in headers.items() if value}
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"content-type": "application/json"} | kept
    return HttpRequest("POST", path, content, headers, streamed=True)


def opened(body: bytes) -> dict[str, Any]:
    """Read a body as a JSON object; anything else reads as an empty one."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def part(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Give an object inside an object; empty if it is null, missing or something else."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def parts(value: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Give a list of objects inside an object, leaving out what is not an object."""
    found = value.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def count(value: Mapping[str, Any], name: str) -> int:
    """Give a number of tokens; 0 if it is null or missing."""
    found = value.get(name)
    return found if isinstance(found, int) else 0


def text_of(value: Mapping[str, Any], name: str) -> str:
    """Give a text; empty if it is null, missing or no text."""
    found = value.get(name)
    return found if isinstance(found, str) else ""
