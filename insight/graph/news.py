"""What a workflow's code learns and when: the news each workflow task had seen, and what it did.

A workflow task that completed saw the events after the start of the last one that completed and up
to its own start. Tasks that failed gave no commands, and the next one sees their news again. Events
that came while a task ran were written after it, so ids alone decide.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from insight.graph.flow import END, START
from insight.history.book import CLOSED_AS
from insight.history.drafts import attributes, when
from insight.history.spans import MESSAGES, Span, SpanKind

_E = EventType
FAR = 500
"""News looked at in a turn where each command saw others than the one before: the last of them."""
_AT_ONCE = timedelta(milliseconds=100)
"""The server asks for a task that goes on with another in the moment in which that one closes."""
_FROM_OUTSIDE = frozenset(
    {_E.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, _E.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED}
)
_OF_RUN = frozenset(
    {_E.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, _E.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED}
)
_NEWS = (
    _FROM_OUTSIDE
    | _OF_RUN
    | {
        _E.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
        _E.EVENT_TYPE_ACTIVITY_TASK_FAILED,
        _E.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
        _E.EVENT_TYPE_ACTIVITY_TASK_CANCELED,
        _E.EVENT_TYPE_TIMER_FIRED,
        _E.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED,
        _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED,
        _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED,
        _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED,
        _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT,
        _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED,
        _E.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED,
        _E.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED,
        _E.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED,
        _E.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED,
        _E.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
        _E.EVENT_TYPE_NEXUS_OPERATION_STARTED,
        _E.EVENT_TYPE_NEXUS_OPERATION_COMPLETED,
        _E.EVENT_TYPE_NEXUS_OPERATION_FAILED,
        _E.EVENT_TYPE_NEXUS_OPERATION_TIMED_OUT,
        _E.EVENT_TYPE_NEXUS_OPERATION_CANCELED,
    }
)


@dataclass(frozen=True)
class News:
    """What `event` told of `cause`: a span, or the run itself (`START`)."""

    cause: int
    event: HistoryEvent
    message: bool = False


@dataclass(frozen=True)
class Effect:
    """What a command did: the span it began, or `END`. `seen` counts the turn's own news before."""

    id: int
    event: HistoryEvent
    seen: int


@dataclass
class Turn:
    """A completed workflow task: `news` before it, `own` news made in it, and its effects.

    Own news are updates it accepted and local activities it ran. `carried` tells that nothing new
    was there, so `news` are those of the turn before; `blurred`, that some news is of unknown
    origin. `under_way` is what led to local activities that earlier turns may have left under way,
    and `far` how much of it is too far back to be looked at.
    """

    news: list[News]
    own: list[News] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    carried: bool = False
    blurred: bool = False
    under_way: list[News] = field(default_factory=list)
    far: int = 0


def turns(events: Iterable[HistoryEvent], spans: Iterable[Span]) -> list[Turn]:
    """Read the turns of one run, in order. Gaps in a history leave gaps here, no errors."""
    reading = _Reading({span.id: span for span in spans})
    for event in events:
        reading.take(event)
    return reading.turns


