"""A company's structure in one record: who has what of it, what they are, what is unknown. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from workflows.data.ownership import Band, Stake, Standing, Structure
from workflows.rules.ownership.control import Control, controllers, seeds
from workflows.rules.ownership.effective import band, effective
from workflows.rules.ownership.flags import flags, loops
from workflows.rules.ownership.graph import Graph, Range, Right
from workflows.rules.ownership.paths import Paths, layers

QUARTER = 0.25
"""Fraction from which a person counts as beneficial owner (AMLR Art. 52)."""
EXPLAINED = 200
"""Holders whose chains are written out; of more, those with the largest parts."""
_ENDS = ("person", "state")
"""Kinds of holders nobody stands behind."""


def structure(graph: Graph, subject: str) -> Structure:
    """Work out the structure above `subject`."""
    links = {right: graph.links(right) for right in Right}
    parts = {right: effective(links[right], subject) for right in Right}
    above = graph.above(subject)
    either = parts[Right.EITHER]
    sure = controllers(graph, [subject, *seeds(either, graph, least=QUARTER, end=0)])
    perhaps = controllers(graph, [subject, *seeds(either, graph, least=QUARTER, end=1)])
    ends = [p for p in above[1:] if _ends(graph, p)]
    capacities = _capacities(graph, above)
    stakes = [_stake(graph, p, parts, sure, perhaps, capacities.get(p, ())) for p in ends]
    stakes.sort(key=lambda s: (-_low(s.stake), -_high(s.stake), s.name))
    weighty = [s.party for s in stakes if s.standing is not Standing.BELOW]
    weighty += seeds(either, graph, least=QUARTER, end=1)
    inside = graph.below([subject, *weighty], above)
    near = [p for p in above if p in inside]
    paths = Paths(graph, subject, near)
    stakes = [_explained(s, paths) if n < EXPLAINED else s for n, s in enumerate(stakes)]
    found = Structure(
        subject=subject,
        name=graph.parties[subject].name,
        holders=tuple(stakes),
        unknown_shares=_unknown(parts[Right.SHARES], ends),
        unknown_votes=_unknown(parts[Right.VOTES], ends),
        layers=layers(graph, subject, near),
        parties=len(above),
        loops=tuple(loops(graph, subject, near)),
    )
    return found.model_copy(update={"flags": tuple(flags(graph, found, near, perhaps))})


def _ends(graph: Graph, party: str) -> bool:
    """Say whether a chain ends here: at a person, a state, or whose holders nobody named."""
    return graph.parties[party].kind in _ENDS or not graph.owners.get(party)


def _capacities(graph: Graph, above: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Say who holds something for somebody else."""
    found: dict[str, dict[str, None]] = {}
    for company in above:
        for holder, interests in graph.owners.get(company, {}).items():
            for i in interests:
                words = [
                    w for w, yes in (("as trustee", i.trust), ("as nominee", i.nominee)) if yes
                ]
                found.setdefault(holder, {}).update(dict.fromkeys(words))
    return {holder: tuple(words) for holder, words in found.items()}


def _stake(
    graph: Graph,
    party: str,
    parts: Mapping[Right, Mapping[str, Range]],
    sure: Control,
    perhaps: Control,
    capacities: Iterable[str],
) -> Stake:
    holder = graph.parties[party]
    shares, votes, either = (parts[right].get(party) for right in Right)
    controls = perhaps.by_power(party)
    return Stake(
        party=party,
        name=holder.name,
        kind=holder.kind,
        country=holder.country,
        shares=band(shares) if shares else None,
        votes=band(votes) if votes else None,
        stake=band(either) if either else None,
        standing=_standing(graph, party, either or (0.0, 0.0), sure, perhaps),
        means=(*([controls] if controls else []), *capacities),
    )


def _standing(graph: Graph, party: str, part: Range, sure: Control, perhaps: Control) -> Standing:
    reaches = part[1] >= QUARTER or party in perhaps
    kind = graph.parties[party].kind
    if reaches and kind not in _ENDS and party not in graph.widely_held:
        return Standing.DEAD_END
    if part[0] >= QUARTER:
        return Standing.OWNER
    if party in sure:
        return Standing.CONTROLS
    return Standing.POSSIBLE if reaches else Standing.BELOW


def _explained(stake: Stake, paths: Paths) -> Stake:
    if stake.standing is Standing.BELOW:
        return stake
    chains, more = paths.to(stake.party)
    shown = tuple(paths.shown(chain) for chain in chains)
    return stake.model_copy(update={"paths": shown, "more_paths": more})


def _unknown(parts: Mapping[str, Range], ends: Sequence[str]) -> Band:
    """What no holder at the end of a chain accounts for. Least parts of more than 100 % are one
    block said of several, so no more of it than the largest is known.
    """
    known = [parts[p] for p in ends if p in parts]
    low, high = sum(k[0] for k in known), sum(k[1] for k in known)
    if low > 1:
        low = max(k[0] for k in known)
    return band((1 - min(1.0, high), 1 - min(1.0, low)))


def _low(part: Band | None) -> float:
    return part.low if part else 0.0


def _high(part: Band | None) -> float:
    return part.high if part else 0.0
