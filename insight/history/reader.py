"""Read a history into ordered events, from the SDK or from JSON text of any origin."""

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Mapping

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from insight.history.dialects import event_from_json

Events = tuple[HistoryEvent, ...]
"""The events of one run, ascending by event id."""

_EVENT_KEYS = frozenset({"eventId", "event_id", "eventType", "event_type"})

LARGEST = 1_000_000_000
"""Bytes a packed file may unpack to. The server keeps at most 50 MB of a run."""

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_JSON = json.JSONDecoder()
_SPACE = re.compile(r"\s*")


class NotAHistory(ValueError):
    """The text holds no Temporal history; the message says in one line what it holds."""


def ordered(history: WorkflowHistory | Iterable[HistoryEvent]) -> Events:
    """Order events by id, whichever way round they came."""
    events = history.events if isinstance(history, WorkflowHistory) else history
    return tuple(sorted(events, key=lambda event: event.event_id))


def read_history(text: str | bytes) -> Events:
    """Read the one history in a JSON text. Raises NotAHistory, also when there are several."""
    histories = read_histories(text)
    if len(histories) > 1:
        raise NotAHistory(f"{len(histories)} histories in one file; read them one at a time")
    return histories[0]


def read_histories(text: str | bytes) -> tuple[Events, ...]:
    """Read every history in a JSON text; there is at least one, none is empty.

    Known shapes: an object with `events`, the same inside `history`, a bare list of events, an
    object of events by name, a list or an object of any of these, and JSON lines of them; also
    packed by gzip. Raises NotAHistory.
    """
    return tuple(ordered(map(event_from_json, run)) for run in written(text))


def written(text: str | bytes) -> list[list[Mapping[str, object]]]:
    """Find the events of every history in a JSON text, as they are written and in that order.

    There is at least one history, none is empty. Raises NotAHistory.
    """
    found = _runs(_parsed(text))
    if not found or not all(found):
        raise NotAHistory("the history has no events")
    return found


def _parsed(text: str | bytes) -> object:
    """Parse JSON, one value or several in a row (as JSON lines): those become a list."""
    words = _decoded(text)
    values, at = [], 0
    try:
        while at < len(words):
            value, end = _JSON.raw_decode(words, at)
            values.append(value)
            at = _SPACE.match(words, end).end()  # type: ignore[union-attr]
    except json.JSONDecodeError as error:
        raise NotAHistory(f"not JSON: {error.msg} at line {error.lineno}") from None
    except (RecursionError, ValueError) as error:
        raise NotAHistory(f"JSON of an unusual kind: {error}") from None
    if not values:
        raise NotAHistory("empty: there is not one event in it")
    return values if len(values) > 1 else values[0]


def _decoded(text: str | bytes) -> str:
    """Give the text, unpacked if it was packed by gzip, without the space around it."""
    if isinstance(text, bytes):
        text = _unpacked(text) if text.startswith(_GZIP) else text
        if text.startswith(_ZIP):
            raise NotAHistory("a zip archive, not JSON; unpack it and give a file from it")
        try:
            text = text.decode(json.detect_encoding(text))
        except UnicodeDecodeError:
            raise NotAHistory("not text: a history is read from JSON") from None
    return text.removeprefix("\ufeff").strip()


def _unpacked(packed: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            found = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise NotAHistory(f"packed by gzip, but damaged: {error}") from None
    if len(found) > LARGEST:
        raise NotAHistory(f"unpacks to more than {LARGEST:,} bytes, and no history is as long")
    return found


def _runs(found: object) -> list[list[Mapping[str, object]]]:
    if isinstance(found, Mapping):
        return _runs_of_object(found)
    if not isinstance(found, list):
        raise NotAHistory(f"JSON, but {_kind(found)} where a history was expected")
    if not found or _is_event(found[0]):
        return [_checked(found)]
    return [run for item in found for run in _runs(item)]


def _runs_of_object(found: Mapping[str, object]) -> list[list[Mapping[str, object]]]:
    if isinstance(events := found.get("events"), list):
        return [_checked(events)]
    if isinstance(inner := found.get("history"), Mapping | list):
        return _runs(inner)
    if _is_event(found):
        return [[found]]
    values = list(found.values())
    if values and all(map(_is_event, values)):
        return [_checked(values)]
    if values and all(isinstance(v, Mapping) and {"events", "history"} & set(v) for v in values):
        return _runs(values)
    raise NotAHistory("JSON, but neither `events` nor `history` is in it")


_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number"}


def _kind(found: object) -> str:
    return _KINDS.get(type(found), "null")


def _checked(events: list[object]) -> list[Mapping[str, object]]:
    kept = [event for event in events if isinstance(event, Mapping) and _is_event(event)]
    if len(kept) != len(events):
        raise NotAHistory("JSON, but something in its list of events is no event")
    return kept


def _is_event(found: object) -> bool:
    return isinstance(found, Mapping) and not _EVENT_KEYS.isdisjoint(found)
