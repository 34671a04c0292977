"""Records of aggregation: one result of several branches, and what it does not rest on."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import Field, SerializeAsAny

from workflows.data.common import Record

T = TypeVar("T")


class MissingBranch(Record):
    """A branch the result does not rest on: how it ended, and why."""

    name: str
    status: str
    why: str = ""


class Said(Record):
    """What one branch gave."""

    branch: str
    value: Any


class Conflict(Record):
    """A field on which branches differ: what was taken, and what the others gave instead."""

    field: str
    taken: Said
    others: tuple[Said, ...]


class DroppedCitation(Record):
    """A citation of a branch that gave nothing; `lost` says that the whole claim went with it."""

    claim: str
    cites: str
    why: str
    lost: bool


class Aggregated(Record, Generic[T]):
    """One record made of several branches' results, and how far it can be relied on.

    All names are in declaration order. `stale`, `partial` and `defaulted` are among `contributed`;
    every declared branch is either there or in `missing`. `coverage` and `confidence` are the
    lowest (0 to 1) of the contributing; None if nobody contributed or said any. `by` is `model`
    where a model wrote the record.
    """

    value: SerializeAsAny[T]
    contributed: tuple[str, ...]
    missing: tuple[MissingBranch, ...] = ()
    stale: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    defaulted: tuple[str, ...] = ()
    coverage: float | None = None
    confidence: float | None = None
    conflicts: tuple[Conflict, ...] = ()
    dropped: tuple[DroppedCitation, ...] = ()
    by: Literal["code", "model"] = "code"

    @property
    def is_whole(self) -> bool:
        """Whether every branch contributed, fresh, in full and by itself."""
        return not (self.missing or self.stale or self.partial or self.defaulted)


class Votes(Record, Generic[T]):
    """The votes for one choice, and who cast them."""

    choice: T
    count: int
    voters: tuple[str, ...]


class Ballot(Record, Generic[T]):
    """The result of a vote. `winner` None: a tie at the top, too few votes, or too few agree.

    `votes` go from most to fewest, equals in the order of the choices. `tied` are the choices
    that share the lead, if more than one does. `needed` votes win; fewer than `quorum` cast votes
    decide nothing. Who gave a result without a choice, or differs with himself, is in `abstained`.
    """

    winner: T | None
    votes: tuple[Votes[T], ...]
    tied: tuple[T, ...] = ()
    abstained: tuple[str, ...] = ()
    cast: int
    needed: int
    quorum: int


class Place(Record, Generic[T]):
    """A branch's place in a ranking, from 1; equal scores share a place."""

    place: int
    branch: str
    score: float
    value: SerializeAsAny[T]


class Ranking(Record, Generic[T]):
    """Results from best to worst; equals keep their declared order. `unscored` have no place."""

    places: tuple[Place[T], ...]
    unscored: tuple[str, ...] = ()


class Weighed(Record):
    """One number of a mean and its share (0 to 1) of the weights present."""

    branch: str
    number: float
    share: float


class WeightedMean(Record):
    """A mean by declared weights. `mean` None: less than the weight asked for is `present`.

    `present` is the share (0 to 1) of all declared weight whose branches gave a number.
    """

    mean: float | None
    present: float
    parts: tuple[Weighed, ...]


class BranchClaim(Record):
    """One statement of a synthesis, with the branches it rests on."""

    text: str
    cites: tuple[str, ...]


class Cited(Record):
    """What a model writes of several branches' results; a record of one's own derives from it."""

    claims: tuple[BranchClaim, ...] = Field(default=())
