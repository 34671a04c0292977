"""The live form: a candidate beside each new case of a process, kept in the store over restarts."""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from cli.errors import BadInput, Trouble
from cli.processes import ProcessEntry, process
from cli.session import NO_SHADOW, Session, say
from cli.shadows.asked import Asked, shadowing, verdict_of
from cli.shadows.baselines import past
from cli.shadows.comparing import AT_ONCE, Comparing
from cli.shadows.kept import How, standing
from cli.shadows.running import Shadowed
from insight.statistics.pairs import Pair
from store.clock import Clock, utc_now
from store.database import Store
from store.watches import HELD, Watch, Watches

LOOK_EVERY = 5.0
"""Seconds between two looks for cases that have ended."""
DAY = timedelta(days=1)


@dataclass
class Beside:
    """A watch over the new cases of a process, carried on from where it stands in the store."""

    here: Session
    watches: Watches
    watch: Watch
    now: Clock = utc_now
    entry: ProcessEntry = field(init=False)
    asked: Asked = field(init=False)
    share: float = field(init=False)

    def __post_init__(self) -> None:
        how = How.model_validate_json(self.watch.how)
        self.entry, self.share = process(self.watch.process), how.share
        self.asked = how.asked(self.watch.candidate)

    async def carry(self) -> None:
        """Go on until its end."""
        async with shadowing(self.here, self.asked, self.watch.id) as shadowed:
            while await self.step(shadowed):
                await asyncio.sleep(LOOK_EVERY)

    async def step(self, shadowed: Shadowed) -> bool:
        """Compare what has ended, report if a day is over; says whether the watch goes on."""
        now = self.now()
        comparing = self.asked.comparing(shadowed, self.entry)
        await self.look(replace(comparing, tell=_keep_quiet))  # whoever follows tells
        ended = now >= self.watch.until
        days = (min(now, self.watch.until) - self.watch.since) // DAY
        known = {report.day for report in await self.watches.reports(self.watch.id)}
        if ended or (days > 0 and days not in known):
            pairs, _ = await standing(self.watches, self.watch)
            verdict = verdict_of(pairs, self.asked)
            await self.watches.report(self.watch.id, days, verdict.model_dump_json())
        if ended:
            await self.watches.close(self.watch.id)
        return not ended

    async def look(self, comparing: Comparing) -> None:
        """Run the candidate beside each case that has ended since the last look.

        A shadow begins when its case has ended: then all that was paid and said is known.
        """
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(case: str) -> None:
            async with turn:
                await self._compare(comparing, case)

        await asyncio.gather(*(one(case) for case in await self._ended()))

    async def _compare(self, comparing: Comparing, case: str) -> None:
        try:
            How.model_validate_json(self.watch.how).check_same(self.asked.candidate)
            _, baseline = await past(self.here, comparing.shadowed.store, case)
            name, before = await self._name(case)
            pair = await comparing.pair(baseline, name, before)
        except (BadInput, Trouble) as error:
            if isinstance(error.__cause__, RPCError):
                raise  # the service is in trouble, not the case: it is looked at again
            say(f"{case}: left out: {error}")
            await self.watches.keep(self.watch.id, case, left_out=str(error))
        else:
            await self.watches.keep(self.watch.id, case, pair=pair.model_dump_json())

    async def _name(self, case: str) -> tuple[str, tuple[str, ...]]:
        """Name a shadow, and those of it that were begun before a restart; they are ended."""
        before: list[str] = []
        while True:
            name = f"shadow-{case}-{self.watch.id.rpartition('-')[2]}-{len(before) + 1}"
            handle = self.here.client.get_workflow_handle(name)
            try:
                described = await handle.describe()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                return name, tuple(before)
            if described.status is WorkflowExecutionStatus.RUNNING:
                with suppress(RPCError):
                    await handle.terminate("the comparison begins anew after a restart")
            before.append(name)

    async def _ended(self) -> list[str]:
        query = (
            f"WorkflowType = '{self.entry.name}' AND ExecutionStatus = 'Completed'"
            f" AND StartTime >= '{self.watch.since.isoformat()}'"
            f" AND StartTime < '{self.watch.until.isoformat()}'"
            f" AND TaskQueue = '{self.asked.queue}' AND {NO_SHADOW}"
        )
        known = await self.watches.kept(self.watch.id)
        found = [w.id async for w in self.here.client.list_workflows(query)]
        return [case for case in found if case not in known and chosen(case, self.share)]


def _keep_quiet(_pair: Pair) -> None:
    """Tell nobody."""


def chosen(case: str, share: float) -> bool:
    """Say whether a case is among a share of all: the same ones for whoever asks again."""
    return int.from_bytes(hashlib.sha256(case.encode()).digest()[:8], "big") < share * 2**64


async def carry_on(here: Session, service: str, holder: str, only: Sequence[str] = ()) -> None:
    """Carry on the open watches (`only` some) that nobody else does, until cancelled."""
    carried: dict[str, asyncio.Task[None]] = {}
    told: set[str] = set()
    async with Store.opened(here.settings.database) as store:
        watches = Watches(store, service)
        try:
            while True:
                for watch in await watches.all():
                    mine = not only or watch.id in only
                    if watch.closed is None and mine and await watches.hold(watch.id, holder):
                        task = carried.get(watch.id)
                        if task is None or task.done():
                            beside = Beside(here, watches, watch)
                            carried[watch.id] = asyncio.create_task(_carried(beside, told))
                    elif (task := carried.pop(watch.id, None)) is not None:
                        task.cancel()  # it has ended, or somebody else has it
                await asyncio.sleep(min(LOOK_EVERY, HELD.total_seconds() / 4))
        finally:
            for task in carried.values():
                task.cancel()
            await asyncio.gather(*carried.values(), return_exceptions=True)
            for id in carried:
                await watches.let_go(id, holder)


async def _carried(beside: Beside, told: set[str]) -> None:
    """Carry a watch; trouble is told once, and it is taken up again at the next look."""
    try:
        await beside.carry()
    except (BadInput, Trouble, RPCError) as error:
        if (why := f"{beside.watch.id}: {error}; it is tried again") not in told:
            told.add(why)
            say(why)
