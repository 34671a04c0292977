"""What stands out in a structure: trusts, nominees, loops, complexity, control unresolved. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from workflows.data.ownership import Flagged, Stake, Standing, Structure, StructureFlag
from workflows.data.registers import Interest, InterestKind
from workflows.rules.ownership.control import Control
from workflows.rules.ownership.graph import Graph
from workflows.rules.ownership.loops import components, is_loop

MANY_LAYERS = 3
"""Layers from which a structure may be complex, with two of the traits (draft CDD RTS, 2026)."""
TRAITS = 2
MANY_TOGETHER = 3
"""Holders of one block of rights who, with a trust, make a structure complex (house rule)."""
UNKNOWN = 25.0
"""Per cent of shares and votes that may be unknown at most: more could hide an owner."""
EU = frozenset(
    {
        "AT",
        "BE",
        "BG",
        "HR",
        "CY",
        "CZ",
        "DK",
        "EE",
        "FI",
        "FR",
        "DE",
        "GR",
        "HU",
        "IE",
        "IT",
        "LV",
        "LT",
        "LU",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SK",
        "SI",
        "ES",
        "SE",
    }
)
NAMED = 12
"""Parties named by a flag; more are counted."""


def loops(graph: Graph, subject: str, near: Sequence[str]) -> list[tuple[str, ...]]:
    """Give the groups of parties among `near` that own or control each other."""
    inside = frozenset(near)
    links = {
        c: {h: i for h, i in graph.owners[c].items() if h in inside and not _top_only(i)}
        for c in near
        if c in graph.owners
    }
    return [tuple(sorted(g)) for g in components(links, subject) if is_loop(g, links)]


def flags(
    graph: Graph, found: Structure, near: Sequence[str], control: Control
) -> Iterator[Flagged]:
    """Say what stands out. `near` are the parties on chains to holders that count."""
    trusts = [h for c, h, i in _links(graph, near) if _in_trust(graph, h, i)]
    nominees = [h for _, h, i in _links(graph, near) if any(x.nominee for x in i)]
    if trusts:
        every = [*trusts, *_parties_to(graph, trusts)]
        yield _flag(StructureFlag.TRUST_IN_CHAIN, "held in trust or through one by", graph, every)
    if nominees:
        why = "held by nominees, so whom they hold for is not known:"
        yield _flag(StructureFlag.NOMINEE_IN_CHAIN, why, graph, nominees)
    for loop in found.loops:
        yield _flag(StructureFlag.CIRCULAR_OWNERSHIP, "own or control each other:", graph, loop)
    if why := _complex(graph, found, near, trust=bool(trusts), nominee=bool(nominees)):
        yield Flagged(flag=StructureFlag.COMPLEX_STRUCTURE, why=why)
    unresolved = list(_unresolved(graph, found, control))
    if unresolved:
        parties = [
            s.party for s in found.holders if _is_dead(graph, s) or _is_bare(graph, s, control)
        ]
        why = "; ".join(unresolved)
        yield Flagged(
            flag=StructureFlag.UNRESOLVED_CONTROL, why=why, parties=tuple(parties[:NAMED])
        )


def _complex(
    graph: Graph, found: Structure, near: Sequence[str], *, trust: bool, nominee: bool
) -> str:
    """Say why a structure is complex; empty if it is not. Nobody's reasons are judged by rule."""
    foreign = sorted(
        {graph.parties[p].country[:2] for p in near[1:] if graph.parties[p].kind != "person"}
        - EU
        - {""}
    )
    hidden = any(graph.parties[p].kind == "unknown" for p in near)
    traits = [
        *(["a trust"] if trust else []),
        *([f"a layer outside the EU ({', '.join(foreign)})"] if foreign else []),
        *(["nominees"] if nominee else []),
        *(["holders kept secret or not named"] if hidden else []),
        *(["a loop"] if found.loops else []),
    ]
    if found.layers >= MANY_LAYERS and len(traits) >= TRAITS:
        return f"{found.layers} layers with {' and '.join(traits)}"
    block = max((b for b in _blocks(graph, near)), default=0)
    if trust and block >= MANY_TOGETHER:
        return (
            f"the least parts of {block} holders add up to more than 100 %, so they hold one block"
            " together, and a trust is among them"
        )
    return ""


def _blocks(graph: Graph, near: Sequence[str]) -> Iterator[int]:
    """Count, for each company and right, holders whose least parts exceed 100 % together."""
    for company in near:
        for kind in (InterestKind.SHARES, InterestKind.VOTES):
            least = [
                max((i.min_pct or 0.0 for i in interests if i.kind is kind), default=0.0)
                for interests in graph.owners.get(company, {}).values()
            ]
            if sum(least) > 100.0:
                yield sum(part > 0 for part in least)


def _unresolved(graph: Graph, found: Structure, control: Control) -> Iterator[str]:
    """Say in words what keeps control from being resolved."""
    if found.subject in graph.widely_held | graph.unread:
        return
    if not found.holders:
        yield "no holder is named (unresolved 100 %)"
        return
    bare = [s for s in found.holders if _is_bare(graph, s, control)]
    if bare:
        yield f"control without a stated share by {_names(s.name for s in bare)}"
    dead = [s for s in found.holders if _is_dead(graph, s) and s.stake]
    if dead:
        parts = _names(f"{s.name} (unresolved {s.stake})" for s in dead)
        yield f"nobody behind it is named: {parts}"
    left = min(found.unknown_shares.low, found.unknown_votes.low)
    if left > UNKNOWN and not bare and not graph.unread:
        yield f"no known holder accounts for at least {left:.4g} % of shares and votes"


def _is_dead(graph: Graph, stake: Stake) -> bool:
    return stake.standing is Standing.DEAD_END and stake.party not in graph.unread


def _is_bare(graph: Graph, stake: Stake, control: Control) -> bool:
    """Control without a share, by a link to a company whose register was read."""
    company = control.bare.get(stake.party)
    return company is not None and stake.stake is None and company not in graph.unread


def _links(graph: Graph, near: Sequence[str]) -> Iterator[tuple[str, str, Sequence[Interest]]]:
    inside = frozenset(near)
    for company in near:
        for holder, interests in graph.owners.get(company, {}).items():
            if holder in inside:
                yield company, holder, interests


def _in_trust(graph: Graph, holder: str, interests: Iterable[Interest]) -> bool:
    return graph.parties[holder].kind == "trust" or any(i.trust for i in interests)


def _parties_to(graph: Graph, trusts: Iterable[str]) -> Iterator[str]:
    """Give all parties to the trusts: settlors, trustees, protectors, beneficiaries."""
    for trust in trusts:
        if graph.parties[trust].kind == "trust":
            yield from graph.owners.get(trust, ())


def _top_only(interests: Iterable[Interest]) -> bool:
    return all(i.ultimate for i in interests)


def _flag(flag: StructureFlag, why: str, graph: Graph, parties: Collection[str]) -> Flagged:
    unique = tuple(dict.fromkeys(parties))
    words = f"{why} {_names(graph.parties[p].name for p in unique)}"
    return Flagged(flag=flag, why=words, parties=unique[:NAMED])


def _names(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
    return ", ".join(every[:NAMED]) + more
