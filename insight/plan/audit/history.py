"""The audit of a recorded run: what ran in turn though no data flowed, whoever wrote the process.

A piece of a run is a branch with all its calls, or a call of no branch.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from pydantic import BaseModel, ValidationError
from temporalio.api.enums.v1 import EventType

from insight.graph.causality import causes
from insight.graph.news import texts
from insight.history.book import spans
from insight.history.reader import Events
from insight.history.spans import WORK, Span, SpanState
from insight.plan.audit import data
from insight.plan.audit.findings import AuditFinding, Code
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.filters import BadTemplate
from workflows.data.blueprints.references import needs_of

_NOTED = frozenset(
    {
        EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
        EventType.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED,
    }
)
"""By these a workflow tells where it stands: it decided something."""
_LEAST = 0.05
"""Seconds of waiting worth telling of."""


@dataclass
class _Piece:
    """Its calls, what it was asked, and what is new in what it gave."""

    name: str
    spans: list[Span] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    gave: dict[int, set[str]] = field(default_factory=dict)
    """By the event that brought it."""

    @property
    def begun(self) -> Span:
        """Its first call."""
        return min(self.spans, key=lambda span: span.id)


@dataclass(frozen=True)
class Known:
    """Calls known by name: `aside` are the engine's own, which nobody waits for by choice;
    `ordered` change or look at the outside world, so their order may matter without data.
    """

    aside: frozenset[str] = frozenset()
    ordered: frozenset[str] = frozenset()


def audit_history(events: Events, known: Known = Known()) -> tuple[AuditFinding, ...]:
    """Find the pieces of a run that waited for another of which they used nothing.

    `events` are those of one run, ascending. Only what can be read is judged: a piece whose answer
    holds no text (a label, a figure, a reference, encrypted) is never said to have been waited for
    in vain, nor is one that puts several others together said to be late. Not judged either is an
    order by which something was decided: a path was noted meanwhile, or the blueprint that ran asks
    for it. A finding stands at ("events", id): the event that began the late piece.
    """
    run = _Run(events, known)
    late: dict[str, list[_Late]] = defaultdict(list)
    for piece in run.pieces:
        if found := run.late(piece):
            late[found.cause].append(found)
    return tuple(_finding(group) for group in late.values())


@dataclass(frozen=True)
class _Late:
    """A piece that waited in vain, for whom, and for how many seconds."""

    piece: str
    cause: str
    event: int
    seconds: float


class _Run:
    def __init__(self, events: Events, known: Known) -> None:
        self.known = known
        self.by_id = {event.event_id: event for event in events}
        self.spans = {span.id: span for span in spans(events)}
        edges = causes(events, self.spans.values()).edges
        self.began = {edge.effect: edge.cause for edge in edges if edge.likely}
        self.pieces = self._pieces()
        self.of = {span.id: piece for piece in self.pieces for span in piece.spans}
        self.input = data.given(texts(events[0])) if events else set()
        self.makers = self._makers()
        self.asked = _asked(events)
        self.start = events[0].event_time.ToDatetime(tzinfo=UTC) if events else None

    def late(self, piece: _Piece) -> _Late | None:
        """Tell whether a piece waited in vain."""
        first = piece.begun
        cause = self.of.get(self._cause(first.id))
        if cause is None or cause is piece or first.name in self.known.ordered:
            return None
        news = self._new(cause, first.id)
        if not data.prose(news) or news & piece.asked or self._decided(cause, piece):
            return None
        if len(used := self._used(piece, first.id)) > 1:
            return None
        ends = [
            span.ended for p in used for span in p.spans if span.ended and span.closing < first.id
        ]
        there = max(ends, default=self.start)
        waited = (first.scheduled - there).total_seconds() if there else 0.0
        return _Late(piece.name, cause.name, first.id, waited) if waited >= _LEAST else None

    def _decided(self, cause: _Piece, piece: _Piece) -> bool:
        """Tell whether it can be seen that the order is more than data: by what was decided."""
        if cause.name in self.asked.get(piece.name, ()):
            return True
        first = piece.begun.id
        ended = max((s.closing for s in cause.spans if s.closing < first), default=first)
        return any(self.by_id[event].event_type in _NOTED for event in self._between(ended, first))

    def _between(self, one: int, other: int) -> Sequence[int]:
        return [event for event in range(one + 1, other) if event in self.by_id]

    def _cause(self, span: int) -> int:
        """Give the span whose end began this one, past the engine's own calls."""
        cause = self.began.get(span, 0)
        while cause in self.spans and self.spans[cause].name in self.known.aside:
            cause = self.began.get(cause, 0)
        return cause

    def _used(self, piece: _Piece, event: int) -> list[_Piece]:
        """Give the others of which it was asked something they had given by then."""
        told = (self.makers.get(word, ()) for word in piece.asked)
        found = {id(other): other for said in told for at, other in said if at < event}
        return [other for other in found.values() if other is not piece]

    def _makers(self) -> dict[str, list[tuple[int, _Piece]]]:
        """Give by word who gave it as something new, and with which events."""
        found: dict[str, list[tuple[int, _Piece]]] = defaultdict(list)
        for piece in self.pieces:
            for event, said in piece.gave.items():
                for word in said - piece.asked - self.input:
                    found[word].append((event, piece))
        return found

    def _new(self, piece: _Piece, event: int) -> set[str]:
        """What a piece had given by then that nobody knew before."""
        said = [found for at, found in piece.gave.items() if at < event]
        return set().union(*said) - piece.asked - self.input

    def _pieces(self) -> list[_Piece]:
        found: dict[str, _Piece] = {}
        for span in self.spans.values():
            if span.kind not in WORK or span.id not in self.by_id or span.name in self.known.aside:
                continue
            outer = span.branch.partition("/")[0]
            piece = found.setdefault(outer or f"{span.name} {span.id}", _Piece(outer or span.name))
            piece.spans.append(span)
            piece.asked |= data.given(texts(self.by_id[span.id]))
            if span.state is SpanState.COMPLETED and span.closing in self.by_id:
                piece.gave[span.closing] = data.made(texts(self.by_id[span.closing]))
        return [*found.values()]


def _asked(events: Events) -> Mapping[str, Sequence[str]]:
    """Give what each step waits for by the blueprint that ran; nothing of other processes."""
    for text in texts(events[0]) if events else ():
        try:
            needs = needs_of(_Case.model_validate_json(text).blueprint)
        except (ValidationError, BadTemplate):
            continue
        return {name: (*need.hard, *need.soft) for name, need in needs.items()}
    return {}


class _Case(BaseModel):
    """Of a case's input, what it is a case of."""

    blueprint: Blueprint


def _finding(late: Sequence[_Late]) -> AuditFinding:
    names, cause = [found.piece for found in late], late[0].cause
    said = ", ".join(names)
    most = max(found.seconds for found in late)
    return AuditFinding(
        code=Code.SEQUENTIAL,
        at=("events", late[0].event),
        says=f"{said} began when {cause} had ended, and none of what that gave is found in what"
        f" was asked; what was asked was known {most:.2f} s before",
        mend=f"begin beside {cause}; leave it where that answer may decide whether this happens",
        steps=(cause, *names),
    )
