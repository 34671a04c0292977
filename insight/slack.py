"""By how much each span could have ended later without the run ending later."""

from datetime import datetime, timedelta

from insight.flow import END
from insight.network import Network, Point
from insight.spans import SpanState

_NONE = timedelta()


def slacks(
    network: Network, until: datetime, critical: frozenset[int]
) -> dict[int, tuple[timedelta, timedelta]]:
    """Give slack and join of each span that ended, by its id; `critical` spans have no slack.

    A span that triggered something has the least slack of that. What triggered nothing lies there
    until later news triggers something (the join); as any later trigger may have waited for it,
    its slack is the least that any of them leaves. Spans still open leave none, abandoned ones do
    not bind.
    """
    found: dict[int, tuple[timedelta, timedelta]] = {}
    latest, trigger = until, until
    for point in reversed(_all_points(network)):
        left = _least(network, point, found)
        if left is None:
            slack, join = max(latest - point.at, _NONE), max(trigger - point.at, _NONE)
        else:
            slack, join = left, _NONE
            latest, trigger = min(latest, point.at + left), point.at
        span = network.spans.get(point.cause)
        if span is not None and span.closing == point.event:
            found[span.id] = (_NONE if span.id in critical else slack, join)
    return found


def _all_points(network: Network) -> list[Point]:
    """Give all news and the ends that are none (timers the workflow cancelled), in order."""
    ends = {
        span.closing: Point(span.closing, span.ended, span.id)
        for span in network.spans.values()
        if span.closing and span.ended is not None and span.closing not in network.points
    }
    return [point for _, point in sorted({**ends, **network.points}.items())]


def _least(
    network: Network, point: Point, found: dict[int, tuple[timedelta, timedelta]]
) -> timedelta | None:
    """Give the least slack of what news triggered; None if it triggered nothing that binds."""
    slack = []
    for key in network.effects.get(point.event, ()):
        open_now = key == END or network.spans[key].state is SpanState.OPEN
        if open_now or key in found:
            slack.append(_NONE if open_now else found[key][0])
    return min(slack, default=None)
