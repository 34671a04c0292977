"""Due diligence: what an entry of a list has to do with a party. Sanctions and exposure alike.

Names are compared anew, beside the list's own score. Birth date, kind and country only lower or
confirm: they never make a hit. Whatever is set aside is told, with the reason. Pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from workflows.data.findings import MatchedOn, Strength
from workflows.data.names.compare import NameMatch, compare
from workflows.data.sources import Identifier, ListHit, ScreenQuery
from workflows.rules.dd.sheet import folded

OFFICIAL = 0.85
"""The list's own score from which an entry is looked at although our comparison sees no match."""
YEARS_APART = 2
"""Years of birth further apart than this are two people; lists often know the year roughly."""
_MARKS = re.compile(r"[\s;,():=/#|.]+")


LISTS = {"us_ofac_sdn": "OFAC's list of Specially Designated Nationals"}
"""Names of lists for people; others are told by the source's own word."""


def entry_of(hit: ListHit) -> str:
    """Say which entry of which list it is."""
    return f"entry {hit.entry_id} of {LISTS.get(hit.dataset, hit.dataset)}"


def looked_through(alike: int, found: int) -> str:
    """Say what a search of a list came to: how many entries it found, how many are worth a look."""
    if not alike:
        return f"no entry is like the name ({found} were found)" if found else "no entry was found"
    return f"{alike} of {found} entries found are worth a look"


class Says(StrEnum):
    """How an attribute of the party compares with the entry's."""

    AGREES = "agrees"
    CONFLICTS = "conflicts"
    UNKNOWN = "unknown"


class Standing(StrEnum):
    """What becomes of an entry."""

    CONFIRMED = "confirmed"
    """It holds one of the party's identifiers."""
    POSSIBLE = "possible"
    SET_ASIDE = "set aside"
    """The name is alike, but something speaks against it."""
    UNLIKE = "unlike"


@dataclass(frozen=True)
class Look:
    """One entry as it was looked at, for one party."""

    query: ScreenQuery
    hit: ListHit
    standing: Standing
    name: str
    """The listed name that is likest."""
    match: NameMatch
    birth: Says
    country: Says
    number: Identifier | None = None
    """The identifier both have."""
    why: str = ""
    """What speaks against it."""

    @property
    def sure(self) -> bool:
        """Say whether name and whole date of birth agree."""
        return self.birth is Says.AGREES and self.match.matched

    @property
    def strength(self) -> Strength:
        """How firmly it stands, apart from the score."""
        if self.number:
            return Strength.IDENTIFIER
        return Strength.RECORD if self.sure else Strength.NAME

    @property
    def told(self) -> str:
        """The comparison in one line."""
        own = f"{self.match.score:.2f}, the list's own score {self.hit.score:.2f}"
        return f"{own}; birth date {self.birth}, country {self.country}"

    @property
    def matched_on(self) -> MatchedOn:
        """Which values agreed."""
        if self.number:
            listed = f"{self.number.scheme} {self.number.value} in entry {self.hit.entry_id}"
            return MatchedOn(field=self.number.scheme, query=self.number.value, candidate=listed)
        return MatchedOn(
            field="name",
            query=self.query.name,
            candidate=self.name,
            parts=(*self.match.parts, f"birth date {self.birth}", f"country {self.country}"),
        )


def look(query: ScreenQuery, hit: ListHit) -> Look:
    """Compare a party with an entry."""
    name, match = _likest(query, (hit.caption, *hit.names))
    weak_name, weak = _likest(query, hit.weak_names)
    only_weak = not match.matched and weak.matched
    if only_weak:
        name, match = weak_name, weak
    birth, country = births(query, hit), countries(query, hit)
    number = shared_number(query, hit)
    why = _against(query, hit, birth)
    if only_weak and Says.AGREES not in (birth, country):
        why = why or "only a weak alias is alike"
    standing = Standing.POSSIBLE
    if number:
        standing, why = Standing.CONFIRMED, ""
    elif not match.matched and hit.score < OFFICIAL:
        standing = Standing.UNLIKE
    elif why:
        standing = Standing.SET_ASIDE
    return Look(query, hit, standing, name, match, birth, country, number, why)


def _likest(query: ScreenQuery, names: Iterable[str]) -> tuple[str, NameMatch]:
    compared = [(name, compare(query.name, name, query.kind)) for name in names]
    return max(compared, key=lambda pair: pair[1].score, default=("", NameMatch(0.0)))


def _against(query: ScreenQuery, hit: ListHit, birth: Says) -> str:
    if hit.kind in ("Company", "Person") and hit.kind != query.kind:
        return f"it is a {hit.kind.lower()}, the party a {query.kind.lower()}"
    if birth is Says.CONFLICTS:
        return f"born {' or '.join(hit.births)}, the party {query.birth_date or query.birth}"
    return ""


def births(query: ScreenQuery, hit: ListHit) -> Says:
    """Compare dates of birth. Only whole equal dates agree; a rough date leaves it open."""
    own = str(query.birth_date) if query.birth_date else query.birth
    if not own or not hit.births:
        return Says.UNKNOWN
    if len(own) == 10 and own in hit.births:
        return Says.AGREES
    years = [int(born[:4]) for born in hit.births if born[:4].isdigit()]
    apart = min((abs(int(own[:4]) - year) for year in years), default=0)
    return Says.CONFLICTS if apart > YEARS_APART else Says.UNKNOWN


def countries(query: ScreenQuery, hit: ListHit) -> Says:
    """Compare countries. People and companies have several, so a conflict decides nothing."""
    if not query.country or not hit.countries:
        return Says.UNKNOWN
    return Says.AGREES if query.country in hit.countries else Says.CONFLICTS


def shared_number(query: ScreenQuery, hit: ListHit) -> Identifier | None:
    """Give the party's identifier that the entry holds, exactly, also within its remarks."""
    listed = {folded(i.value) for i in hit.identifiers}
    # Twice, because "No.01126618" has to be cut at the dot and "01.126.618" must not be.
    words = re.split(r"[\s;,()]+", hit.remarks) + re.split(_MARKS, hit.remarks)
    listed |= {folded(word) for word in words}
    own = (i for i in query.identifiers if folded(i.value))
    return next((i for i in own if folded(i.value) in listed), None)
