"""Whether two groups of runs differ, or may differ by chance only: exact tests for few runs.

All give p: how likely a difference as large would be if the groups did not differ (0 to 1).
"""

from collections.abc import Sequence
from itertools import groupby
from math import comb, erfc, exp, lgamma, sqrt

LEAST = 5
"""Runs a group must have; with fewer nothing is said about differences."""
ALPHA = 0.05
"""A difference counts if p, corrected for how many were looked at, is below."""
EXACT_UP_TO = 24
"""Runs of both groups together up to which ranks are tested exactly."""


def rank_sum(a: Sequence[float], b: Sequence[float]) -> float:
    """Test whether values of one group tend to be larger: Wilcoxon, Mann and Whitney, two-sided.

    Up to `EXACT_UP_TO` values all ways to split their ranks are counted, ties included; beyond,
    the normal approximation with correction for ties and continuity. Both groups have values.
    """
    ranks, tied = _double_ranks([*a, *b])
    n, m = len(a), len(b)
    found, mean = sum(ranks[:n]), n * (n + m + 1)
    if n + m <= EXACT_UP_TO:
        ways = _ways(ranks, n)
        far = sum(count for total, count in ways.items() if abs(total - mean) >= abs(found - mean))
        return far / comb(n + m, n)
    size = n + m
    spread = sqrt(n * m / 12 * (size + 1 - tied / (size * (size - 1))))
    if not spread:
        return 1.0
    off = max(abs(found - mean) / 2 - 0.5, 0.0) / spread
    return erfc(off / sqrt(2))


def _double_ranks(values: Sequence[float]) -> tuple[list[int], int]:
    """Give twice the mean rank of each value (whole numbers), and the sum of t^3 - t over ties."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    ranks, tied, before = [0] * len(values), 0, 0
    for _, group in groupby(order, key=lambda i: values[i]):
        same = list(group)
        for place in same:
            ranks[place] = 2 * before + len(same) + 1
        before += len(same)
        tied += len(same) ** 3 - len(same)
    return ranks, tied


def _ways(ranks: Sequence[int], chosen: int) -> dict[int, int]:
    """Count, by their sum, the ways to choose so many of the ranks."""
    sums: list[dict[int, int]] = [{0: 1}, *({} for _ in range(chosen))]
    for rank in ranks:
        for size in range(chosen, 0, -1):
            for total, count in sums[size - 1].items():
                sums[size][total + rank] = sums[size].get(total + rank, 0) + count
    return sums[chosen]


def fisher(hits_a: int, n_a: int, hits_b: int, n_b: int) -> float:
    """Test whether a share differs between two groups: Fisher's exact test, two-sided."""
    hits, both = hits_a + hits_b, n_a + n_b
    low, high = max(0, hits - n_b), min(hits, n_a)
    chances = [
        exp(_log_comb(hits, k) + _log_comb(both - hits, n_a - k) - _log_comb(both, n_a))
        for k in range(low, high + 1)
    ]
    found = chances[hits_a - low] * (1 + 1e-7)  # as unlikely, but for the last digits
    return min(sum(chance for chance in chances if chance <= found), 1.0)


def _log_comb(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def holm(chances: Sequence[float]) -> list[float]:
    """Correct the p of several tests for their number (Holm), in the order given."""
    order = sorted(range(len(chances)), key=lambda i: chances[i])
    corrected, worst = [0.0] * len(chances), 0.0
    for passed, place in enumerate(order):
        worst = max(worst, min(1.0, chances[place] * (len(chances) - passed)))
        corrected[place] = worst
    return corrected
