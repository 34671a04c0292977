"""Confidence from other sources than a model's own word: agreement and evidence coverage.

All go from 0 to 1; `workflows.data.confidence` says what a stated one is worth.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable
from math import isfinite
from typing import Any, TypeVar

from workflows.errors import Misuse, Unusable
from workflows.patterns.checks import is_number

T = TypeVar("T")


def agreement(values: Iterable[T], key: Callable[[T], Hashable]) -> float:
    """Give the share of values that agree with the most frequent one; 0 of no values.

    Values agree when `key` gives the same. One value alone agrees with nobody: it gives 0 too.
    """
    counts = Counter(key(value) for value in values)
    total = counts.total()
    return max(counts.values()) / total if total > 1 else 0.0


def coverage(cited: Collection[Hashable], expected: Collection[Hashable]) -> float:
    """Give the share of what should be cited that is. What else is cited earns nothing.

    Raises Misuse where nothing is expected: such an answer is not covered, but unchecked.
    """
    wanted = set(expected)
    if not wanted:
        raise Misuse("coverage of no evidence says nothing; name what should be cited")
    return len(wanted & set(cited)) / len(wanted)


def combine(*confidences: float | None) -> float | None:
    """Give the lowest of those known, None if none is: sure only if every source is.

    No product: the sources speak of the same answer, and are not independent of one another.
    """
    known = [c for c in confidences if c is not None]
    return min(known, default=None)


def stated(confidence: Callable[[T], float | None], value: T, who: str) -> float | None:
    """Give the confidence in a value. Raises Unusable, naming whose it is, for what is none."""
    try:
        found: Any = confidence(value)
    except Exception as error:
        raise Unusable(f"{who}: its confidence failed: {error!r}") from error
    if found is not None and not (is_number(found) and isfinite(found) and 0 <= found <= 1):
        raise Unusable(f"{who}: its confidence is {found!r}; give a number from 0 to 1, or None")
    return None if found is None else float(found)


def is_share(value: object) -> bool:
    """Say whether this is a number above 0, and at most 1."""
    return is_number(value) and 0 < value <= 1  # type: ignore[operator] # a number