class _Reading:
    """The state of reading: what is not yet seen by a turn, and the turns so far."""

    def __init__(self, spans: dict[int, Span]) -> None:
        self.spans = spans
        self.causes = {span.closing: span.id for span in spans.values() if span.closing}
        self.causes |= {span.taken: span.id for span in spans.values() if span.taken}
        self.updates: dict[str, int] = {}
        self.unseen: list[News | HistoryEvent] = []
        self.turns: list[Turn] = []
        self.by_task: dict[int, Turn] = {}
        self.closed: datetime | None = None
        """When the last task completed, until another is asked for."""
        self.fresh = False
        """Whether news came since."""
        self.goes_on: bool | None = None
        """Whether the task under way goes on with the one before; None if nothing says."""

    def take(self, event: HistoryEvent) -> None:
        kind, key = event.event_type, event.event_id
        if kind == _E.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            begun = event.workflow_task_completed_event_attributes.started_event_id
            self._turn(key, begun or key)
            self.closed, self.fresh, self.goes_on = when(event), False, None
        elif kind == _E.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
            self._asked(event)
        elif kind in _NEWS:
            self.fresh |= self.closed is not None and when(event) > self.closed
            cause = START if kind in _OF_RUN else self.causes.get(key)
            told = event if cause is None else News(cause, event, kind in _FROM_OUTSIDE)
            self.unseen.append(told)
        elif kind == _E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED:
            request = event.workflow_execution_update_admitted_event_attributes.request
            self.updates[request.meta.update_id] = key
        elif kind == _E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            self._accepted(event)
        elif kind in CLOSED_AS:
            self._effect(END, event)
        elif key in self.spans and self.spans[key].kind not in MESSAGES:
            self._effect(key, event)

    def _turn(self, completed: int, begun: int) -> Turn:
        """Open the turn of a task that completed, with all news before it began."""
        seen = [told for told in self.unseen if _id(told) < begun]
        self.unseen = self.unseen[len(seen) :]
        turn = Turn([told for told in seen if isinstance(told, News)])
        turn.blurred = len(turn.news) < len(seen)
        goes_on = not seen if self.goes_on is None else self.goes_on
        if self.turns and (goes_on or not seen):
            _follow(turn, self.turns[-1], carried=not seen, goes_on=goes_on)
        self.turns.append(turn)
        self.by_task[completed] = turn
        return turn

    def _asked(self, event: HistoryEvent) -> None:
        """See whether a task goes on with the one before: asked for as that closed, not by news."""
        if self.closed is not None:
            self.goes_on = not self.fresh and when(event) - self.closed <= _AT_ONCE
            self.closed = None

    def _of(self, event: HistoryEvent) -> Turn | None:
        """Find the turn whose command an event carries out; None if none can be told."""
        key = getattr(attributes(event), "workflow_task_completed_event_id", 0)
        if key in self.by_task:
            return self.by_task[key]
        if 0 < key < event.event_id:  # its end was left out of the history
            return self._turn(key, key)
        return self.turns[-1] if self.turns else None

    def _effect(self, key: int, event: HistoryEvent) -> None:
        by_command = getattr(attributes(event), "workflow_task_completed_event_id", 0)
        if (key == END and not by_command) or (turn := self._of(event)) is None:
            return  # the server closed the run, or nothing is known
        turn.effects.append(Effect(key, event, len(turn.own)))
        if key in self.spans and self.spans[key].kind is SpanKind.LOCAL:
            turn.own.append(News(key, event))

    def _accepted(self, event: HistoryEvent) -> None:
        said = event.workflow_execution_update_accepted_event_attributes
        known = said.accepted_request.meta.update_id or said.protocol_instance_id
        cause = self.updates.get(known, event.event_id)
        if self.turns and cause in self.spans:
            self.turns[-1].own.append(News(cause, event, message=True))


def _follow(turn: Turn, last: Turn, *, carried: bool, goes_on: bool) -> None:
    """Take over what the turn before knew: as news where there is none, else for what goes on."""
    told = [*last.news, *last.own]
    if goes_on:
        turn.under_way, turn.far = [*last.under_way, *([] if carried else told)], last.far
        turn.blurred |= last.blurred
    if carried:
        turn.far += max(len(told) - FAR, 0)
        turn.news, turn.carried, turn.blurred = told[-FAR:], True, last.blurred
    turn.far += max(len(turn.under_way) - FAR, 0)
    turn.under_way = turn.under_way[-FAR:]


def _id(told: News | HistoryEvent) -> int:
    return (told.event if isinstance(told, News) else told).event_id


def texts(event: HistoryEvent) -> Iterator[bytes]:
    """Give the JSON texts an event carries in or out: inputs, results, arguments."""
    said = attributes(event)
    if said is not None and event.event_type == _E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
        said = said.accepted_request
    for name in ("input", "result", "args"):
        held = getattr(said, name, None)
        held = getattr(held, "args", held)
        given = [held] if isinstance(held, Payload) else getattr(held, "payloads", ())
        yield from (p.data for p in given if p.metadata.get("encoding", b"").startswith(b"json/"))
    if event.event_type == _E.EVENT_TYPE_MARKER_RECORDED and said is not None:
        yield from (p.data for found in said.details.values() for p in found.payloads)
