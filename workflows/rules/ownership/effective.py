"""What each party has of the subject: multiplied down chains, added across them, as a band. Pure.

Both ends of the band are sound: the low end uses what is stated at least, the high end what is
stated at most, and what a holder has grows with every fraction (see `loops`). The high end is
capped at 100 % at each party, because holders' bands may add up to more than there is.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence

from workflows.data.ownership import Band, Together
from workflows.rules.ownership.graph import Graph, Links, Range, Right
from workflows.rules.ownership.loops import components, is_loop, visits

REFINED = 30
"""Members of loops up to which their own parts are worked out exactly; of more, as a wider band.
What holders outside a loop have is exact either way.
"""


def effective(links: Links, subject: str, stop: Collection[str] = ()) -> dict[str, Range]:
    """Give what each party above `subject` has of it. Chains end at the parties of `stop`.

    Takes time in proportion to the links, and more only for loops.
    """
    links = {c: h for c, h in links.items() if c not in stop}
    parts, looped = _flow(links, subject)
    if len(looped) <= REFINED:
        for member in looped:  # as the end of all chains it is in no loop, and exact
            ending = {c: h for c, h in links.items() if c != member}
            parts[member] = _flow(ending, subject)[0][member]
    return parts


def _flow(links: Links, subject: str) -> tuple[dict[str, Range], list[str]]:
    """Lead the whole of the subject up to its holders once; name besides the members of loops."""
    parts: dict[str, Range] = {}
    entry: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    entry[subject] = [1.0, 1.0]
    looped: list[str] = []
    for group in components(links, subject):
        if is_loop(group, links):
            looped += [m for m in group if m != subject]
            _through_loop(group, links, entry, parts)
            continue
        party = group[0]
        low, high = (min(1.0, e) for e in entry.pop(party))
        parts[party] = (low, high)
        for holder, (least, most) in links.get(party, {}).items():
            entry[holder][0] += low * least
            entry[holder][1] += high * most
    parts.pop(subject, None)
    return parts, looped


def _through_loop(
    group: Sequence[str],
    links: Links,
    entry: dict[str, list[float]],
    parts: dict[str, Range],
) -> None:
    """Lead what enters a loop on to the holders outside it, and give its members their part."""
    entries = {m: entry.pop(m) for m in group if m in entry}
    members = set(group)
    for end in (0, 1):
        enters = {m: e[end] for m, e in entries.items()}
        whole = min(1.0, sum(enters.values()))
        inside = {c: {h: r[end] for h, r in links.get(c, {}).items()} for c in group}
        solved = visits(group, inside, enters)
        # Unsolved, the low end counts what leaves at once, the high end may be all that enters.
        flow = solved or (enters if end == 0 else dict.fromkeys(group, float("inf")))
        leaves: dict[str, float] = defaultdict(float)
        for company in group:
            for holder, fraction in inside[company].items():
                if holder not in members and fraction:
                    leaves[holder] += flow.get(company, 0.0) * fraction
        for holder, part in leaves.items():
            entry[holder][end] += min(whole, part)
        for member in group:
            part = enters.get(member, 0.0) if end == 0 else min(whole, flow.get(member, 0.0))
            low = parts[member][0] if end else min(1.0, part)
            parts[member] = (low, max(low, part) if end else 1.0)


def together(graph: Graph, subject: str, listed: Collection[str]) -> Together:
    """Work out what the parties of `listed` (on a sanctions list) own of the subject together.

    Chains end at the first of them, so a listed company owned by a listed person counts once. Link
    by link the larger of shares and votes counts.
    """
    parts = effective(graph.links(Right.EITHER), subject, listed)
    held = {p: parts[p] for p in listed if p in parts}
    low, high = (min(1.0, sum(p[end] for p in held.values())) for end in (0, 1))
    return Together(band=band((low, high)), each={p: band(r) for p, r in held.items()})


def band(part: Range) -> Band:
    """Give a fraction's band in per cent, without the last digits of its arithmetic."""
    low, high = (round(min(1.0, max(0.0, f)) * 100, 6) for f in part)
    return Band(low=low, high=max(low, high))
