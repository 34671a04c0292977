"""The likely graph of a run, ready to be walked: what each piece of news followed and led to."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from insight.graph.flow import END, START, Edge, Wait
from insight.graph.portions import awaited
from insight.history.spans import MESSAGES, WORK, Span, SpanKind, SpanState, WorkflowTask

FIRST = 1
"""The id of the event that starts a run."""


@dataclass(frozen=True)
class Point:
    """News on the way: the event that brought it, when, and of which span (or `START`)."""

    event: int
    at: datetime
    cause: int


class Network:
    """Spans of one run by id, their news in order, and the likely edges both ways."""

    def __init__(
        self,
        spans: Iterable[Span],
        edges: Iterable[Edge],
        started: datetime,
        times: Mapping[int, datetime],
        tasks: Iterable[WorkflowTask],
    ) -> None:
        self.spans = {span.id: span for span in spans}
        asked = {task.completed: task.scheduled for task in tasks if task.completed}
        self.asked = dict(sorted(asked.items()))
        self.closed = list(self.asked)
        self.started = started
        likely = [edge for edge in edges if edge.likely]
        self.effects: dict[int, list[int]] = defaultdict(list)
        self.told = {edge.effect: edge.event for edge in likely}
        points = {p.event: p for span in self.spans.values() for p in _ends(span)}
        points.setdefault(FIRST, Point(FIRST, started, START))
        for edge in likely:
            self.effects[edge.event].append(edge.effect)
            if edge.event not in points:
                at = times.get(edge.event, started)
                points[edge.event] = self._point(edge, at)
        self.points = dict(sorted(points.items()))
        self.ids = list(self.points)

    def _point(self, edge: Edge, at: datetime) -> Point:
        span = self.spans.get(edge.cause)
        if span is not None and span.kind is SpanKind.UPDATE:
            at = self._came(span, edge.event)
        elif span is not None and span.started is not None:
            at = span.started  # a child or operation was taken up
        return Point(edge.event, max(at, self.started), edge.cause)

    def _came(self, update: Span, accepted: int) -> datetime:
        """Give by when an update was there: it is told of only as the task closes that took it."""
        place = bisect_left(self.closed, accepted)
        asked = self.asked[self.closed[place - 1]] if place else update.scheduled
        return min(update.scheduled, asked)

    def message(self, point: Point) -> Wait | None:
        """Name the wait that a message ended; None for all other news."""
        span = self.spans.get(point.cause)
        if span is None:
            return Wait.EVENT if point.event > FIRST else None
        return awaited(span.name) if span.kind in MESSAGES else None

    def before(self, point: Point) -> Point | None:
        """Give the news that led to this news; None where the run began, or nothing is known.

        What was begun follows its likely cause; without one in the history, the last news before
        it. A message follows the news at which the workflow last moved: that led to a command, or
        ended the last work that was open.
        """
        if self.message(point) is not None:
            return self.latest(point.event, self.moved)
        return self.cause(point.cause) if point.cause != START else None

    def end(self) -> Point | None:
        """Give the likely news that ended the run; None where no command ended it."""
        return self.points.get(self.told.get(END, 0))

    def cause(self, key: int) -> Point | None:
        """Give the likely news that began a span, else the last news before it."""
        told = self.told.get(key)
        if told is None or told >= key:  # of runs mixed in one history
            return self.latest(key, self.ids)
        return self.points[told]

    def latest(self, event: int, among: list[int]) -> Point | None:
        """Give the last news before an event, out of `among`, which ascends."""
        place = bisect_left(among, event)
        return self.points[among[place - 1]] if place else None

    @cached_property
    def moved(self) -> list[int]:
        """The news at which the workflow moved, ascending."""
        begun = sorted(span.id for span in self.spans.values() if span.kind in WORK)
        found, closed = [], 0
        for key, point in self.points.items():
            span = self.spans.get(point.cause)
            ended = span is not None and span.closing == key and span.kind in WORK
            closed += ended
            if (
                key == FIRST
                or self.effects.get(key)
                or (ended and bisect_right(begun, key) <= closed)
            ):
                found.append(key)
        return found

    def works(self, key: int) -> bool:
        """Tell whether a node of the graph is a span of work."""
        return key in self.spans and self.spans[key].kind in WORK

    def awaited(self, point: Point) -> bool:
        """Tell whether news is the end of work that may have been waited for."""
        span = self.spans.get(point.cause)
        ended = span is not None and span.closing == point.event and span.kind in WORK
        return ended and span is not None and span.state is not SpanState.CANCELLED


def _ends(span: Span) -> Iterable[Point]:
    """Give the news of a span's end: none for what the workflow itself ended."""
    if span.kind is SpanKind.UPDATE:
        return
    told = span.state is not SpanState.CANCELLED or span.kind is not SpanKind.TIMER
    if span.closing and span.ended is not None and told:
        yield Point(span.closing, span.ended, span.id)
