"""A candidate beside its baselines: each case is run as a shadow and compared."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cli import cases
from cli.processes import ProcessEntry
from cli.shadows.baselines import Baseline
from cli.shadows.candidates import Candidate
from cli.shadows.recast import at, told
from cli.shadows.running import Ran, Shadowed
from insight.statistics.acts import Act, acting_otherwise, untold
from insight.statistics.fields import FieldDifference, Tolerance, differing, leaves
from insight.statistics.pairs import Pair
from workflows.data.blueprints.recast import named
from workflows.data.common import JSON

AT_ONCE = 4
"""Shadows that run at the same time."""


@dataclass(frozen=True)
class Comparing:
    """How a candidate of a process is compared; `tell` is told each pair as it is known.

    `places` says where in the baseline's result stands what a blueprint gives by another name.
    """

    shadowed: Shadowed
    entry: ProcessEntry
    candidate: Candidate
    tolerances: tuple[Tolerance, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    tell: Callable[[Pair], None] = lambda _: None

    async def all(self, baselines: Sequence[Baseline]) -> list[Pair]:
        """Run a shadow for each baseline, a few at once."""
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(baseline: Baseline) -> Pair:
            async with turn:
                return await self.pair(baseline)

        return list(await asyncio.gather(*(one(baseline) for baseline in baselines)))

    async def pair(self, baseline: Baseline, name: str = "", origins: tuple[str, ...] = ()) -> Pair:
        """Run the candidate on the input of a case, and compare what it came to.

        It may read what the case paid for, and `origins` besides.
        """
        entry, given = self.candidate.entry(self.entry), self.candidate.given(baseline.given)
        start = cases.Start(
            name or f"shadow-{entry.new_id(given)}",
            origins=(*((baseline.origin,) if baseline.origin else ()), *origins),
            shadow=True,
            payer=self.shadowed.payer,
        )
        how = self.candidate.start(start, self.shadowed.queue)
        ran = await self.shadowed.run(entry, given, how, baseline.said)
        found = self.compared(baseline, ran)
        self.tell(found)
        return found

    def compared(self, baseline: Baseline, ran: Ran) -> Pair:
        """Hold what a shadow came to against its baseline."""
        ids = baseline.origin, ran.id
        before, after = _own(baseline.acts or (), ids), _own(ran.acts, ids)
        acts = acting_otherwise(before, after, self.tolerances)
        return Pair(
            case=baseline.case,
            candidate=ran.id,
            differences=() if ran.why else (*self._differences(baseline, ran), *acts),
            baseline=baseline.measured,
            measured=ran.measured,
            paid=float(ran.paid),
            effects=ran.effects,
            acted=ran.acted,
            untold=untold(before if baseline.answered else (), after),
            expected=baseline.effects,
            why=ran.why,
        )

    def _differences(self, baseline: Baseline, ran: Ran) -> tuple[FieldDifference, ...]:
        ids = baseline.origin, ran.id
        one, two = _named(baseline.result, ids), _named(ran.result, ids)
        if baseline.only and isinstance(one, dict):
            two = {field: value for field, value in leaves(two) if field in one}
        elif self.candidate.blueprint and isinstance(one, dict) and isinstance(two, dict) and two:
            places = self.places
            one = {f: at(one, places[f]) if f in places else next(named(one, f), None) for f in two}
        return differing(one, two, self.tolerances)


def _own(acts: Sequence[Act], ids: Sequence[str]) -> list[Act]:
    """Give orders with the ids of a case and its shadow taken out."""
    return [act.model_copy(update={"said": _named(act.said, ids)}) for act in acts]


def _named(result: JSON, ids: Sequence[str]) -> JSON:
    """Give what a case came to, the ids of it and of its shadow taken out.

    Of both, as the id of a case may also be the name its shadow goes by in texts.
    """
    said = json.dumps(told(result))
    for own in sorted(filter(None, ids), key=len, reverse=True):
        said = said.replace(own, "CASE")
    found: JSON = json.loads(said)
    return found
