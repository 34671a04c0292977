"""A run event by event: what each one says, what stood open after it, and which task saw it."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import AwareDatetime
from temporalio.api.history.v1 import HistoryEvent

from insight.history.book import spans, when
from insight.history.drafts import attributes
from insight.history.reader import Events
from insight.history.spans import Span
from insight.shown.words import title
from workflows.data.common import Record


class Moment(Record):
    """An event, and the state of its run right after it.

    `what` is the kind of event in words, `about` the step or name it tells of. `open` are the
    steps begun and not ended, oldest first. `task` is the event that starts the workflow task in
    which the code learned of it: 0 if there is none any more.
    """

    event: int
    at: AwareDatetime
    what: str
    about: str
    open: tuple[str, ...]
    task: int


def moments(events: Events, tasks: Iterable[int]) -> Iterator[Moment]:
    """Go through a run, ascending. `tasks` are the events that start its workflow tasks."""
    found = spans(events)
    begun = {span.id: span for span in found}
    ended = {span.closing: span for span in found if span.closing}
    ahead = sorted(tasks, reverse=True)
    still: dict[int, Span] = {}
    for event in events:
        key = event.event_id
        while ahead and ahead[-1] < key:
            ahead.pop()
        if key in begun:
            still[key] = begun[key]
        if key in ended:
            still.pop(ended[key].id, None)
        of = begun.get(key) or ended.get(key) or begun.get(_origin(event))
        yield Moment(
            event=key,
            at=when(event),
            what=(event.WhichOneof("attributes") or "").removesuffix("_event_attributes"),
            about=title(of) if of else _about(event),
            open=tuple(title(span) for span in still.values()),
            task=ahead[-1] if ahead else 0,
        )


def _origin(event: HistoryEvent) -> int:
    """Give the event that began what this one goes on with; 0 if there is none."""
    said = attributes(event)
    names = ("scheduled_event_id", "initiated_event_id")
    return next((found for name in names if (found := getattr(said, name, 0))), 0)


def _about(event: HistoryEvent) -> str:
    said: Any = attributes(event)
    name = getattr(getattr(said, "workflow_type", None), "name", "")
    return str(name or getattr(said, "signal_name", "") or getattr(said, "marker_name", ""))
