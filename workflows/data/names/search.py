"""Names: find in a list those that may be somebody. A cheap look at all, then a careful one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from rapidfuzz import fuzz, process

from workflows.data.names.compare import MATCH, NameMatch, compare
from workflows.data.names.folding import read_name

CANDIDATES = 30
"""How many names each cheap look hands on."""
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Listed(Generic[Entry]):
    """One name of an entry. `weak`: too common to be an alarm by itself."""

    entry: Entry
    name: str
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Likely(Generic[Entry]):
    """A name of the list that may be the one searched for."""

    listed: Listed[Entry]
    match: NameMatch


class NameList(Generic[Entry]):
    """The names of a list, all of one kind (`Person` or `Company`), ready to be searched."""

    def __init__(self, names: Iterable[Listed[Entry]], kind: str) -> None:
        self._names, self._kind = tuple(names), kind
        self._plain = [self._fold(listed.name) for listed in self._names]

    def _fold(self, name: str) -> str:
        return " ".join(word.text for word in read_name(name, self._kind))

    def search(self, name: str, bar: float = MATCH) -> list[Likely[Entry]]:
        """Give the names at or above the bar, likest first, in the list's order among equals."""
        found = [
            Likely(self._names[place], match)
            for place in sorted(set(self._recall(self._fold(name))))
            if (match := compare(name, self._names[place].name, self._kind)).score >= bar
        ]
        return sorted(found, key=lambda likely: -likely.match.score)

    def _recall(self, folded: str) -> Iterator[int]:
        for alike in (fuzz.token_sort_ratio, fuzz.token_set_ratio):
            best = process.extract(
                folded, self._plain, scorer=alike, limit=CANDIDATES, score_cutoff=50
            )
            yield from (place for _, _, place in best)
