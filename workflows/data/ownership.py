"""Records of an ownership structure as it was worked out: who holds what, and what stands out."""

from enum import StrEnum

from workflows.data.common import Record
from workflows.data.registers import Percent


class Band(Record):
    """Per cent, at least `low` and at most `high`."""

    low: Percent
    high: Percent

    def __str__(self) -> str:
        low, high = f"{self.low:.4g}", f"{self.high:.4g}"
        return f"{low} %" if low == high else f"{low}-{high} %"


class Standing(StrEnum):
    """What a holder is to the subject, by the rule of 25 % (AMLR Art. 51-53)."""

    OWNER = "owner"
    """Beneficial owner: at least 25 % even at the low end of the band."""
    POSSIBLE = "possible"
    """The band reaches 25 %, so it may be one."""
    CONTROLS = "controls"
    """By other means: appointments, influence, consolidation, a trust, or a majority above."""
    BELOW = "below"
    DEAD_END = "dead_end"
    """A company whose own holders nobody named: no person was reached through it."""


class Stake(Record):
    """One holder of the subject. A band is None where no chain states that right throughout.

    `stake` takes, link by link, the larger of shares and votes: the verdict rests on it.
    """

    party: str
    name: str
    kind: str
    country: str = ""
    shares: Band | None = None
    votes: Band | None = None
    stake: Band | None = None
    standing: Standing
    means: tuple[str, ...] = ()
    """How it holds, beside plain shares and votes."""
    paths: tuple[str, ...] = ()
    """Chains from the subject up to it, the first few."""
    more_paths: bool = False


class StructureFlag(StrEnum):
    """What stands out in a structure; the names are those of findings."""

    COMPLEX_STRUCTURE = "COMPLEX_STRUCTURE"
    TRUST_IN_CHAIN = "TRUST_IN_CHAIN"
    NOMINEE_IN_CHAIN = "NOMINEE_IN_CHAIN"
    UNRESOLVED_CONTROL = "UNRESOLVED_CONTROL"
    CIRCULAR_OWNERSHIP = "CIRCULAR_OWNERSHIP"


class Flagged(Record):
    """One thing that stands out, in words."""

    flag: StructureFlag
    why: str
    parties: tuple[str, ...] = ()


class Structure(Record):
    """The whole answer. `holders` are persons and whoever stands at the end of a chain.

    `unknown_shares` is what no known holder accounts for. `layers` counts legal entities and
    arrangements of the longest chain above the subject.
    """

    subject: str
    name: str
    holders: tuple[Stake, ...]
    unknown_shares: Band
    unknown_votes: Band
    layers: int
    parties: int
    loops: tuple[tuple[str, ...], ...] = ()
    flags: tuple[Flagged, ...] = ()


class Together(Record):
    """What several holders have of the subject, alone and together, none of it counted twice."""

    band: Band
    each: dict[str, Band]
