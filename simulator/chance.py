"""Repeatable chance: every draw is a function of the seed and what it is drawn for."""

from hashlib import sha256
from math import exp, log
from statistics import NormalDist

_Z90 = NormalDist().inv_cdf(0.95)


def digest(*parts: object) -> str:
    """Hash the parts to 64 hexadecimal digits; their order and borders count."""
    return sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def unit(*parts: object) -> float:
    """Draw a number in [0, 1) that depends on the parts alone."""
    return int(digest(*parts)[:13], 16) / 16.0**13


def log_normal(low: float, high: float, *parts: object) -> float:
    """Draw from the log-normal distribution with 90 % of its mass between `low` and `high`,
    cut off at half of `low` and twice `high`, in the same unit.
    """
    middle, spread = (log(low) + log(high)) / 2, (log(high) - log(low)) / (2 * _Z90)
    normal = NormalDist(middle, spread).inv_cdf(min(max(unit(*parts), 1e-9), 1 - 1e-9))
    return min(max(exp(normal), low / 2), high * 2)
