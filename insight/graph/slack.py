"""By how much each span could have ended later without the run ending later."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from insight.graph.flow import END
from insight.graph.network import Network, Point
from insight.history.spans import SpanState

Slacks = Mapping[int, tuple[timedelta, timedelta]]
"""Slack and join by span."""
_NONE = timedelta()


def slacks(network: Network, until: datetime, critical: frozenset[int]) -> Slacks:
    """Give slack and join of each span that ended, by its id; `critical` spans have no slack.

    A span that triggered something has the least slack of that. What triggered nothing lies there
    until later news triggers something (the join); as any later trigger may have waited for it,
    its slack is the least that any of them leaves. Spans still open leave none, abandoned ones do
    not bind. Timers that the workflow cancelled are not told of: they did not end by themselves.
    """
    found: dict[int, tuple[timedelta, timedelta]] = {}
    latest, trigger = until, until
    for point in reversed(network.points.values()):
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


def _least(network: Network, point: Point, found: Slacks) -> timedelta | None:
    """Give the least slack of what news triggered; None if it triggered nothing that binds."""
    slack = []
    for key in network.effects.get(point.event, ()):
        open_now = key == END or network.spans[key].state is SpanState.OPEN
        if open_now or key in found:
            slack.append(_NONE if open_now else found[key][0])
    return min(slack, default=None)
