"""Due diligence: the owners the form names beside those the register names. Pure."""

from collections.abc import Sequence

from workflows.data.case_file import Party
from workflows.data.names.search import Listed, NameList
from workflows.data.ownership import Standing, Structure
from workflows.data.registers import Holder
from workflows.rules.dd.ownership_walk import Walk
from workflows.rules.ownership.graph import without_titles

SHOWN = 8
"""Names that stand in a gap or the evidence; the others are counted."""
COMPARED = 100
"""Owners of the form, and of the register, that are compared: the work of one workflow task."""


def compare_with_form(walk: Walk, found: Structure) -> None:
    """Name owners whom only the form or only the register knows: discrepancies people resolve.

    At most COMPARED of either: a form may name thousands. Whom the register names beside so many
    cannot be said then.
    """
    if not walk.names_holders:
        return
    named = [p for p in walk.case.parties if p.role == "owner"]
    known = [h for key, h in walk.graph.parties.items() if key != walk.subject]
    _tell(walk, "the form names", _of_form_alone(named[:COMPARED], known), "the register")
    persons = [p for p in named if p.kind == "Person"]
    stakes = _persons(walk, found) if persons and len(named) <= COMPARED else []
    _tell(walk, "the register names", _of_register_alone(stakes[:COMPARED], persons), "the form")
    beyond = {"form": len(named) - COMPARED, "register": len(stakes) - COMPARED}
    for whose, more in beyond.items():
        if more > 0:
            walk.sheet.gap(f"owners: {more} more of the {whose} were not compared, too many")


def _persons(walk: Walk, found: Structure) -> list[Holder]:
    """Give the persons of the register whom the form must name."""
    counts = (Standing.OWNER, Standing.CONTROLS)
    those = (s for s in found.holders if s.standing in counts and s.kind == "person")
    return [walk.graph.parties[s.party] for s in those]


def _of_form_alone(named: Sequence[Party], known: Sequence[Holder]) -> list[str]:
    lists = {
        kind: NameList(
            (Listed(h, without_titles(h.name)) for h in known if (h.kind == "person") is person),
            kind,
        )
        for kind, person in (("Person", True), ("Company", False))
    }
    return [
        party.name
        for party in named
        if not any(
            _may_be(party, like.listed.entry) for like in lists[party.kind].search(party.name)
        )
    ]


def _of_register_alone(known: Sequence[Holder], persons: Sequence[Party]) -> list[str]:
    listed = NameList((Listed(p, p.name) for p in persons if known), "Person")
    return [
        holder.name
        for holder in known
        if not any(
            _may_be(like.listed.entry, holder)
            for like in listed.search(without_titles(holder.name))
        )
    ]


def _may_be(party: Party, holder: Holder) -> bool:
    """Say whether those alike in name may be one by their birth, too."""
    born = str(party.birth_date or party.birth)
    return not born or holder.birth.startswith(born[:7][: len(holder.birth)])


def _tell(walk: Walk, who: str, names: Sequence[str], other: str) -> None:
    """Leave a gap with the first of these names."""
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        told = ", ".join(names[:SHOWN]) + more
        walk.sheet.gap(f"owners: {who} {told}, whom {other} does not name")
