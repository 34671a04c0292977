"""Chains between the subject and a holder: the first few of them, and the longest. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from workflows.data.registers import Interest
from workflows.rules.ownership.graph import Graph
from workflows.rules.ownership.loops import components

SHOWN = 3
"""Chains shown for a holder."""
STEPS = 20_000
"""Steps taken to find them; where loops leave more dead ends than that, fewer are shown."""
ENDS = 3
"""Links shown at either end of a long chain."""


class Paths:
    """The chains below one subject, through the parties of `within`, nearest to it first."""

    def __init__(self, graph: Graph, subject: str, within: Iterable[str]) -> None:
        self.graph, self.subject = graph, subject
        self.holds: dict[str, list[str]] = defaultdict(list)
        for company in within:
            for holder in graph.owners.get(company, ()):
                self.holds[holder].append(company)

    def to(self, holder: str) -> tuple[list[list[str]], bool]:
        """Give chains from the subject to `holder`, and whether there are more of them."""
        found: list[list[str]] = []
        chain, on_it, at = [holder], {holder}, [iter(self.holds[holder])]
        for _ in range(STEPS):
            if not at or len(found) > SHOWN:
                break
            company = next(at[-1], None)
            if company is None:
                at.pop()
                on_it.discard(chain.pop())
            elif company == self.subject:
                found.append([self.subject, *reversed(chain)])
            elif company not in on_it:
                chain.append(company)
                on_it.add(company)
                at.append(iter(self.holds[company]))
        return found[:SHOWN], bool(at) or len(found) > SHOWN

    def shown(self, chain: Sequence[str]) -> str:
        """Write a chain upwards, with what each holder has of the one before it."""
        links = [
            f"{held(self.graph.owners[company][holder])} {self.graph.parties[holder].name}"
            for company, holder in pairwise(chain)
        ]
        if len(links) > 2 * ENDS + 1:
            left_out = f"... {len(links) - 2 * ENDS} more ..."
            links = [*links[:ENDS], left_out, *links[-ENDS:]]
        return " < ".join(links)


def held(interests: Iterable[Interest]) -> str:
    """Say what interests amount to, as `shares+votes 75-100 %` or `influence`."""
    by_band: dict[str, list[str]] = {}
    for i in interests:
        stated = i.min_pct is not None or i.max_pct is not None
        high = 100.0 if i.max_pct is None else i.max_pct
        low = i.min_pct or 0.0
        band = (f"{low:.4g}" if low == high else f"{low:.4g}-{high:.4g}") if stated else ""
        kinds = by_band.setdefault(band, [])
        kinds += [str(i.kind)] if str(i.kind) not in kinds else []
    if len(by_band) > 1:
        by_band.pop("", None)  # where shares are known, the rest adds little to a line
    return ", ".join(f"{'+'.join(k)} {b} %" if b else "+".join(k) for b, k in by_band.items())


def layers(graph: Graph, subject: str, within: Collection[str]) -> int:
    """Count the entities and arrangements of the longest chain above the subject.

    Companies of a loop count once each. Takes time in proportion to the links.
    """
    inside = frozenset(within)
    links = {c: dict.fromkeys(h for h in graph.owners.get(c, ()) if h in inside) for c in within}
    deepest: dict[str, int] = {subject: 0}
    longest = 0
    for group in components(links, subject):
        entities = sum(graph.parties[m].kind != "person" for m in group if m != subject)
        reached = max(deepest.get(m, 0) for m in group) + entities
        longest = max(longest, reached)
        for member in group:
            for holder in links.get(member, ()):
                deepest[holder] = max(deepest.get(holder, 0), reached)
    return longest
