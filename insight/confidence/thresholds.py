"""Thresholds that keep a promise, by the one-standard-error rule and the rule of three.

The best threshold of a sample is one that was lucky in it. So what a threshold shows is lowered
by `z` standard errors, and where (almost) nothing went wrong by the rule of three: no error in
m answers leaves an error rate up to 3/m open.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import sqrt

from insight.confidence.curves import Point
from workflows.data.confidence import DIGITS, Promise, Threshold

ENOUGH = 100
"""With fewer labelled answers no threshold is safe: it breaks its promise too often."""


def for_accuracy(points: Sequence[Point], wished: float, z: float = 1.0) -> Threshold | None:
    """Give the lowest threshold above which accuracy is `wished` or better; None if none is.

    `points` are chances, and whether the answers were right. The bound: accuracy less z standard
    errors, and at most 1 - 3/accepted.
    """
    found = None
    for at, m, hits in _falling(points):
        mean = hits / m
        bound = min(mean - z * sqrt(mean * (1 - mean) / max(m - 1, 1)), 1 - 3 / m)
        if bound >= wished:
            reached = (at, m, len(points))
            found = _threshold(Promise.ACCURACY, wished, z, reached, mean, bound)
    return found


def for_loss(
    pairs: Sequence[tuple[float, bool, bool]], allowed: float, z: float = 1.0
) -> Threshold | None:
    """Give the lowest threshold above which skipping the baseline costs at most `allowed`.

    `pairs` are chances, and whether answer and baseline were right. With d = accepted * (answer -
    baseline) over all of them: mean(d) less z standard errors, and at most (won - 3)/n, is no
    lower than -allowed.
    """
    n, found = len(pairs), None
    wins = _falling([(c, right and not baseline) for c, right, baseline in pairs])
    losses = _falling([(c, baseline and not right) for c, right, baseline in pairs])
    for (at, m, won), (_, _, lost) in zip(wins, losses, strict=True):
        mean = (won - lost) / n
        variance = ((won + lost) / n - mean * mean) / max(n - 1, 1)
        bound = min(mean - z * sqrt(max(variance, 0.0)), (won - 3) / n)
        if bound >= -allowed:
            found = _threshold(Promise.LOSS, allowed, z, (at, m, n), mean, bound)
    return found


def _falling(points: Sequence[Point]) -> Iterator[tuple[float, int, int]]:
    """Give each threshold, highest first: how many reach it, and how many of them are marked."""
    m = marked = 0
    rows = sorted(points, key=lambda point: -point[0])
    for at, tied in groupby(rows, lambda point: point[0]):
        marks = [mark for _, mark in tied]
        m, marked = m + len(marks), marked + sum(marks)
        yield at, m, marked


def _threshold(
    promise: Promise,
    level: float,
    z: float,
    reached: tuple[float, int, int],
    observed: float,
    bound: float,
) -> Threshold:
    at, accepted, n = reached
    return Threshold(
        promise=promise,
        level=level,
        at=at,
        accepted=accepted,
        n=n,
        observed=round(observed, DIGITS),
        bound=round(bound, DIGITS),
        z=z,
    )
