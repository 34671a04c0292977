"""Local activities: they leave one marker when they end, in three forms."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.history.v1 import HistoryEvent

from insight.history import payloads
from insight.history.drafts import Book, when
from insight.history.spans import SpanKind, SpanState

MARKERS = frozenset({"core_local_activity", "LocalActivity"})
"""Python, TypeScript and others over the core write the first, Go and Java the second."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def marker(book: Book, event: HistoryEvent) -> None:
    """Read a local activity from its marker; other markers are no spans.

    Its end and attempt are the worker's word; where that contradicts the server's clock the
    marker's own time stands. Without a start in the marker it began, at the earliest, when the
    workflow's code began to work: all that is known.
    """
    said = event.marker_recorded_event_attributes
    if said.marker_name not in MARKERS:
        return
    told = _told(event)
    last = when(event)
    began = _moment(_first(told, "original_schedule_time", "firstSkd"))
    began = min(began or book.turn or last, last)
    ended = _moment(_first(told, "complete_time", "ReplayTime", "time"))
    attempt = _first(told, "attempt", "Attempt", "atpt")
    failed = said.HasField("failure")
    book.begin(
        SpanKind.LOCAL,
        str(_first(told, "activity_type", "ActivityType", "type") or ""),
        event,
        said.header,
        scheduled=began,
        started=began,
        ended=ended if ended and began <= ended <= last else last,
        attempt=max(attempt, 1) if isinstance(attempt, int) else 1,
        state=SpanState.FAILED if failed else SpanState.COMPLETED,
        error=payloads.reason(said.failure),
        closing=event.event_id,
    )


def _told(event: HistoryEvent) -> Mapping[str, object]:
    """Gather what a marker says, whether in one object (`data`, `meta`) or a detail for each."""
    details = event.marker_recorded_event_attributes.details
    alone = {k: payloads.value(v.payloads[0]) for k, v in details.items() if v.payloads}
    return {
        **alone,
        **payloads.fields(details["data"].payloads if "data" in details else ()),
        **payloads.fields(details["meta"].payloads if "meta" in details else ()),
    }


def _first(told: Mapping[str, object], *names: str) -> object:
    return next((told[name] for name in names if told.get(name) is not None), None)


def _moment(found: object) -> datetime | None:
    """Read a time: seconds and nanoseconds, milliseconds since 1970, or ISO 8601."""
    try:
        if isinstance(found, Mapping):
            seconds, nanos = found.get("seconds"), found.get("nanos", 0)
            return _EPOCH + timedelta(seconds=int(str(seconds)), microseconds=int(nanos) / 1000)
        if isinstance(found, int) and not isinstance(found, bool):
            return _EPOCH + timedelta(milliseconds=found)
        if isinstance(found, str):
            moment = Timestamp()
            moment.FromJsonString(found)
            return moment.ToDatetime(UTC)
    except (ValueError, TypeError, OverflowError):
        pass
    return None
