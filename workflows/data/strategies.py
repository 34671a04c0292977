"""Records of asking several models: who was asked, what each said, and what it cost."""

from datetime import timedelta
from decimal import Decimal
from typing import Literal, TypeAlias

from pydantic import AwareDatetime, Field, JsonValue

from workflows.data.common import Record

ReplyState: TypeAlias = Literal[
    "accepted", "rejected", "failed", "timed_out", "cancelled", "not_asked"
]


class ReplyView(Record):
    """What became of asking one respondent. `value` is what it said, as JSON.

    `accepted`: the result is its value, or agrees with it. `model` is `vendor/model`, empty where
    none answered. With `uncertain` it was given up in flight: it may have been billed all the same,
    and `usd` does not hold that.
    """

    who: str
    state: ReplyState
    model: str = ""
    value: JsonValue = None
    says: str = ""
    """What it counts for, where replies are compared."""
    confidence: float | None = None
    usd: Decimal = Decimal(0)
    uncertain: bool = False
    why: str = ""
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None


class StrategyRecord(Record):
    """How several models were asked and why that ended; also the record of a cascade.

    `decided` says whether the strategy itself gave the value; else `otherwise` did. `via` is the
    respondent whose value it is, or what `otherwise` did.
    """

    name: str
    replies: tuple[ReplyView, ...]
    decided: bool
    why: str
    via: str

    @property
    def usd(self) -> Decimal:
        """What all replies cost as far as it is known, in US dollars."""
        return sum((r.usd for r in self.replies), Decimal(0))

    @property
    def uncertain(self) -> int:
        """How many calls were given up in flight and may have been billed besides `usd`."""
        return sum(r.uncertain for r in self.replies)


class VoteRecord(StrategyRecord):
    """A vote. `votes` counts by what was said; `agreement` is the largest share of those cast.

    `minority` are those who said something else than the result. `models` and `vendors` count who
    stands behind the largest share: `correlated` says in words where its votes may err together.
    """

    quorum: int
    votes: dict[str, int] = Field(default_factory=dict)
    agreement: float
    minority: tuple[str, ...] = ()
    models: int = 0
    vendors: int = 0
    correlated: str = ""


class HedgeRecord(StrategyRecord):
    """A hedged request. `second` says why the second respondent was asked, if it was.

    `withheld`: the first was late, but the share of hedges was spent.
    """

    after: timedelta
    second: Literal["not asked", "first was late", "first failed"]
    withheld: bool = False


class OpinionsRecord(VoteRecord):
    """Second opinions: a vote, unless the first was sure enough (`path` is then `sure` alone)."""

    path: tuple[Literal["sure", "unsure", "agreed", "otherwise"], ...]
