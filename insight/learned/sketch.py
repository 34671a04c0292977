"""A mergeable sketch of times: weights in buckets whose bounds grow by the same factor.

The buckets are those of DDSketch (Masson and others, VLDB 2019): bucket k holds the times t with
g^(k-1) < t <= g^k, g = (1 + a) / (1 - a), so that any quantile is off by at most a = 1 %. No
library is used: weights must fade, and an estimate needs the buckets, not only their quantiles.
"""

from collections.abc import Iterable, Mapping
from math import ceil, exp, log

from pydantic import Field

from workflows.data.common import Record

ERROR = 0.01
GROWTH = log((1 + ERROR) / (1 - ERROR))
"""The width of a bucket, as a natural logarithm."""
SHORTEST = 1e-4
"""Seconds; shorter times count as this."""
_NOTHING = 1e-9
"""A weight that has faded away."""
_MIDDLE = log(2 / (1 + exp(-GROWTH))) - GROWTH
"""From the upper bound of a bucket to the time that is at most `ERROR` from all in it."""


class Sketch(Record):
    """Weights by bucket."""

    buckets: Mapping[int, float] = Field(default_factory=dict)

    @property
    def weight(self) -> float:
        """The sum of all weights; in calls, where each counts as one."""
        return sum(self.buckets.values())

    def logs(self) -> list[tuple[float, float]]:
        """List the natural logarithms of the times in seconds, ascending, with their weights."""
        return [(log_of(bucket), weight) for bucket, weight in sorted(self.buckets.items())]


def bucket_of(seconds: float) -> int:
    """Give the bucket of a time."""
    return ceil(log(max(seconds, SHORTEST)) / GROWTH)


def log_of(bucket: int) -> float:
    """Give the natural logarithm of the time in seconds that stands for a bucket."""
    return bucket * GROWTH + _MIDDLE


def sketch(times: Iterable[float]) -> Sketch:
    """Make a sketch of times in seconds, each of weight one."""
    buckets: dict[int, float] = {}
    for bucket in map(bucket_of, times):
        buckets[bucket] = buckets.get(bucket, 0.0) + 1.0
    return Sketch(buckets=buckets)


def merged(older: Sketch, newer: Sketch, faded: float = 1.0) -> Sketch:
    """Add two sketches, the older one's weights times `faded`."""
    buckets = {b: w * faded for b, w in older.buckets.items() if w * faded > _NOTHING}
    for bucket, weight in newer.buckets.items():
        buckets[bucket] = buckets.get(bucket, 0.0) + weight
    return Sketch(buckets=buckets)


def quantile(done: Sketch, p: float, cut: Sketch | None = None) -> float | None:
    """Give the log of the time within which the share `p` of all calls ends, None if unknown.

    `cut` are calls that had not ended when they were given up: each only says that it took longer
    (Kaplan and Meier's estimator). Where more than 1 - p was cut off, nobody knows the quantile.
    """
    given_up = dict(cut.buckets) if cut is not None else {}
    left = at_risk = done.weight + sum(given_up.values())
    survival = 1.0
    for bucket in sorted({*done.buckets, *given_up}):
        if ended := done.buckets.get(bucket, 0.0):
            survival *= 1 - ended / at_risk
            # Weights are sums of floats: the last call's share may come out as a trace.
            if survival <= 1 - p + 1e-9:
                return log_of(bucket)
        left -= ended + given_up.get(bucket, 0.0)
        at_risk = max(left, 1e-12)
    return None
