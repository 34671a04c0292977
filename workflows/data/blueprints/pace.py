"""How much slower a run goes than was learned, told by its steps; in whole numbers.

Logarithms are of base 2, in 1/1024. A step tells the less the more its times scatter.
"""

from bisect import insort
from collections.abc import Sequence
from typing import NamedTuple

from workflows.data.blueprints.choices import Way

_BITS = 10
ONE = 1 << _BITS
SURE = 440
"""By how much vendors are slower or faster than learned, from one day to another: 1.35 times."""
_LEAST = 620
"""The least a step's times scatter: learned ones are never quite right."""
_STRANGE = 1_500
"""A step off by more thousandths of its scatter than this tells no more: it is one of a few."""
_PATIENT = 1_036
"""85 % end within so many thousandths of the scatter."""
_ROUNDS = 3
_UNIT = 1 << 30


class Told(NamedTuple):
    """What one step tells: how much longer it took than usual (`log`), how much that is worth, and
    the `most` that is taken of it beyond what the others tell.
    """

    log: int
    weight: int
    most: int


def scale(way: Way) -> Told | None:
    """Give what a way's times are held against; None where it usually takes no time."""
    if not way.usual:
        return None
    usual = log2(way.usual)
    scatter = max(_LEAST, (log2(max(way.usual, way.patient)) - usual) * 1_000 // _PATIENT)
    return Told(usual, _UNIT // (scatter * scatter), scatter * _STRANGE // 1_000)


def told(of: Told | None, took: int) -> Told | None:
    """Give what a step of this scale tells that took so long."""
    return of and Told(log2(max(1, took)) - of.log, of.weight, of.most)


class Pace:
    """How slow a run is, by what its steps have told so far; `before` is what was believed.

    What a step tells beyond its `most` is cut off. As few are strange, all are summed up, and what
    is too much of those is taken back.
    """

    def __init__(self, before: int) -> None:
        self._before, self._sure = before, _UNIT // (SURE * SURE)
        self._weight, self._sum = 0, 0
        self._slow, self._quick = list[tuple[int, int]](), list[tuple[int, int]]()

    def add(self, one: Told) -> None:
        """Hear one step more."""
        self._weight += one.weight
        self._sum += one.weight * one.log
        insort(self._slow, (one.most - one.log, one.weight))
        insort(self._quick, (one.log + one.most, one.weight))

    def found(self, late: Sequence[Told] = ()) -> int:
        """Give the most likely pace; `late` is what steps tell that still run."""
        weight, found = self._sure + self._weight + sum([one.weight for one in late]), self._before
        for _ in range(_ROUNDS):
            total = self._sure * (self._before - found) + self._sum - self._weight * found
            for edge, mine in self._slow:
                if edge >= -found:
                    break
                total += mine * (edge + found)
            for edge, mine in self._quick:
                if edge >= found:
                    break
                total += mine * (found - edge)
            for log, mine, most in late:
                total += mine * max(-most, min(most, log - found))
            found += total // weight
        return found


def log2(x: int) -> int:
    """Give the base-2 logarithm of a whole number of at least 1, in 1/1024."""
    whole = x.bit_length() - 1
    part = (x << 30 >> whole) if whole <= 30 else x >> (whole - 30)
    result = whole
    for _ in range(_BITS):
        part = part * part >> 30
        result <<= 1
        if part >= 1 << 31:
            result |= 1
            part >>= 1
    return result


_ROOTS = (1_414_214, 1_189_207, 1_090_508, 1_044_274, 1_021_897, 1_010_889, 1_005_430, 1_002_711,
          1_001_355, 1_000_677)  # fmt: skip
"""2 to the power of 1/2, 1/4, 1/8, ... in millionths."""


def power2(x: int) -> int:
    """Give 2 to the power of x/1024, in thousandths."""
    whole, part = divmod(x, ONE)
    result = 1_000_000
    for bit, root in enumerate(_ROOTS):
        if part & (1 << (_BITS - 1 - bit)):
            result = result * root // 1_000_000
    result = result << whole if whole >= 0 else result >> -whole
    return max(1, (result + 500) // 1_000)
