"""The shapes a reply comes in: one JSON object, a JSON array, server-sent events, JSON lines.

Decided by the body alone: content types lie. All shapes become the same list of JSON objects.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_LINE_END = re.compile(r"\r\n|\n|\r")
"""Not `splitlines`: JSON may hold U+2028 and other line ends that are none here."""
DONE = "[DONE]"


@dataclass(frozen=True)
class Frame:
    """One JSON object of a body, with the name of its event if it has one."""

    name: str
    value: dict[str, Any]


@dataclass(frozen=True)
class Frames:
    """A body as read. `done`: `[DONE]` was among it. `ragged`: a piece of it was no JSON."""

    items: tuple[Frame, ...] = ()
    streamed: bool = False
    done: bool = False
    ragged: bool = False


@lru_cache(maxsize=16)
def frames(body: bytes) -> Frames:
    """Read a whole body, whatever its shape. Never raises; nonsense gives no items.

    A reply is judged, priced and read within a moment: it is not decoded each time. Whoever reads
    the frames leaves them as they are.
    """
    text = body.decode("utf-8-sig", "replace")
    try:
        whole = _decoded(text)
    except ValueError:
        lines = _LINE_END.split(text)
        starts = text.lstrip()[:1]
        pieces = [("", [line]) for line in lines if line] if starts == "{" else list(_events(lines))
        return _collected(pieces)
    items = tuple(Frame("", value) for value in _objects(whole))
    return Frames(items, streamed=isinstance(whole, list))


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as deep:
        raise ValueError("nested too deeply") from deep


def _objects(value: Any) -> list[dict[str, Any]]:
    several = value if isinstance(value, list) else [value]
    return [each for each in several if isinstance(each, dict)]


def _events(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Give name and data lines of each event; one without its blank line counts too."""
    name, data = "", list[str]()
    for line in [*lines, ""]:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if data and (not line or field == "event"):
            yield name, data
            name, data = "", []
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif not line:
            name = ""


def _collected(pieces: list[tuple[str, list[str]]]) -> Frames:
    items: list[Frame] = []
    done = ragged = False
    for name, data in pieces:
        for text in _payloads(data):
            if text == DONE:
                done = True
                continue
            try:
                items += [Frame(name, value) for value in _objects(_decoded(text))]
            except ValueError:
                ragged = True
    return Frames(tuple(items), streamed=True, done=done, ragged=ragged)


def _payloads(data: list[str]) -> list[str]:
    """Join the lines of an event; where blank lines were lost, each is an event of its own."""
    joined = "\n".join(data).strip()
    if len(data) > 1:
        try:
            _decoded(joined)
        except ValueError:
            return [line.strip() for line in data if line.strip()]
    return [joined] if joined else []
