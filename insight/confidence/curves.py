"""Curves from stated confidence to the chance of being right: isotonic and logistic."""

from collections.abc import Callable, Sequence
from math import exp, log, log1p
from typing import NamedTuple

from workflows.data.confidence import DIGITS, Knot

Point = tuple[float, bool]
"""A stated confidence, and whether the answer was right."""
Fit = Callable[[Sequence[Point]], tuple[Knot, ...]]

TAIL = (0.0, 0.001, 0.003, 0.01, 0.02, 0.03)
GRID = (*TAIL, *(n / 20 for n in range(1, 20)), *(round(1 - x, DIGITS) for x in reversed(TAIL)))
"""Where a logistic curve is turned into knots: close together where it is steep."""
STATED_WITHIN = (0.001, 0.999)
"""A stated 0 or 1 has no log-odds."""


class _Block(NamedTuple):
    """Answers that stated from `first` to `last`, pooled: how many, and how many were right."""

    first: float
    last: float
    right: int
    n: int

    @property
    def mean(self) -> float:
        return self.right / self.n


def as_stated(_points: Sequence[Point]) -> tuple[Knot, ...]:
    """Take confidence as it was stated."""
    return (Knot(stated=0, calibrated=0), Knot(stated=1, calibrated=1))


def isotonic(points: Sequence[Point]) -> tuple[Knot, ...]:
    """Fit the rising steps that are nearest to the answers, by pooling adjacent violators.

    A block of the fit becomes a knot at either end; between blocks the curve is a straight line.
    """
    blocks: list[_Block] = []
    for stated, right, n in _tied(points):
        block = _Block(stated, stated, right, n)
        while blocks and blocks[-1].mean >= block.mean:
            low = blocks.pop()
            block = _Block(low.first, block.last, low.right + block.right, low.n + block.n)
        blocks.append(block)
    ends = [(end, block.mean) for block in blocks for end in (block.first, block.last)]
    return _knots([(0.0, ends[0][1]), *ends, (1.0, ends[-1][1])], len(points))


def logistic(points: Sequence[Point]) -> tuple[Knot, ...]:
    """Fit a logistic curve over the log-odds of stated confidence (Platt's method, Newton steps).

    A slope below zero becomes none: a curve never falls.
    """
    tied = [(_log_odds(stated), right, n) for stated, right, n in _tied(points)]
    right, total = sum(r for _, r, _ in tied), len(points)
    # Platt's targets: no answer is taken for certain, so that separable ones have a finite fit.
    high, low = (right + 1) / (right + 2), 1 / (total - right + 2)
    aims = [(x, r * high + (n - r) * low, n) for x, r, n in tied]
    slope, level = _newton(aims)
    if slope < 0:
        slope, level = 0.0, _log_odds(sum(aim for _, aim, _ in aims) / total)
    return _knots([(x, _chance(slope * _log_odds(x) + level)) for x in GRID], total)


def _tied(points: Sequence[Point]) -> list[tuple[float, int, int]]:
    """Count the right ones and all for each stated confidence, rising."""
    counts: dict[float, tuple[int, int]] = {}
    for stated, correct in points:
        right, n = counts.get(round(stated, DIGITS), (0, 0))
        counts[round(stated, DIGITS)] = right + correct, n + 1
    return [(stated, *counts[stated]) for stated in sorted(counts)]


def _knots(ends: Sequence[tuple[float, float]], n: int) -> tuple[Knot, ...]:
    """Make knots. No curve of `n` answers is surer than the rule of succession allows."""
    least, most = 1 / (n + 2), (n + 1) / (n + 2)
    found = {x: round(min(max(y, least), most), DIGITS) for x, y in ends}
    return tuple(Knot(stated=x, calibrated=y) for x, y in found.items())


def _newton(aims: Sequence[tuple[float, float, int]]) -> tuple[float, float]:
    """Find slope and level of least cross entropy; `aims` are x, the sum of targets, answers."""
    slope, level = 1.0, 0.0
    loss = _cross_entropy(aims, slope, level)
    for _ in range(50):
        g1 = g0 = h11 = h10 = h00 = 0.0
        for x, aim, n in aims:
            p = _chance(slope * x + level)
            weight = n * p * (1 - p)
            g1, g0 = g1 + (n * p - aim) * x, g0 + n * p - aim
            h11, h10, h00 = h11 + weight * x * x, h10 + weight * x, h00 + weight
        h11, h00 = h11 + 1e-6, h00 + 1e-6  # all answers may state the same
        det = h11 * h00 - h10 * h10
        step1, step0 = (h00 * g1 - h10 * g0) / det, (h11 * g0 - h10 * g1) / det
        share = 1.0
        while share > 1e-6:
            tried = _cross_entropy(aims, slope - share * step1, level - share * step0)
            if tried <= loss:
                break
            share /= 2
        else:
            break
        slope, level, gain, loss = slope - share * step1, level - share * step0, loss - tried, tried
        if gain < 1e-10:
            break
    return slope, level


def _cross_entropy(aims: Sequence[tuple[float, float, int]], slope: float, level: float) -> float:
    def one(x: float, aim: float, n: int) -> float:
        score = slope * x + level
        return n * (max(score, 0.0) + log1p(exp(-abs(score)))) - aim * score

    return sum(one(*aim) for aim in aims)


def _log_odds(chance: float) -> float:
    inside = min(max(chance, STATED_WITHIN[0]), STATED_WITHIN[1])
    return log(inside / (1 - inside))


def _chance(score: float) -> float:
    return 1 / (1 + exp(-score)) if score >= 0 else exp(score) / (1 + exp(score))
