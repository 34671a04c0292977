"""Server-sent events: their framing, and an answer cut into the pieces that are streamed."""

import json
from collections.abc import Iterable, Mapping

from simulator.exchange import Reply, Stream

MEDIA_TYPE = "text/event-stream; charset=utf-8"
MOST_PIECES = 20


def _json(data: object) -> str:
    """Write JSON without spaces, as vendors do."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def event(data: object, name: str = "") -> bytes:
    """Frame one event; a text as it stands, anything else as JSON."""
    text = data if isinstance(data, str) else _json(data)
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {text}\n\n".encode()


def typed(*events: dict[str, object]) -> bytes:
    """Frame events that are named by their type."""
    return b"".join(event(data, str(data["type"])) for data in events)


def cut(text: str) -> list[str]:
    """Cut a text into at most 20 pieces of at least 8 characters; none for an empty one."""
    size = max(8, -(-len(text) // MOST_PIECES))
    return [text[start : start + size] for start in range(0, len(text), size)]


def streamed(
    before: bytes, deltas: Iterable[bytes], after: bytes, headers: Mapping[str, str], **words: bytes
) -> Reply:
    """Make a streamed reply of what opens it, the deltas, and what ends it.

    `words` are the vendor's `ping` and `error`.
    """
    first, *middle = [*deltas] or [b""]
    return Reply(200, Stream((before + first, *middle, after), **words), headers, MEDIA_TYPE)
