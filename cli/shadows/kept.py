"""How a watch is kept in the store: what is compared and how, and what was compared so far."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from cli.errors import BadInput
from cli.shadows.asked import Asked
from cli.shadows.candidates import Candidate, candidate
from insight.statistics.fields import Tolerance
from insight.statistics.pairs import Pair
from store.watches import Watch, Watches
from workflows.calls import MAIN_QUEUE
from workflows.data.common import Record


class How(Record):
    """How a watch compares, as it is kept: as `Asked`, of which share of the cases, and with which
    definition of a blueprint.
    """

    tolerances: tuple[Tolerance, ...] = ()
    places: Mapping[str, str] = {}
    agree: float = 0.95
    usd: Decimal = Decimal(5)
    patience: timedelta = timedelta(minutes=15)
    queue: str = MAIN_QUEUE
    share: float = 1.0
    sha256: str = ""

    @classmethod
    def of(cls, asked: Asked, share: float) -> "How":
        """Write it down."""
        names = ("tolerances", "places", "agree", "usd", "patience", "queue")
        told = {name: getattr(asked, name) for name in names}
        return cls(**told, share=share, sha256=asked.candidate.digest())

    def asked(self, text: str) -> Asked:
        """Read it."""
        names = ("tolerances", "places", "agree", "usd", "patience", "queue")
        return Asked(candidate(text), **{name: getattr(self, name) for name in names})

    def check_same(self, tried: Candidate) -> None:
        """Refuse a blueprint that was edited: it is another candidate. Raises BadInput."""
        if tried.digest() != self.sha256:
            raise BadInput(f"{tried.text} was edited since the watch began; begin another watch")


async def standing(watches: Watches, watch: Watch) -> tuple[list[Pair], dict[str, str]]:
    """Give the pairs of a watch so far, and why which cases were left out."""
    kept = await watches.kept(watch.id)
    pairs = [Pair.model_validate_json(pair) for pair, _ in kept.values() if pair]
    return pairs, {case: why for case, (_, why) in kept.items() if why}
