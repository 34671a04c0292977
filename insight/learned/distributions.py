"""Quantiles of the Beta and Student's t distribution, in pure Python."""

from functools import lru_cache
from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist

NORMAL = NormalDist()
_STEPS, _SMALL = 300, 1e-300


def beta_share(x: float, a: float, b: float) -> float:
    """Give P(X <= x) for X ~ Beta(a, b): the regularised incomplete beta function."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Sum the continued fraction of the incomplete beta function by Lentz's method."""
    c, d = 1.0, 1 / _off_zero(1 - (a + b) * x / (a + 1))
    total = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            c, d = _off_zero(1 + term / c), 1 / _off_zero(1 + term * d)
            total *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return total


def _off_zero(x: float) -> float:
    return x if abs(x) > _SMALL else _SMALL


@lru_cache(maxsize=10_000)
def beta_quantile(p: float, a: float, b: float) -> float:
    """Give the x with P(X <= x) = p for X ~ Beta(a, b), to 1e-9, by halving."""
    low, high = 0.0, 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if beta_share(middle, a, b) < p else (low, middle)
    return (low + high) / 2


def student_quantile(p: float, freedom: float) -> float:
    """Give the quantile of Student's t with so many degrees of freedom (at least 1).

    If T is Student's, T² / (freedom + T²) is Beta(1/2, freedom/2).
    """
    x = beta_quantile(abs(2 * p - 1), 0.5, freedom / 2)
    return (1 if p >= 0.5 else -1) * sqrt(freedom * x / (1 - x))


def beyond(cut: float) -> tuple[float, float]:
    """Give mean and variance of a standard normal Z of which only Z > `cut` is known."""
    if cut > 8:  # the mean comes within 2 % of the cut, and the tail out of a float's reach
        return cut + 1 / cut, 1 / cut**2
    ratio = NORMAL.pdf(cut) / (1 - NORMAL.cdf(cut))
    return ratio, max(0.0, 1 + cut * ratio - ratio**2)
