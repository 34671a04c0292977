"""One shadow: started, told what its case was told, and measured when it has ended."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from temporalio.client import WorkflowFailureError
from temporalio.service import RPCError

from cli import cases
from cli.errors import Trouble
from cli.histories import family_of
from cli.processes import ProcessEntry
from cli.session import Session
from cli.shadows.acts import acts_in
from cli.shadows.said import Said, family, tell
from insight.history.facts import facts
from insight.statistics.acts import Act
from insight.statistics.pairs import Measured
from store.budgets import Budgets
from store.database import Store
from store.ledger import Ledger
from store.shadows import Shadows
from workflows.calls import MAIN_QUEUE
from workflows.data.common import JSON, LAPSE, GateView, Record
from workflows.errors import reason

LOOK_EVERY = 0.25
"""Seconds between two looks at a shadow."""
SPENT = "the budget of the shadows is spent; give more with --budget"
BUDGET = "shadows"
"""Name of the budget that pays for what shadows ask anew."""


@dataclass(frozen=True)
class Ran:
    """What became of a shadow; `why` says what kept it from its end.

    `effects` are those it noted, `acts` what it ordered; `acted` counts those in the ledger: there
    are none.
    """

    id: str
    result: JSON = None
    measured: Measured = field(default_factory=Measured)
    paid: Decimal = Decimal(0)
    effects: tuple[str, ...] = ()
    acts: tuple[Act, ...] = ()
    acted: int = 0
    why: str = ""


@dataclass(frozen=True)
class Shadowed:
    """Runs shadows of one session, which pay from one budget; each is given up after `patience`."""

    here: Session
    store: Store
    payer: str
    patience: timedelta
    queue: str = MAIN_QUEUE

    async def run(
        self, entry: ProcessEntry, given: Record, start: cases.Start, said: Said | None = None
    ) -> Ran:
        """Run a shadow to its end; nobody is asked, what was `said` before is said again."""
        handle = await cases.start(self.here.client, entry, given, start)
        try:
            why = await self._through(handle, said or Said())
        except asyncio.CancelledError:
            await handle.terminate("the comparison was interrupted")
            raise
        return await self.ended(handle, why)

    async def ended(self, handle: cases.Handle, why: str = "") -> Ran:
        """Measure a shadow that has ended, or was given up (`why`)."""
        result: JSON = None
        if not why:
            try:
                result = await handle.result()
            except WorkflowFailureError as error:
                why = f"failed: {reason(error.cause)}"
        shadows = Shadows(self.store)
        lived = await lived_through(self.here, handle)
        shared = await shadows.shared(handle.id)
        known = lived.measured.model_copy(update={"usd": float(lived.paid + shared.usd)})
        noted = tuple(sorted(n.effect for n in await shadows.suppressed(handle.id)))
        acted = len(await Ledger(self.store).effects(handle.id))
        return Ran(handle.id, result, known, lived.paid, noted, lived.acts, acted, why)

    async def _through(self, handle: cases.Handle, said: Said) -> str:
        """Say what is to be said until a shadow closes; gives why it was given up, if it was."""
        end = time.monotonic() + self.patience.total_seconds()
        while (described := await handle.describe()).close_time is None:
            why = await self._moved(handle, said, described.raw_description.pending_activities)
            if not why and time.monotonic() > end:
                why = f"not ended after {self.patience}"
            if why:
                await handle.terminate(f"shadow given up: {why}")
                return why
            await asyncio.sleep(LOOK_EVERY)
        return ""

    async def _moved(self, handle: cases.Handle, said: Said, busy: Any) -> str:
        """Answer the open gates; once nothing is under way send the next signal."""
        for one in await family(self.here.client, handle.id):
            if why := await self._answered(handle.id, one, said):
                return why
        if busy:
            return await self._short()
        if said.signals:
            await _quietly(tell(self.here.client, handle.id, said.signals.pop(0)))
        return ""

    async def _answered(self, case: str, one: cases.Handle, said: Said) -> str:
        try:
            gates = await cases.ask(one, "open_gates", list[GateView])
        except Trouble:
            return ""  # closed by now, or no process of ours
        for gate in gates:
            member = one.id.removeprefix(case)
            if (decision := said.next(member, gate)) is not None:
                await _quietly(cases.decide(one, decision))
            elif said.lapse(member, gate):
                await _quietly(one.signal(LAPSE, gate.name))
            else:
                return f"gate {gate.name!r} opens again and again, and nobody decided there"
        return ""

    async def _short(self) -> str:
        scope, name = self.payer.rsplit(" ", 1)
        view = await Budgets(self.store).view(scope, name)
        spent = view is not None and view.short
        return SPENT if spent else ""


async def _quietly(sending: Any) -> None:
    """Send what may come too late or be refused: then the shadow goes on without."""
    try:
        await sending
    except (Trouble, RPCError):
        return


@dataclass(frozen=True)
class Lived:
    """What a case took with its children, what its own model calls were paid, what it ordered."""

    measured: Measured
    paid: Decimal
    acts: tuple[Act, ...]


async def lived_through(here: Session, handle: cases.Handle) -> Lived:
    """Read what a case took and ordered from the histories of its family."""
    family = await family_of(here.client, handle)
    histories = [events for _, events in family.found]
    known, told = family.report(datetime.now(UTC)), facts(histories[0])
    seconds = known.machine.total_seconds()
    took = Measured(seconds=seconds, usd=float(known.usd), confidence=told.confidence)
    return Lived(took, known.usd, await acts_in(histories, here.client.data_converter))
