"""Arithmetic of time stretches: how long at least one was open, and the gaps between them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

Stretch = tuple[datetime, datetime]
"""From, to; the second is never before the first."""
Key = TypeVar("Key")


def clipped(stretches: Iterable[Stretch], within: Stretch) -> list[Stretch]:
    """Cut every stretch to `within`; what lies outside becomes empty, none is dropped."""
    low, high = within
    cut = ((min(max(a, low), high), min(max(b, low), high)) for a, b in stretches)
    return [(a, max(a, b)) for a, b in cut]


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Join stretches that touch or overlap; ascending, apart, none empty."""
    joined: list[Stretch] = []
    for start, end in sorted(s for s in stretches if s[0] < s[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def gaps(busy: Iterable[Stretch], within: Stretch) -> list[Stretch]:
    """Give what of `within` no stretch covers, ascending, none empty."""
    low, found = within[0], []
    for start, end in merged(clipped(busy, within)):
        if low < start:
            found.append((low, start))
        low = end
    return found if low >= within[1] else [*found, (low, within[1])]


def total(stretches: Iterable[Stretch]) -> timedelta:
    """Sum lengths, counting overlaps as often as they occur."""
    return sum((end - start for start, end in stretches), timedelta())


def summed(lengths: Iterable[tuple[Key, timedelta]]) -> dict[Key, timedelta]:
    """Sum lengths by what they belong to; sums of nothing are left out."""
    found: dict[Key, timedelta] = {}
    for key, length in lengths:
        found[key] = found.get(key, timedelta()) + length
    return {key: length for key, length in found.items() if length}
