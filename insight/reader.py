"""Read a history into ordered events, from the SDK or from JSON text of any origin."""

import json
from collections.abc import Iterable, Mapping

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from insight.dialects import event_from_json

Events = tuple[HistoryEvent, ...]
"""The events of one run, ascending by event id."""

_EVENT_KEYS = frozenset({"eventId", "event_id", "eventType", "event_type"})


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
    object of events by name, and a list of any of these. Raises NotAHistory.
    """
    found = [ordered(map(event_from_json, run)) for run in _runs(_parsed(text))]
    if not found or not all(found):
        raise NotAHistory("the history has no events")
    return tuple(found)


def _parsed(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except UnicodeDecodeError:
        raise NotAHistory("not text: a history is read from JSON") from None
    except json.JSONDecodeError as error:
        raise NotAHistory(f"not JSON: {error.msg} at line {error.lineno}") from None
    except (RecursionError, ValueError) as error:
        raise NotAHistory(f"JSON of an unusual kind: {error}") from None


def _runs(found: object) -> list[list[Mapping[str, object]]]:
    if isinstance(found, Mapping):
        return _runs_of_object(found)
    if not isinstance(found, list):
        raise NotAHistory(f"JSON, but a {type(found).__name__} where a history was expected")
    if not found or _is_event(found[0]):
        return [_checked(found)]
    return [run for item in found for run in _runs(item)]


def _runs_of_object(found: Mapping[str, object]) -> list[list[Mapping[str, object]]]:
    if isinstance(events := found.get("events"), list):
        return [_checked(events)]
    if isinstance(inner := found.get("history"), Mapping | list):
        return _runs(inner)
    if found and all(map(_is_event, found.values())):
        return [_checked(list(found.values()))]
    raise NotAHistory("JSON, but neither `events` nor `history` is in it")


def _checked(events: list[object]) -> list[Mapping[str, object]]:
    kept = [event for event in events if isinstance(event, Mapping) and _is_event(event)]
    if len(kept) != len(events):
        raise NotAHistory("JSON, but something in its list of events is no event")
    return kept


def _is_event(found: object) -> bool:
    return isinstance(found, Mapping) and not _EVENT_KEYS.isdisjoint(found)
