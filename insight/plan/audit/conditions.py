"""Conditions: what `when` says of values, so that it is known which steps exclude or bring others.

A condition is taken apart into what must hold of single values, and those are tried on the values
that tell them apart. What is too involved for that counts as a value of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import Any

from jinja2 import nodes

from workflows.data.blueprints.blueprint import Step
from workflows.data.blueprints.filters import BadTemplate
from workflows.data.blueprints.language import parse, parts_of
from workflows.data.blueprints.sandbox import WEIGHED
from workflows.data.common import JSON

_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "lt": lambda a, b: bool(a < b),
    "lteq": lambda a, b: bool(a <= b),
    "gt": lambda a, b: bool(a > b),
    "gteq": lambda a, b: bool(a >= b),
    "in": lambda a, b: a in b,
    "notin": lambda a, b: a not in b,
}
_OTHER = "(another)"
"""A text no condition names."""


@dataclass(frozen=True)
class _Said:
    """What must hold of one value, `about`; `points` tell apart where it does. `gave` are steps
    that certainly gave something where it holds.
    """

    about: str
    holds: Callable[[JSON], bool]
    points: Sequence[JSON] = ()
    gave: frozenset[str] = field(default_factory=frozenset)


class Certain:
    """What is certain about other steps when this one happens, by its `when` and theirs. What is
    read of `apart` says nothing.
    """

    def __init__(self, steps: Mapping[str, Step], name: str, apart: str = "") -> None:
        self._steps, self._gave = steps, set[str]()
        self._known = [*_said(steps[name].when)]
        for said in self._known:  # which grows by what each step found had to hold for it
            for other in (said.gave & steps.keys()) - self._gave - {apart}:
                self._gave.add(other)
                self._known += _said(steps[other].when)

    def gave(self, other: str) -> bool:
        """Tell whether another step gave something."""
        return other in self._gave

    def happened(self, other: str) -> bool:
        """Tell whether the condition of another step held."""
        wanted = _said(self._steps[other].when)
        return self.gave(other) or all(_follows(self._known, one) for one in wanted)


def is_value(when: str) -> bool:
    """Tell whether a condition is a value as it is: one that is not there does not hold."""
    return bool((expression := _expression(when)) and parts_of(expression))


def exclude(one: str, other: str) -> bool:
    """Tell whether two conditions never hold together."""
    pairs = [(a, b) for a in _said(one) for b in _said(other) if a.about == b.about]
    return any(not any(a.holds(p) and b.holds(p) for p in _points((a, b))) for a, b in pairs)


def paths(conditions: Iterable[str]) -> int:
    """Count the paths conditions make; those on one value as many as it has to tell apart."""
    grouped: dict[str, list[_Said]] = {}
    involved = 0
    for when in {repr(_expression(when)): when for when in conditions}.values():
        if len(said := _said(when)) == 1:
            grouped.setdefault(said[0].about, []).append(said[0])
        else:
            involved += 1
    ways = (
        len({tuple(said.holds(point) for said in group) for point in _points(group)})
        for group in grouped.values()
    )
    return int(prod(ways)) << involved


def _follows(known: Iterable[_Said], wanted: _Said) -> bool:
    same = [said for said in known if said.about == wanted.about]
    left = [p for p in _points((*same, wanted)) if all(said.holds(p) for said in same)]
    return bool(same) and all(map(wanted.holds, left))


def _points(said: Iterable[_Said]) -> list[JSON]:
    found = [point for one in said for point in one.points]
    numbers = sorted({p for p in found if isinstance(p, int | float) and not isinstance(p, bool)})
    between = [(a + b) / 2 for a, b in pairwise(numbers)]
    outside = [numbers[0] - 1, numbers[-1] + 1] if numbers else []
    return [*found, *between, *outside, None, True, False, _OTHER]


def _said(when: str) -> Sequence[_Said]:
    expression = _expression(when)
    return () if expression is None else [*_split(expression, is_so=True)]


@lru_cache(maxsize=500)
def _expression(when: str) -> nodes.Expr | None:
    """Read a condition; None of one that is none."""
    try:
        found = parse(when) if when else None
    except BadTemplate:
        return None
    only = found.tree.body[0] if found and found.whole else None
    given = only.node if isinstance(only, nodes.Assign) else None
    return given if isinstance(given, nodes.Expr) else None


def _split(node: nodes.Expr, *, is_so: bool) -> Iterator[_Said]:
    if isinstance(node, nodes.Not):
        yield from _split(node.node, is_so=not is_so)
    elif isinstance(node, nodes.And if is_so else nodes.Or):
        yield from _split(node.left, is_so=is_so)
        yield from _split(node.right, is_so=is_so)
    else:
        yield _one(node, is_so=is_so)


def _one(node: nodes.Expr, *, is_so: bool) -> _Said:
    about, test, points = _test(node)

    def holds(value: JSON) -> bool:
        try:
            return test(value) is is_so
        except TypeError:  # nothing is compared with a number, say: the step fails
            return False

    parts = parts_of(about)
    if parts[:1] == ["steps"]:
        gave = {parts[1]} if len(parts) > 1 and not holds(None) else set()
    elif is_so and not isinstance(node, nodes.Or):  # too involved to be tried: taken for granted
        chains = map(parts_of, node.find_all((nodes.Getattr, nodes.Getitem)))
        gave = {chain[1] for chain in chains if chain[:1] == ["steps"] and len(chain) > 1}
    else:
        gave = set()
    return _Said(repr(about), holds, points, frozenset(gave))


def _test(node: nodes.Expr) -> tuple[nodes.Expr, Callable[[JSON], bool], Sequence[JSON]]:
    """Give what a condition is about, how that is tried, and the values it names."""
    if isinstance(node, nodes.Compare) and len(node.ops) == 1:
        (operand,), about = node.ops, node.expr
        named = _named(operand.expr)
        if named is None and operand.op in ("eq", "ne"):
            about, named = operand.expr, _named(node.expr)
        if named is not None:
            compared, value = _COMPARED[operand.op], named[0]
            points = value if isinstance(value, list) else named
            return about, lambda tried: compared(tried, value), points
    return node, bool, ()


def _named(node: nodes.Expr) -> list[Any] | None:
    """Give the value that is written out, as the one of a list; None if none is."""
    if isinstance(node, nodes.Filter) and node.name == WEIGHED and node.node is not None:
        node = node.node
    if isinstance(node, nodes.Const):
        return [node.value]
    found = [_named(item) for item in node.items] if isinstance(node, nodes.List) else [None]
    return None if None in found else [[one[0] for one in found if one]]
