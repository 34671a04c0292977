"""Who controls a company other than by the shares it counts for: by a chain of powers. Pure."""

from collections.abc import Collection, Iterable, Mapping

from workflows.data.registers import Interest, InterestKind
from workflows.rules.ownership.graph import Graph, Range

MAJORITY = 50.0
MAJORITY_WORDS = "has the majority of"
POWERS = {
    InterestKind.APPOINTMENTS: "appoints the board of",
    InterestKind.INFLUENCE: "influences",
    InterestKind.CONSOLIDATION: "consolidates",
}
"""Ways to control without a stated share, in words."""


class Control(dict[str, str]):
    """Who controls, and how: party -> words. `bare` are those by a link without any share, with the
    company it leads to.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bare: dict[str, str] = {}

    def by_power(self, party: str) -> str:
        """Say how a party controls, if not by a majority, which its band shows already."""
        how = self.get(party, "")
        return "" if how.startswith(MAJORITY_WORDS) else how


def controllers(graph: Graph, seeds: Collection[str]) -> Control:
    """Give who controls any of `seeds`, link by link upwards (AMLR Art. 53)."""
    found = Control()
    order = list(seeds)
    seen = set(order)
    for company in order:
        for holder, interests in graph.owners.get(company, {}).items():
            how = power(interests)
            if not how or holder in seen:
                continue
            found[holder] = f"{how} {graph.parties[company].name}"
            if not any(_share(i) for i in interests):
                found.bare[holder] = company
            seen.add(holder)
            order.append(holder)
    return found


def power(interests: Iterable[Interest]) -> str:
    """Say how these interests control, in words; empty if they do not."""
    for i in interests:
        if i.trust and i.kind in POWERS:
            return "is a party to"
        if i.kind in POWERS:
            return POWERS[i.kind]
    if any((i.min_pct or 0.0) >= MAJORITY for i in interests if _share(i)):
        return MAJORITY_WORDS
    return ""


def _share(interest: Interest) -> bool:
    kinds = (InterestKind.SHARES, InterestKind.VOTES)
    return interest.kind in kinds and not (interest.min_pct is None and interest.max_pct is None)


def seeds(parts: Mapping[str, Range], graph: Graph, *, least: float, end: int) -> list[str]:
    """Give the companies and trusts whose part reaches `least` at that end of its band."""
    return [p for p, r in parts.items() if r[end] >= least and graph.parties[p].kind != "person"]
