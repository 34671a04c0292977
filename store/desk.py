"""The desk: what one process wants of the permits, done in one transaction, a turn."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Generic, TypeVar

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from store import workers
from store.clock import seconds
from store.fairness import Asking
from store.grants import grant
from store.limits import Known, Overrides, overrides
from store.permits import Asked, Closing, State, Turn

T = TypeVar("T")
Take = Callable[[AsyncConnection], Awaitable[tuple[bool, T]]]
Look = Callable[[AsyncConnection], Awaitable[T | None]]

IN_HAND = 0.06
"""Seconds before its moment at which a permit is handed out, its call then waiting for it."""
OVERRIDES_AGE = 0.5
"""Seconds for which what people set is not read again."""


@dataclass(eq=False)
class Waiter(Generic[T]):
    """A call that waits for a permit. `wrong` is the database's error in its `take`."""

    asking: Asking
    take: Take[T]
    done: "asyncio.Future[Handed[T]]"
    look: Look[T] | None = None
    wrong: SQLAlchemyError | None = None


@dataclass(frozen=True)
class Handed(Generic[T]):
    """What came of `take`. `counted` says whether anything was limited, and there is a row."""

    waiter: Waiter[T]
    used: bool
    value: T
    send_at: float
    counted: bool


@dataclass
class Inbox:
    """What the next turn has to do, and who waits until it is written."""

    entering: list[Waiter[Any]] = field(default_factory=list)
    leaving: list[str] = field(default_factory=list)
    headers: dict[str, float] = field(default_factory=dict)
    closings: dict[str, Closing] = field(default_factory=dict)
    written: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Say whether there is anything to do."""
        return bool(self.entering or self.leaving or self.headers or self.closings)

    def before(self, later: "Inbox") -> "Inbox":
        """Put this one's work before that of a later one."""
        return Inbox(
            self.entering + later.entering,
            self.leaving + later.leaving,
            self.headers | later.headers,
            self.closings | later.closings,
            self.written + later.written,
        )

    def tell(self, error: Exception | None = None) -> None:
        """Tell those who wait that it is written, or cannot be."""
        for done in self.written:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
        self.written = []


@dataclass(frozen=True)
class Turned:
    """What a turn did: who got what, when to look again, and which pools pause until when."""

    handed: list[Handed[Any]]
    failed: list[tuple[Waiter[Any], Exception]]
    look: float
    pauses: Mapping[tuple[str, str], float]


