"""Route tables: the path for every combination of factors, checked when the table is built.

A combination is answered by the narrowest row that covers it: a row may be an exception to a wider
one, and the order of rows means nothing. Where a row allows it, a model may choose another path.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Generic, TypeVar

from workflows.data.route import FactorValue, LoadReading, PathProposal, RouteRecord
from workflows.errors import Misuse
from workflows.patterns.route_rows import Factor, Row, Rule, cover, no_twice, word

P = TypeVar("P")
MOST_PATHS, MOST_COMBINATIONS = 12, 64
"""More than a person can survey; a larger table needs an allowance and its reason."""
LARGEST = 4096
"""Combinations that no allowance goes beyond."""


@dataclass(frozen=True)
class Routed(Generic[P]):
    """The path to take and the record that says why."""

    path: P
    record: RouteRecord


class RouteTable(Generic[P]):
    """A closed set of paths, factors and rows. Raises Misuse when it is not whole.

    `paths` is an Enum class, or `get_args` of a Literal. `policy` is the version of these rules.
    `minimum` gives, for each path a model may choose, the confidence (above 0, up to 1) it needs.
    A table with more paths or combinations than people can survey needs `allow_large=True` and
    the reason in `because`.
    """

    def __init__(
        self,
        name: str,
        *,
        paths: Iterable[P],
        factors: Sequence[Factor],
        rows: Sequence[Row[P]],
        policy: str,
        minimum: Mapping[P, float] | None = None,
        allow_large: bool = False,
        because: str = "",
    ) -> None:
        self.name, self.policy, self.factors = name, policy, tuple(factors)
        listed = [(word(p, f"route {name!r}"), p) for p in paths]
        no_twice((w for w, _ in listed), f"route {name!r}: path")
        no_twice((f.name for f in factors), f"route {name!r}: factor")
        self.paths = dict(listed)
        self._check_size(allow_large, because)
        rules = [self._rule(number, given) for number, given in enumerate(rows, 1)]
        self._minimum = self._minima(rules, minimum or {})
        self._rules = cover(name, self.factors, rules)
        self._check_paths(rules)

    def choose(self, proposal: PathProposal | None = None, /, **values: object) -> Routed[P]:
        """Choose the path for these values of the factors; pure.

        A value may be a LoadReading, which is kept in the record. Raises Misuse when a factor is
        missing or unknown, or has a value outside its set.
        """
        rule, seen = self._find(values)
        taken, why = rule.path, f"{rule.text}"
        by_model = False
        if proposal is not None:
            refused = self._refused(rule, proposal)
            by_model = not refused
            if by_model:
                taken = rule.allow[proposal.path]
                why = f"proposed with confidence {proposal.confidence:g}, allowed by {rule.text}"
            else:
                why = f"{rule.text}; the proposal was not taken: {refused}"
        record = RouteRecord(
            route=self.name,
            policy=self.policy,
            factors=seen,
            row=rule.text,
            path=word(taken, self.name),
            by="model" if by_model else "table",
            why=why,
            allowed=tuple(rule.allow),
            proposal=proposal,
            load=tuple(v for v in values.values() if isinstance(v, LoadReading)),
        )
        return Routed(taken, record)

    def open_to_model(self, **values: object) -> dict[str, float]:
        """Give the paths a model may propose here, and the confidence each needs."""
        rule, _ = self._find(values)
        return {path: self._minimum[path] for path in rule.allow}

    # ---- inside ----------------------------------------------------------------------------

    def _find(self, values: Mapping[str, object]) -> tuple[Rule[P], tuple[FactorValue, ...]]:
        self._check_names(values, "choose(...)")
        plain = {k: v.level if isinstance(v, LoadReading) else v for k, v in values.items()}
        combination = tuple(f.word(plain[f.name]) for f in self.factors)
        pairs = zip(self.factors, combination, strict=True)
        seen = tuple(FactorValue(factor=f.name, value=w) for f, w in pairs)
        return self._rules[combination], seen

    def _refused(self, rule: Rule[P], proposal: PathProposal) -> str:
        """Say why a proposal is not taken; empty if it is."""
        path, sure = proposal.path, proposal.confidence
        if path not in self.paths:
            return "it names no path of this route"
        if path not in rule.allow:
            return f"{path} is not open to a model here"
        needed = self._minimum[path]
        if sure is None:
            return f"its confidence is unknown, and {path} needs {needed:g}"
        if not 0 <= sure <= 1:
            return f"{sure:g} is no confidence from 0 to 1"
        return "" if sure >= needed else f"confidence {sure:g}, and {path} needs {needed:g}"

    def _check_size(self, allow_large: bool, because: str) -> None:
        if allow_large and not because.strip():
            raise Misuse(f"route {self.name!r}: allow_large needs its reason in because=...")
        if not self.name or not self.policy or not self.paths or not self.factors:
            raise Misuse(f"route {self.name!r} needs a name, a policy, paths and factors")
        paths, combinations = len(self.paths), prod(len(f.words) for f in self.factors)
        large = paths > MOST_PATHS or combinations > MOST_COMBINATIONS
        if combinations > LARGEST or (large and not allow_large):
            raise Misuse(
                f"route {self.name!r} has {paths} paths and {combinations} combinations, more than"
                f" {MOST_PATHS} and {MOST_COMBINATIONS}; split it, drop or band a factor, or (up to"
                f" {LARGEST}) say allow_large=True, because=..."
            )

    def _rule(self, number: int, given: Row[P]) -> Rule[P]:
        """Check one row."""
        where = f"row {number}"
        self._check_names(given.cells, where)
        allow = {word(p, self.name): p for p in given.allow}
        path = word(given.path, self.name)
        unknown = [p for p in (path, *allow) if p not in self.paths]
        if unknown:
            raise Misuse(
                f"route {self.name!r}, {where}: {', '.join(unknown)} is not among its paths"
            )
        no_twice((path, *(word(p, self.name) for p in given.allow)), f"{where}: path")
        cells = tuple(f.cell(given.cells[f.name]) for f in self.factors)
        said = " ".join(
            f"{f.name}={'any' if len(cell) == len(f.words) else '|'.join(cell)}"
            for f, cell in zip(self.factors, cells, strict=True)
        )
        return Rule(f"{where}: {said} -> {path}", given.path, allow, cells)

    def _check_names(self, given: Mapping[str, object], where: str) -> None:
        known = [f.name for f in self.factors]
        missing = [n for n in known if n not in given]
        unknown = [n for n in given if n not in known]
        if missing or unknown:
            faults = [f"says nothing of {', '.join(missing)}"] if missing else []
            faults += [f"names {', '.join(unknown)}, which is no factor"] if unknown else []
            raise Misuse(
                f"route {self.name!r}, {where} {' and '.join(faults)};"
                f" its factors are {', '.join(known)} (a row may say ANY)"
            )

    def _minima(self, rules: Sequence[Rule[P]], given: Mapping[P, float]) -> dict[str, float]:
        minimum = {word(path, self.name): value for path, value in given.items()}
        offered = dict.fromkeys(path for rule in rules for path in rule.allow)
        without = [path for path in offered if path not in minimum]
        idle = [path for path in minimum if path not in offered]
        wrong = [f"{path}={value}" for path, value in minimum.items() if not 0 < value <= 1]
        if without or idle or wrong:
            raise Misuse(
                f"route {self.name!r}: minimum confidence, above 0 and up to 1, for each path a"
                f" model may choose and no other: missing {without}, not offered {idle},"
                f" out of range {wrong}"
            )
        return minimum

    def _check_paths(self, rules: Sequence[Rule[P]]) -> None:
        taken = {word(r.path, self.name) for r in rules} | {p for r in rules for p in r.allow}
        never = [path for path in self.paths if path not in taken]
        if never:
            raise Misuse(
                f"route {self.name!r}: no row leads to {', '.join(never)};"
                " add a row or leave it out of paths"
            )
