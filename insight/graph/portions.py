"""What a span's time was spent on, and how many were at work at once."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from insight.graph.clocks import clipped, merged, total
from insight.graph.flow import Level, Wait
from insight.history.spans import MESSAGES, WORK, Span, SpanKind

Portion = tuple[Wait, datetime, datetime]
"""A stretch of one span's time: on what, from, to."""

PERSONS = frozenset(
    {"approval", "approve", "approved", "confirm", "confirmed", "decide", "decided", "decision"}
    | {"decline", "declined", "reject", "rejected", "rejection", "review", "reviewed"}
)
"""Words in the name of a message that only a person sends; our gates take `decide`."""


def awaited(name: str) -> Wait:
    """Name the wait for a message by its name: PERSON where a word of it says so, else EVENT."""
    spread = "".join(f" {c.lower()}" if c.isupper() else c if c.isalpha() else " " for c in name)
    return Wait.EVENT if PERSONS.isdisjoint(spread.split()) else Wait.PERSON


def portions(span: Span, until: datetime) -> tuple[Portion, ...]:
    """Split a span's time, up to its end or `until`, by what it was spent on; they touch.

    An open activity counts as at work: its history does not tell when an attempt began. Messages
    are no time of the workflow's: they have no portions.
    """
    begin, end = span.scheduled, max(span.ended or until, span.scheduled)
    if span.kind in MESSAGES:
        return ()
    if span.kind is SpanKind.TIMER:
        return ((Wait.TIMER, begin, end),)
    if span.kind is SpanKind.SENT:
        return ((Wait.EVENT, begin, end),)
    if span.started is None:
        queued = span.ended is not None and span.kind is SpanKind.ACTIVITY
        return ((Wait.QUEUE if queued else Wait.RUN, begin, end),)
    start = min(max(span.started, begin), end)
    permit = min(start + span.limited, end)
    before = Wait.RETRY if span.attempt > 1 else Wait.QUEUE
    cut = ((before, begin, start), (Wait.LIMITER, start, permit), (Wait.RUN, permit, end))
    return tuple(portion for portion in cut if portion[1] < portion[2])


def retry_cost(span: Span) -> timedelta:
    """Give the time an activity's failed attempts and the pauses after them took.

    From when it was scheduled to when its last attempt began, so the queue wait of a retried
    activity is in it: a history tells only the last start.
    """
    return sum(
        (b - a for wait, a, b in portions(span, span.scheduled) if wait is Wait.RETRY), _NONE
    )


_NONE = timedelta()


def levels(spans: Iterable[Span], until: datetime) -> tuple[Level, ...]:
    """Tell how many spans of work were open, at each moment that changed."""
    change: dict[datetime, int] = {}
    for span in spans:
        end = span.ended or until
        if span.kind in WORK and span.scheduled < end:
            change[span.scheduled] = change.get(span.scheduled, 0) + 1
            change[end] = change.get(end, 0) - 1
    found, count = [], 0
    for at in sorted(change):
        if change[at]:
            count += change[at]
            found.append(Level(at=at, open=count))
    return tuple(found)


def utilisation(spans: Sequence[Span], peak: int, within: tuple[datetime, datetime]) -> float:
    """Give work done over what `peak` places could have done while any was open (0 to 1)."""
    work = [(s.scheduled, s.ended or within[1]) for s in spans if s.kind in WORK]
    work = clipped(work, within)
    busy = total(merged(work))
    return min(total(work) / (peak * busy), 1.0) if busy and peak else 0.0
