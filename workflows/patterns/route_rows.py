"""Factors and rows of a route table, and which row answers each combination of factors."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Any, Final, Generic, TypeVar

from workflows.errors import Misuse

P = TypeVar("P")
Combination = tuple[str, ...]
SHOWN = 8
"""How many combinations a message names."""


class _Any:
    """Type of ANY."""

    def __repr__(self) -> str:
        return "ANY"


ANY: Final = _Any()
"""Stands in a row for every value of a factor."""


class Factor:
    """Something a path depends on, with all the values it can have.

    Values are members of an Enum, words, whole numbers, booleans or None: `Factor("tier", Tier)`,
    `Factor("agreed", (True, False))`. Raises Misuse for what belongs to no closed set.
    """

    def __init__(self, name: str, values: Iterable[object]) -> None:
        if not name.isidentifier() or name == "allow":
            raise Misuse(f"factor {name!r} needs a name that can be a keyword, as in tier=...")
        self.name = name
        self.words = tuple(word(v, f"factor {name!r}") for v in values)
        if not self.words:
            raise Misuse(f"factor {name!r} has no values; give it all it can have")
        no_twice(self.words, f"factor {name!r}: value")

    def word(self, value: object) -> str:
        """Give the word of one of its values. Raises Misuse for another value."""
        found = word(value, f"factor {self.name!r}")
        if found not in self.words:
            raise Misuse(f"factor {self.name!r} is never {found!r}; it is {', '.join(self.words)}")
        return found

    def cell(self, given: object) -> tuple[str, ...]:
        """Give the words a row's cell covers: ANY, one value, or several."""
        if isinstance(given, _Any):
            return self.words
        several = given if isinstance(given, tuple | list) else (given,)
        if not several:
            raise Misuse(f"factor {self.name!r} is given no value; use ANY for all of them")
        return tuple(self.word(value) for value in several)


@dataclass(frozen=True, eq=False)
class Row(Generic[P]):
    """One rule of a table; build it with `row`."""

    path: P
    allow: tuple[P, ...]
    cells: Mapping[str, object]


def row(path: P, /, *, allow: Sequence[P] = (), **cells: object) -> Row[P]:
    """Make a rule: where all cells hold, take `path`.

    Every factor has a cell: a value, a tuple of values, or ANY. With `allow`, a model may choose
    one of those paths instead; `path` is what is taken when its proposal is no good.
    """
    return Row(path, tuple(allow), cells)


@dataclass(frozen=True, eq=False)
class Rule(Generic[P]):
    """A row that was checked. `cells` are the words it covers, factor by factor."""

    text: str
    path: P
    allow: Mapping[str, P]
    cells: tuple[tuple[str, ...], ...]

    def covers(self, combination: Combination) -> bool:
        """Say whether all its cells hold."""
        return all(w in cell for w, cell in zip(combination, self.cells, strict=True))

    def narrower(self, other: "Rule[Any]") -> bool:
        """Say whether it covers part of what `other` covers, and nothing else."""
        pairs = [(set(a), set(b)) for a, b in zip(self.cells, other.cells, strict=True)]
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def cover(
    route: str, factors: Sequence[Factor], rules: Sequence[Rule[P]]
) -> dict[Combination, Rule[P]]:
    """Give the rule of each combination: the narrowest of those that cover it.

    Raises Misuse naming the combinations without a rule, those with several of which none is
    narrower, and the rules that answer nothing.
    """
    chosen: dict[Combination, Rule[P]] = {}
    missing: list[str] = []
    twice: list[str] = []
    for combination in product(*(f.words for f in factors)):
        covering = [r for r in rules if r.covers(combination)]
        rivals = [r for r in covering if not any(o.narrower(r) for o in covering)]
        if len(rivals) == 1:
            chosen[combination] = rivals[0]
        elif not rivals:
            missing.append(named(factors, combination))
        else:
            places = " and ".join(r.text.split(":")[0] for r in rivals)
            twice.append(f"{named(factors, combination)} ({places})")
    idle = [r.text for r in rules if all(r is not c for c in chosen.values())]
    faults = [
        _listed("no row covers", missing, "add a row"),
        _listed("several rows cover", twice, "make one of them narrower"),
        _listed("never reached", idle if not twice else [], "remove or mend it"),
    ]
    if any(faults):
        raise Misuse(f"route {route!r}: " + "; ".join(f for f in faults if f))
    return chosen


def named(factors: Sequence[Factor], combination: Combination) -> str:
    """Write a combination as `tier=low agreed=yes`."""
    return " ".join(f"{f.name}={w}" for f, w in zip(factors, combination, strict=True))


def word(value: object, whose: str) -> str:
    """Give the word a value is written as. Raises Misuse if it is no member of a closed set."""
    plain = value.value if isinstance(value, Enum) else value
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    if plain is None:
        return "none"
    if isinstance(plain, str | int) and str(plain):
        return str(plain)
    raise Misuse(
        f"{whose}: {value!r} belongs to no closed set; use an Enum, words, whole numbers,"
        " booleans or None, and put other values into bands"
    )


def no_twice(words: Iterable[str], what: str) -> None:
    """Raise Misuse for a word that stands there twice."""
    twice = [w for w, count in Counter(words).items() if count > 1]
    if twice:
        raise Misuse(f"{what} given twice: {', '.join(twice)}; remove one")


def _listed(fault: str, items: Sequence[str], mend: str) -> str:
    if not items:
        return ""
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return f"{fault} {', '.join(items[:SHOWN])}{more}; {mend}"
