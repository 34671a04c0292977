"""How far confidence can be believed: reliability curve, ECE, Brier score, log loss, AUROC.

All take chances (0 to 1) and whether the answers were right, in the same order.
"""

from collections.abc import Sequence
from itertools import groupby
from math import log, sqrt

from workflows.data.common import Record

BINS = 10
LEAST = 1e-6
"""The chance a wrong or right answer is taken to have had at least, in log loss."""


class Bin(Record):
    """The answers that stated a confidence from `low` to below `high` (the last one: to 1).

    `stated` and `calibrated` are means, `error` is one standard error of `accuracy`.
    """

    low: float
    high: float
    n: int
    stated: float
    accuracy: float
    error: float
    calibrated: float


def reliability(
    stated: Sequence[float], calibrated: Sequence[float], right: Sequence[bool]
) -> tuple[Bin, ...]:
    """Give the reliability curve over `BINS` bins of equal width; empty ones are left out."""
    rows = sorted(zip(stated, calibrated, right, strict=True), key=lambda row: row[0])
    return tuple(_bin(number, list(held)) for number, held in groupby(rows, lambda r: _place(r[0])))


def _place(chance: float) -> int:
    return min(int(chance * BINS), BINS - 1)


def _bin(number: int, rows: Sequence[tuple[float, float, bool]]) -> Bin:
    n = len(rows)
    accuracy = sum(r for _, _, r in rows) / n
    return Bin(
        low=number / BINS,
        high=(number + 1) / BINS,
        n=n,
        stated=sum(s for s, _, _ in rows) / n,
        accuracy=accuracy,
        error=sqrt(accuracy * (1 - accuracy) / n),
        calibrated=sum(c for _, c, _ in rows) / n,
    )


def ece(chances: Sequence[float], right: Sequence[bool]) -> float:
    """Give the expected calibration error: the mean gap of a bin's confidence and accuracy."""
    bins = reliability(chances, chances, right)
    return sum(b.n * abs(b.stated - b.accuracy) for b in bins) / len(right)


def brier(chances: Sequence[float], right: Sequence[bool]) -> float:
    """Give the mean square of what the chances were off by."""
    return sum((c - r) ** 2 for c, r in zip(chances, right, strict=True)) / len(right)


def log_loss(chances: Sequence[float], right: Sequence[bool]) -> float:
    """Give the mean surprise, in nats."""
    true = (c if r else 1 - c for c, r in zip(chances, right, strict=True))
    return -sum(log(max(chance, LEAST)) for chance in true) / len(right)


def auroc(chances: Sequence[float], right: Sequence[bool]) -> float | None:
    """Give how often a right answer has the higher chance of a right and a wrong one, ties half.

    None if all were right, or all wrong.
    """
    wins, wrong_below = 0.0, 0
    rows = sorted(zip(chances, right, strict=True), key=lambda row: row[0])
    for _, tied in groupby(rows, lambda row: row[0]):
        marks = [r for _, r in tied]
        hits, misses = sum(marks), len(marks) - sum(marks)
        wins += hits * (wrong_below + misses / 2)
        wrong_below += misses
    hits = len(right) - wrong_below
    return wins / (hits * wrong_below) if hits and wrong_below else None
