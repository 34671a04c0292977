"""The graph of holders and what they hold, with one node for each party however often named."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from anyascii import anyascii

from workflows.data.registers import Holder, Interest, InterestKind
from workflows.data.sources import Identifier

Range = tuple[float, float]
"""A share as a fraction, at least and at most."""
Links = Mapping[str, Mapping[str, Range]]
"""Company -> holder -> what the holder has of it."""


class Right(StrEnum):
    """Which right is multiplied and added."""

    SHARES = "shares"
    VOTES = "votes"
    EITHER = "either"
    """Link by link the larger of the two, as AMLR Art. 52 takes 'shares or voting rights'."""


_KINDS = {
    Right.SHARES: (InterestKind.SHARES,),
    Right.VOTES: (InterestKind.VOTES,),
    Right.EITHER: (InterestKind.SHARES, InterestKind.VOTES),
}
_TITLES = re.compile(
    r"^(mr|mrs|ms|miss|dr|sir|dame|lord|lady|prof|the right honourable)\b\.?\s*", re.I
)


class Graph:
    """Parties and their interests. Interests in one company by one holder are kept together.

    A party is recognised by any identifier; without one a person by name and birth, a company by
    name and country; with neither it counts as somebody else in each company.
    """

    def __init__(self) -> None:
        self.parties: dict[str, Holder] = {}
        self.owners: dict[str, dict[str, list[Interest]]] = defaultdict(dict)
        self.widely_held: set[str] = set()
        """Companies whose register exempts them from naming anybody: no dead ends."""
        self.unread: set[str] = set()
        """Companies whose holders nobody could be asked for: a gap, not a finding."""
        self._known: dict[str, str] = {}

    def party(self, holder: Holder, near: str = "") -> str:
        """Give the key of a party, which is added if it is new. `near` is what it holds."""
        marks = list(dict.fromkeys(_marks(holder, near)))
        key = next((self._known[m] for m in marks if m in self._known), marks[0])
        for mark in marks:
            self._known.setdefault(mark, key)
        known = self.parties.get(key)
        self.parties[key] = _merged(known, holder) if known else holder
        return key

    def find(self, identifiers: Iterable[Identifier]) -> str | None:
        """Give the key of the party with one of these identifiers."""
        return next(
            (self._known[m] for i in identifiers if (m := _mark(i, "")) in self._known), None
        )

    def add(self, company: str, holder: Holder, interests: Iterable[Interest]) -> str:
        """Add what a holder has of `company`; give the holder's key."""
        key = self.party(holder, company)
        self.link(company, key, interests)
        return key

    def link(self, company: str, holder: str, interests: Iterable[Interest]) -> None:
        """Add interests between two parties that are there already."""
        known = self.owners[company].setdefault(holder, [])
        known.extend(i for i in interests if i not in known)

    def links(self, right: Right) -> dict[str, dict[str, Range]]:
        """Give who holds what fraction of whom; a link without that right stated is left out."""
        kinds = _KINDS[right]
        found: dict[str, dict[str, Range]] = {}
        for company, holders in self.owners.items():
            stated = {h: r for h, i in holders.items() if (r := _stated(i, kinds)) and r[1] > 0}
            if stated:
                found[company] = stated
        return found

    def above(self, subject: str) -> list[str]:
        """Give the subject and all that is above it, nearest first."""
        order, seen = [subject], {subject}
        for party in order:
            new = [h for h in self.owners.get(party, ()) if h not in seen]
            seen.update(new)
            order.extend(new)
        return order

    def below(self, tops: Collection[str], within: Collection[str]) -> set[str]:
        """Give `tops` and every party of `within` on a way from the subject to one of them."""
        held: dict[str, list[str]] = defaultdict(list)
        for company in within:
            for holder in self.owners.get(company, ()):
                held[holder].append(company)
        order = list(dict.fromkeys(tops))
        seen = set(order)
        for party in order:
            new = [c for c in held[party] if c not in seen]
            seen.update(new)
            order.extend(new)
        return seen


def _stated(interests: Iterable[Interest], kinds: Collection[InterestKind]) -> Range | None:
    """Two statements of one right are one holding said twice, so the larger counts, not the sum."""
    bands = [
        (i.min_pct or 0.0, 100.0 if i.max_pct is None else i.max_pct)
        for i in interests
        if i.kind in kinds and not i.ultimate and (i.min_pct is not None or i.max_pct is not None)
    ]
    if not bands:
        return None
    low, high = max(b[0] for b in bands) / 100, max(b[1] for b in bands) / 100
    return low, max(low, high)


def _mark(identifier: Identifier, country: str) -> str:
    """Numbers of a register that is not known tell parties apart within a country only."""
    scheme = identifier.scheme.upper().removeprefix("XI-")
    return f"{scheme}{country if scheme == 'OTHER' else ''}:{identifier.value.upper()}"


def _marks(holder: Holder, near: str) -> Iterable[str]:
    """Give what a party can be recognised by, best first."""
    yield from (_mark(i, holder.country) for i in holder.identifiers)
    name = re.sub(r"[^a-z0-9]", "", anyascii(without_titles(holder.name)).lower())
    told_apart = holder.birth if holder.kind == "person" else holder.country
    if told_apart:
        yield f"{holder.kind}:{name}:{told_apart.upper()}"
    elif not holder.identifiers:
        yield f"{holder.kind}:{name}@{near}"


def without_titles(name: str) -> str:
    """Take Mr, Lady and the like off the beginning of a person's name."""
    while (shorter := _TITLES.sub("", name)) != name:
        name = shorter
    return name


def _merged(known: Holder, new: Holder) -> Holder:
    """Fill up what was not known of a party."""
    more = tuple(i for i in new.identifiers if i not in known.identifiers)
    update = {
        "identifiers": known.identifiers + more,
        "country": known.country or new.country,
        "birth": known.birth or new.birth,
        "nationality": known.nationality or new.nationality,
    }
    return known.model_copy(update=update)