class Desk:
    """The turns of one process, under its worker's name."""

    def __init__(self, known: Known, worker: str) -> None:
        self._known, self.worker = known, worker
        self._overrides, self._read_at, self._beaten = Overrides(), 0.0, 0.0

    def forget(self) -> None:
        """Do anew what a turn that was not committed did."""
        self._read_at = self._beaten = 0.0

    async def turn(
        self,
        connection: AsyncConnection,
        now: float,
        inbox: Inbox,
        waiters: Mapping[str, Waiter[Any]],
    ) -> Turned:
        """Write what the inbox holds, grant what can be, and hand out what these waiters got."""
        turn = await self._begin(connection, now)
        services = sorted({w.asking.service for w in waiters.values()})
        await turn.load(services)
        new = {w.asking.id for w in inbox.entering}
        again = await self._beat(turn, [w for id, w in waiters.items() if id not in new])
        await turn.accepted(inbox.headers)
        await turn.close(inbox.closings)
        await turn.leave([*inbox.leaving, *(w.asking.id for w in again)])
        done = Turned([], [], inf, {})
        fresh = {w.asking.id: w for w in again}
        for waiter in [w for w in inbox.entering if not w.done.done()]:
            if not turn.heeded(waiter.asking.service, waiter.asking.model):
                await self._hand(waiter, connection, now, done, counted=False)
            elif not await self._ended(waiter, connection, now, done):
                fresh[waiter.asking.id] = waiter
        look = inf
        if left := len(waiters) - len(done.handed) - len(done.failed):
            for service in services:
                look = min(look, await self._admit(turn, service, fresh, done))
            if left > len(fresh):
                await self._pick_up(turn, waiters, done)
        await turn.save()
        return Turned(done.handed, done.failed, look, turn.pauses())

    async def last(self, connection: AsyncConnection, now: float, inbox: Inbox) -> None:
        """Write what the inbox holds, and give back all that this process held."""
        turn = await self._begin(connection, now)
        await turn.accepted(inbox.headers)
        await turn.close(inbox.closings)
        await turn.bury(self.worker, now)
        await turn.save()

    async def _begin(self, connection: AsyncConnection, now: float) -> Turn:
        if now - self._read_at > OVERRIDES_AGE:
            self._overrides, self._read_at = await overrides(connection), now
        return Turn(connection, now, self._known, self._overrides)

    async def _beat(self, turn: Turn, waiting: list[Waiter[Any]]) -> list[Waiter[Any]]:
        """Beat, and bury the dead; give those who must queue anew."""
        silent = turn.now - self._beaten
        if silent < workers.BEAT:
            return []
        await workers.beat(turn.connection, self.worker, turn.now)
        for worker, at in await workers.dead(turn.connection, turn.now):
            await turn.bury(worker, at)
        self._beaten = turn.now
        # A process that slept for so long may have been buried by others.
        return waiting if silent > workers.DEAD_AFTER else []

    async def _admit(
        self, turn: Turn, service: str, fresh: Mapping[str, Waiter[Any]], done: Turned
    ) -> float:
        """Grant, and write down what the fresh ones have: nothing yet, a moment, or a permit."""
        mine = {id: w for id, w in fresh.items() if w.asking.service == service}
        granted, look = await grant(turn, service, [w.asking for w in mine.values()])
        asked = {id: Asked(waiter.asking) for id, waiter in mine.items()}
        for got in granted:
            waiter = mine[got.asking.id]
            if got.at > turn.now + IN_HAND:
                asked[got.asking.id] = Asked(got.asking, State.GRANTED, got.at, got.flags)
            elif await self._hand(waiter, turn.connection, got.at, done, counted=True):
                asked[got.asking.id] = Asked(got.asking, State.OUT, got.at, got.flags)
            else:
                turn.give_back(got.asking, got.flags)
                del asked[got.asking.id]
        await turn.ask(list(asked.values()))
        return look

    async def _pick_up(self, turn: Turn, waiters: Mapping[str, Waiter[Any]], done: Turned) -> None:
        out: list[Row[Any]] = []
        back: list[Row[Any]] = []
        for row in await turn.granted(self.worker, turn.now + IN_HAND):
            at, used = seconds(row.send_at), False
            if (waiter := waiters.get(row.id)) and not waiter.done.done():
                used = await self._hand(waiter, turn.connection, at, done, counted=True)
            (out if used else back).append(row)
        await turn.hand_out([row.id for row in out])
        await turn.hand_back(back)

    async def _ended(
        self, waiter: Waiter[Any], connection: AsyncConnection, now: float, done: Turned
    ) -> bool:
        """Look before a permit is asked for: what is answered or hopeless needs none."""
        if waiter.look is None:
            return False
        try:
            found = await waiter.look(connection)
        except SQLAlchemyError as error:
            waiter.wrong = error
            raise
        except Exception as error:
            done.failed.append((waiter, error))
            return True
        if found is None:
            return False
        done.handed.append(Handed(waiter, used=False, value=found, send_at=now, counted=False))
        return True

    async def _hand(
        self,
        waiter: Waiter[Any],
        connection: AsyncConnection,
        send_at: float,
        done: Turned,
        *,
        counted: bool,
    ) -> bool:
        try:
            used, value = await waiter.take(connection)
        except SQLAlchemyError as error:
            waiter.wrong = error
            raise
        except Exception as error:
            done.failed.append((waiter, error))
            return False
        done.handed.append(Handed(waiter, used, value, send_at, counted))
        return used
