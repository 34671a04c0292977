"""Read recorded exchanges as the gateway would: `python bench/exchanges.py DIR`.

DIR holds `index.csv` and `exchanges/`. Prints one JSON line per file, in the index's order:
what became of the question (`outcome`), what the reply asks of us (`posture`), the sha256 of the
visible text, and the tokens as billed: `input` includes `cached`, `output` includes `reasoning`.
"""

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from activities.llm.dialects import reader
from activities.llm.frames import frames
from activities.llm.providers.common import (
    MALFORMED,
    Parsed,
    ReplyOutcome,
    count,
    part,
    text_of,
)
from activities.llm.reading import Reading, read_with
from activities.posture import Advice, Posture, error_of
from activities.wire import Reply
from workflows.data.llm import Usage

EMPTY = Parsed("", Usage(), ReplyOutcome.OK)
GARBLED = Reading(MALFORMED, Advice(Posture.RETRY))
RUNNING = ("queued", "in_progress")
FORMATS = (
    "response_format",
    "text",
    "output_config",
    "output_format",
    "format",
    "generationConfig",
)
"""Where a request may say that the answer must be JSON."""
FORMS = ("json_schema", "json_object", "application/json", '"format": "json"')


def read(exchange: dict[str, Any]) -> Reading:
    """Read one exchange as it was recorded."""
    response, url = part(exchange, "response"), text_of(part(exchange, "request"), "url")
    headers = {k.lower(): _one(v) for k, v in part(response, "headers").items()}
    body = response.get("body") or ""
    raw = (body if isinstance(body, str) else json.dumps(body)).encode("utf-8", "replace")
    reply = Reply(int(response["status"]), headers, raw)
    address = urlsplit(url)
    parse = reader(raw, address.path)
    if parse is None:
        # Counts, caches, files: an answer, but none of a model. Or an error, or nonsense.
        plain = frames(raw).items and not any(error_of(f.value) for f in frames(raw).items)
        parse = _beside if plain else (lambda _: MALFORMED)
    reading = read_with(parse, address.hostname or "vendor", reply, datetime.now(UTC))
    if reading.parsed.finish in RUNNING and not frames(raw).streamed:
        # Accepted to be made in the background: a good answer, though none to the question yet.
        return Reading(EMPTY, Advice(Posture.NONE))
    return reading


def _beside(body: bytes) -> Parsed:
    """Read an answer of no model; embeddings and compactions say what they used."""
    used = next((u for frame in frames(body).items if (u := part(frame.value, "usage"))), {})
    spent = Usage(
        input_tokens=count(used, "input_tokens", "prompt_tokens"),
        cached_tokens=count(part(used, "input_tokens_details"), "cached_tokens"),
        output_tokens=count(used, "output_tokens", "completion_tokens"),
    )
    return replace(EMPTY, usage=spent)


def _one(value: object) -> str:
    """Give a header's text; recorders keep lists of values."""
    return str(value[0] if isinstance(value, list) and value else value)


def outcome(exchange: dict[str, Any], parsed: Parsed) -> str:
    """Name the outcome; a text that is JSON, where JSON was asked for, is `structured`."""
    if parsed.outcome is ReplyOutcome.OK and _is_json(parsed.text):
        request = part(exchange, "request").get("json")
        if not request or _wants_json(request):
            return "structured"
    return parsed.outcome.value


def _wants_json(request: object) -> bool:
    """Say whether a request names a form of JSON for its answer (tools have forms too)."""
    given = request if isinstance(request, dict) else {}
    said = json.dumps({name: given[name] for name in FORMATS if name in given})
    return isinstance(given.get("format"), dict) or any(form in said for form in FORMS)


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def line(name: str, exchange: dict[str, Any], reading: Reading) -> dict[str, object]:
    """Give the line of one file. A malformed reply that was paid for is asked for once more."""
    parsed, posture = reading.parsed, reading.advice.posture
    if parsed.outcome is ReplyOutcome.MALFORMED and posture is Posture.NONE:
        posture = Posture.RETRY
    usage = parsed.usage
    return {
        "file": name,
        "outcome": outcome(exchange, parsed),
        "posture": posture.value,
        "text_sha256": sha256(parsed.text.encode()).hexdigest(),
        "usage": {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cached": usage.cached_tokens,
            "reasoning": usage.reasoning_tokens,
        },
    }


def lines(folder: Path) -> Iterator[dict[str, object]]:
    """Give the lines of a folder; a file that cannot be read is `malformed`."""
    with (folder / "index.csv").open(newline="", encoding="utf-8") as rows:
        names = [row["file"] for row in csv.DictReader(rows)]
    for name in names:
        try:
            exchange = json.loads((folder / name).read_bytes())
            reading = read(exchange)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            exchange, reading = {}, GARBLED
        yield line(name, exchange, reading)


def main() -> None:
    """Print the lines of the folder given."""
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "index.csv").is_file():
        sys.exit("usage: python bench/exchanges.py DIR, where DIR holds index.csv and exchanges/")
    for each in lines(Path(sys.argv[1])):
        print(json.dumps(each))


if __name__ == "__main__":
    main()
