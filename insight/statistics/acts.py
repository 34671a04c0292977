"""What two plans order outside for the same case, order by order and field by field."""

from collections.abc import Iterator, Sequence
from functools import partial

from insight.statistics.fields import FieldDifference, Tolerance, differing, leaves
from workflows.data.common import JSON, Record

PLACE = "effects"
"""Where the paths of their fields begin, as `effects.mail:offer.to`."""


class Act(Record):
    """An order for an effect: its kind as the ledger has it, and what it says.

    `refused` is what the other side said to it; empty if it took the order.
    """

    kind: str
    said: JSON
    refused: str = ""


def acting_otherwise(
    baseline: Sequence[Act], candidate: Sequence[Act], tolerances: Sequence[Tolerance] = ()
) -> tuple[FieldDifference, ...]:
    """Compare the fields of orders of one kind, the most alike with one another.

    An order only one of the two has is no difference here: kinds are counted elsewhere.
    """
    found: list[FieldDifference] = []
    for kind in dict.fromkeys(act.kind for act in baseline):
        mine = [_whole(act) for act in _only(baseline, kind)]
        theirs = [_whole(act) for act in _only(candidate, kind)]
        for number, (one, two) in enumerate(_paired(mine, theirs), 1):
            path = f"{PLACE}.{kind}" if number == 1 else f"{PLACE}.{kind}#{number}"
            found += differing({path: one}, {path: two}, tolerances)
    return tuple(found)


def untold(baseline: Sequence[Act], candidate: Sequence[Act]) -> int:
    """Count the candidate's orders which the baseline did not give alike: nobody knows whether the
    other side would take them.
    """
    left = [(act.kind, dict(leaves(act.said))) for act in baseline]
    count = 0
    for act in candidate:
        known = (act.kind, dict(leaves(act.said)))
        if known in left:
            left.remove(known)
        else:
            count += 1
    return count


def _only(acts: Sequence[Act], kind: str) -> list[Act]:
    return [act for act in acts if act.kind == kind]


def _whole(act: Act) -> dict[str, JSON]:
    """Give what an order says; that it was refused is a field too, the words are not."""
    said: dict[str, JSON] = act.said if isinstance(act.said, dict) else {"said": act.said}
    return {**said, "refused": True} if act.refused else said


def _paired(
    mine: Sequence[dict[str, JSON]], theirs: Sequence[dict[str, JSON]]
) -> Iterator[tuple[JSON, JSON]]:
    """Pair orders: each of mine with that of theirs, not taken yet, which differs least."""
    left = list(theirs)
    for one in sorted(mine, key=lambda m: m not in left):  # those that are there unchanged first
        if not left:
            return
        two = min(left, key=partial(_distance, one))
        left.remove(two)
        yield one, two


def _distance(one: JSON, two: JSON) -> int:
    return len(differing(one, two))
