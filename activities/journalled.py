"""An exchange under the journal: allowed, claimed before it is sent, its raw reply stored at once.

Everything that must hold before a call is sent is decided in one transaction of the store: there is
no reply yet, no other worker is at it, the breaker is closed, the budgets pay, limits leave room.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.llm.background import Background
from activities.posture import NONSENSE, Advice, Posture, is_up
from activities.shadowing import Shadowing
from activities.wire import HttpRequest, LeftAlone, NotSent, Reply, Wire, WireError
from runtime.context import held_by
from runtime.pool import Pool
from runtime.settings import Endpoint
from store.admission import Admission, Permit
from store.breakers import BreakerRule, Breakers, CircuitOpen
from store.budgets import Budgets, BudgetShort, Charge
from store.database import Store
from store.estimates import Estimates
from store.fairness import Need
from store.journal import (
    GIVEN_UP,
    GONE_ON,
    CallEntry,
    Claim,
    ClaimState,
    Journal,
    StoredReply,
    state_of,
)
from store.lasting import until_written
from store.standing import Flight, Standing
from workflows.data.budget import Amounts

KEPT_HEADERS = frozenset(
    {"content-type", "date", "etag", "last-modified", "request-id", "x-request-id"}
)
LOOK_EVERY = 0.1
"""Seconds between two looks at a call that another worker has in flight."""
LOOK_AT_BUDGET = 2.0
"""Seconds between two tries of a call that waits for a budget."""


def worth_keeping(headers: Mapping[str, str]) -> dict[str, str]:
    """Choose the headers a stored reply keeps: what dates it, and what the vendor calls it."""
    return {name: value for name, value in headers.items() if name in KEPT_HEADERS}


class Answered(Exception):
    """The other side answered with an error; `advice` says what to do about it."""

    def __init__(self, advice: Advice) -> None:
        super().__init__(advice.detail)
        self.advice = advice


@dataclass(frozen=True)
class Fetched:
    """A reply, whether it was read back instead of sent for (`cached`: from the answer cache), and
    the seconds its permit was waited for.
    """

    reply: StoredReply
    reused: bool
    cached: bool = False
    waited: float = 0


@dataclass(frozen=True)
class Sending:
    """How a call is sent and judged: where to, what leave it needs, who pays, what its reply means
    and cost. `on_chunk` is told the bytes read so far. One in the `background` outlives its worker.
    """

    service: str
    endpoint: Endpoint
    request: HttpRequest
    judge: Callable[[Reply], Advice]
    stored: Callable[[Reply], StoredReply]
    need: Need
    charges: tuple[Charge, ...] = ()
    on_chunk: Callable[[int], None] | None = None
    background: bool = False


@dataclass(frozen=True)
class _Leave:
    """A call may be sent now: it is claimed, and has its permit."""

    claim: Claim
    permit: Permit


class CallDesk:
    """Sends the calls of one worker. Breakers, budgets and estimates are those of the store."""

    def __init__(
        self, store: Store, wire: Wire, admission: Admission, rule: BreakerRule | None = None
    ) -> None:
        self.journal, self.budgets = Journal(store), Budgets(store)
        self.breakers, self.estimates = Breakers(store, rule), Estimates(store)
        self.admission, self.clock = admission, store.clock
        self._store, self._wire = store, wire
        self._standing, self._shadowing = Standing(store, self.journal), Shadowing(store)
        self._grouped, self.pool = admission.grouped, Pool()
        self.following = 0
        """How many calls wait for the same call of another worker."""

    async def close(self) -> None:
        """Give back what this worker holds of limits, end its processes; after its calls."""
        self.pool.close()
        await self.admission.close()

    async def fetch(self, entry: CallEntry, sending: Sending) -> Fetched:
        """Give the stored reply of a call, or send it and store what comes.

        Raises Answered (an error answer, nothing billed unless it was nonsense), NotSent (or
        LeftAlone, while the breaker is open), Lost, BudgetShort (unless the call is patient) or
        BudgetUnknown. Whatever ends the wait after sending leaves a claim that counts as uncertain.
        """
        # Others tell by it whether a claim's sender still lives: it names this very start.
        entry = replace(entry, worker=self.admission.worker)
        async with self.journal.alone(entry.key):
            while True:
                try:
                    found = await self._leave(entry, sending)
                except BudgetShort as short:
                    await self._more_money(short)
                    continue
                except CircuitOpen as left:
                    raise LeftAlone(str(left), left.until - self._store.clock()) from left
                if isinstance(found, Fetched):
                    await self._shadowing.read_back(entry, cached=found.cached)
                    return found
                if isinstance(found, _Leave):
                    return await self._send(found, sending)
                await self._landed(found)

    async def _leave(self, entry: CallEntry, sending: Sending) -> _Leave | Fetched | Flight:
        new_in: AsyncConnection | None = None  # the transaction in which nobody had claimed it

        async def look(connection: AsyncConnection) -> Fetched | None:
            nonlocal new_in
            if not await self._standing.claimed(connection, entry):
                new_in = connection
            elif reply := await self._standing.reply(connection, entry):
                return Fetched(reply, reused=True)
            await self.breakers.check(connection, sending.service)
            return None

        async def take(connection: AsyncConnection) -> tuple[bool, Fetched | Flight | Claim]:
            found = await self._found(connection, entry, new=connection is new_in)
            if found is not None:
                return False, found
            probing = await self.breakers.check(connection, sending.service)
            await self.budgets.check(connection, sending.charges)
            claim = await self.journal.open(connection, entry)
            await self.budgets.hold(connection, claim.id, sending.charges)
            if probing:
                await self.breakers.probe(connection, sending.service)
            return True, claim

        with held_by(sending.service):
            permit, taken = await self.admission.enter(sending.need, take, look)
        if isinstance(taken, Claim):
            assert permit is not None  # noqa: S101 - a claim was taken with it
            return _Leave(taken, permit)
        return taken

    async def _found(
        self, connection: AsyncConnection, entry: CallEntry, *, new: bool
    ) -> Fetched | Flight | None:
        claimed = not new and await self._standing.claimed(connection, entry)
        if claimed and (reply := await self._standing.reply(connection, entry)):
            return Fetched(reply, reused=True)
        if reply := await self._standing.cached(connection, entry):
            return Fetched(reply, reused=True, cached=True)
        flight = await self._standing.flight(connection, entry) if claimed else None
        return flight if flight and await self.admission.alive(connection, flight.worker) else None

    async def _more_money(self, short: BudgetShort) -> None:
        """Wait a moment for a budget that may be raised, or get back what it holds for others.

        Raises BudgetShort if the call is not patient.
        """
        if not short.charge.patient:
            raise short
        await self.budgets.wait(short.charge)
        with held_by(f"budget {short.name}"):
            await asyncio.sleep(LOOK_AT_BUDGET)

    async def _landed(self, flight: Flight) -> None:
        """Wait until a call of another worker was answered, or its worker died."""
        self.following += 1
        try:
            while await self._flies(flight):
                await asyncio.sleep(LOOK_EVERY)
        finally:
            self.following -= 1

    async def _flies(self, flight: Flight) -> bool:
        async with self._store.reading() as connection:
            flying = await state_of(connection, flight.claim) is ClaimState.OPEN
            return flying and await self.admission.alive(connection, flight.worker)

    async def _send(self, leave: _Leave, sending: Sending) -> Fetched:
        try:
            reply = await self._exchanged(leave, sending)
        except WireError as broken:
            state = ClaimState.REFUSED if isinstance(broken, NotSent) else ClaimState.LOST
            await self._over(leave, sending, state, str(broken), good=False)
            raise
        except asyncio.CancelledError:
            await self._over(leave, sending, ClaimState.LOST, GIVEN_UP)
            raise
        advice = sending.judge(reply)
        if advice.posture is not Posture.NONE:
            # Nonsense under 200 may stand for a reply that was made, and billed, and garbled.
            state = ClaimState.LOST if advice.code == NONSENSE else ClaimState.REFUSED
            await self._over(leave, sending, state, advice.code, good=is_up(advice), advice=advice)
            raise Answered(advice)
        stored = sending.stored(reply)
        await self._kept(leave, sending, stored)
        return Fetched(stored, reused=False, waited=leave.permit.waited)

    async def _exchanged(self, leave: _Leave, sending: Sending) -> Reply:
        to = (sending.service, sending.endpoint, sending.request)
        accepted, chunk = leave.permit.accepted, sending.on_chunk
        if not sending.background:
            return await self._wire.exchange(*to, on_headers=accepted, on_chunk=chunk)

        async def resumed(earlier: int) -> None:
            await self._end(Claim(earlier, leave.claim.entry), sending, ClaimState.REFUSED, GONE_ON)

        away = Background(self._store, self._wire)
        return await away.exchange(leave.claim, *to, resumed=resumed, on_headers=accepted)

    async def _kept(self, leave: _Leave, sending: Sending, reply: StoredReply) -> None:
        """Store a reply that arrived, even if the call is given up at this very moment."""
        tokens = reply.usage.input_tokens + reply.usage.output_tokens

        async def work(connection: AsyncConnection) -> None:
            await self.journal.keep(connection, leave.claim, reply)
            if sending.charges:
                cost = Amounts(usd=reply.usd, tokens=tokens, calls=1)
                await self.budgets.settle(connection, leave.claim.id, cost)
            await self.breakers.note(connection, sending.service, good=True)

        closing = leave.permit.close(tokens=tokens or None)
        keeping = until_written(partial(self._grouped.do, work))
        await asyncio.shield(asyncio.gather(keeping, closing))

    async def _over(
        self,
        leave: _Leave,
        sending: Sending,
        state: ClaimState,
        why: str,
        *,
        good: bool | None = None,
        advice: Advice | None = None,
    ) -> None:
        """Close a call that brought no reply, its permit, and what was set aside for it."""
        # A wait nobody sits out is the breaker's affair: others shall ask elsewhere at once.
        limited = advice is not None and advice.limited and not advice.hopeless
        wait = advice.wait if advice and limited else None
        closing = leave.permit.close(limited=limited, wait=wait)
        ending = self._end(leave.claim, sending, state, why, good=good)
        await asyncio.shield(asyncio.gather(ending, closing))

    async def _end(
        self,
        claim: Claim,
        sending: Sending,
        state: ClaimState,
        why: str,
        *,
        good: bool | None = None,
    ) -> None:
        async def work(connection: AsyncConnection) -> None:
            await self.journal.close(connection, claim, state, why)
            unclear = state is ClaimState.LOST
            await self.budgets.release(connection, claim.id, unclear=unclear)
            if good is not None:
                await self.breakers.note(connection, sending.service, good=good)

        await asyncio.shield(until_written(partial(self._grouped.do, work)))
