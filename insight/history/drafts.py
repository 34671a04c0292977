"""Spans while the events of a run are read: begun by one event, changed by later ones."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message
from temporalio.api.common.v1 import Header
from temporalio.api.history.v1 import HistoryEvent

from insight.history import payloads
from insight.history.spans import RUN, Span, SpanKind, SpanState


def when(event: HistoryEvent) -> datetime:
    """Give the time of an event, to the microsecond, in UTC."""
    return event.event_time.ToDatetime(UTC)


def attributes(event: HistoryEvent) -> Any:
    """Give what is particular to an event's type; None where it holds nothing."""
    group = event.WhichOneof("attributes")
    return getattr(event, group) if group else None


@dataclass
class Book:
    """Spans by kind and id of the event that began them, as fields by name.

    Only samplers of several runs use an id twice; the kind keeps those apart too. `asked` holds
    the events that scheduled activities. `turn` is when the workflow's code began the stretch of
    work that the last workflow task read closed, `turned` the id of that task's closing event.
    """

    drafts: dict[tuple[SpanKind, int], dict[str, Any]] = field(default_factory=dict)
    updates: dict[str, int] = field(default_factory=dict)
    asked: dict[int, HistoryEvent] = field(default_factory=dict)
    paid: set[payloads.Question] = field(default_factory=set)
    closed: bool = False
    turn: datetime | None = None
    turned: int = 0

    def begin(
        self,
        kind: SpanKind,
        name: str,
        event: HistoryEvent,
        header: Header | None = None,
        **more: object,
    ) -> None:
        """Begin a span with an event, under the task whose command the event carries out.

        An event without a number of its own begins nothing: no other could name it.
        """
        if not 0 < event.event_id < RUN:
            return
        self.drafts[kind, event.event_id] = {
            "kind": kind,
            "name": name,
            "branch": payloads.branch(event, header),
            "scheduled": when(event),
            "id": event.event_id,
            "task": getattr(attributes(event), "workflow_task_completed_event_id", 0),
            **more,
        }

    def change(self, kind: SpanKind, begun: int, **update: object) -> None:
        """Change a span; nothing happens if none was begun."""
        if (draft := self.drafts.get((kind, begun))) is not None:
            draft.update(update)

    def frozen(self) -> tuple[Span, ...]:
        """Give the spans, ascending by id; what the end of the run cut off is abandoned."""
        found = sorted(self.drafts.values(), key=lambda draft: draft["id"])
        return tuple(self._frozen(draft) for draft in found)

    def _frozen(self, draft: dict[str, Any]) -> Span:
        """Make the span; where clocks differ between machines, it still ends after it began."""
        latest: datetime = draft["scheduled"]
        for name in ("started", "ended"):
            if draft.get(name) is not None:
                latest = draft[name] = max(draft[name], latest)
        if self.closed and "state" not in draft:
            draft["state"] = SpanState.ABANDONED
        return Span(**draft)


Handler = Callable[[Book, HistoryEvent], None]
"""Reads one event into a book."""


_LINKS = {
    SpanKind.ACTIVITY: "scheduled_event_id",
    SpanKind.TIMER: "started_event_id",
    SpanKind.CHILD: "initiated_event_id",
    SpanKind.NEXUS: "scheduled_event_id",
    SpanKind.SENT: "initiated_event_id",
}
"""The field in which a closing event names the event that began the span."""


def ending(kind: SpanKind, state: SpanState) -> Handler:
    """Close a span of `kind`; why it failed is read where the event says it."""
    link = _LINKS[kind]

    def close(book: Book, event: HistoryEvent) -> None:
        said = attributes(event)
        error = payloads.why(said) if isinstance(said, Message) else ""
        begun: int = getattr(said, link, 0)
        closing = {"ended": when(event), "state": state, "closing": event.event_id}
        book.change(kind, begun, error=error, **closing)

    return close
