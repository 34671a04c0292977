"""The live form: the candidate runs beside each new case of a process, with a report every day."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cli.errors import BadInput, Trouble
from cli.processes import ProcessEntry, process
from cli.session import NO_SHADOW, Session, say
from cli.shadows.asked import Asked, report, shadowing
from cli.shadows.baselines import past
from cli.shadows.comparing import Comparing
from insight.statistics.pairs import Pair

LOOK_EVERY = 5.0
"""Seconds between two looks for cases that have ended."""
DAY = timedelta(days=1)


@dataclass
class Beside:
    """A watch over the new cases of a process: `share` of them, from 0 to 1, gets a shadow."""

    here: Session
    entry: ProcessEntry
    asked: Asked
    share: float
    since: datetime
    pairs: dict[str, Pair] = field(default_factory=dict)
    missed: dict[str, str] = field(default_factory=dict)

    async def until(self, end: datetime) -> None:
        """Run until then; a report is shown every day, and at the end."""
        due = self.since + DAY
        async with shadowing(self.here, self.asked) as shadowed:
            comparing = self.asked.comparing(shadowed, self.entry)
            while (now := datetime.now(UTC)) < end:
                await self.look(comparing)
                if now >= due:
                    due += DAY
                    report(list(self.pairs.values()), self.asked)
                await asyncio.sleep(min(LOOK_EVERY, (end - now).total_seconds()))
        report(list(self.pairs.values()), self.asked)

    async def look(self, comparing: Comparing) -> None:
        """Run the candidate beside each case that has ended since the last look.

        A shadow begins when its case has ended: then all that was paid and said is known.
        """
        for case in await self._ended():
            try:
                _, baseline = await past(self.here, comparing.shadowed.store, case)
                self.pairs[case] = await comparing.pair(baseline)
            except (BadInput, Trouble) as error:
                self.missed[case] = str(error)
                say(f"{case}: left out: {error}")

    async def _ended(self) -> list[str]:
        query = (
            f"WorkflowType = '{self.entry.name}' AND ExecutionStatus = 'Completed'"
            f" AND StartTime >= '{self.since.isoformat()}'"
            f" AND TaskQueue = '{self.asked.queue}' AND {NO_SHADOW}"
        )
        found = [w.id async for w in self.here.client.list_workflows(query)]
        known: Mapping[str, object] = {**self.pairs, **self.missed}
        return [case for case in found if case not in known and chosen(case, self.share)]


async def watch(here: Session, name: str, asked: Asked, share: float, span: timedelta) -> None:
    """Watch a process for so long from now on."""
    now = datetime.now(UTC)
    await Beside(here, process(name), asked, share, now).until(now + span)


def chosen(case: str, share: float) -> bool:
    """Say whether a case is among a share of all: the same ones for whoever asks again."""
    return int.from_bytes(hashlib.sha256(case.encode()).digest()[:8], "big") < share * 2**64
