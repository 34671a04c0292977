"""Admission: every send first takes a permit, over all workers, from the store.

Each process gathers what its calls want (to enter, to close, to give up) and does it in one
transaction, a turn. While calls wait it takes a turn every few hundredths of a second, in which
it also grants, in fair order, to the calls of other processes. See docs/limits.md.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import count
from math import inf
from secrets import token_hex
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from store import workers
from store.database import Store
from store.desk import Desk, Handed, Inbox, Look, T, Take, Turned, Waiter
from store.errors import StoreError
from store.fairness import Asking, Need
from store.grouped import Grouped
from store.limits import Known
from store.permits import Closing
from store.pool_states import PoolState, pool_states
from store.pools import LOOKAHEAD

LOOK, IDLE_LOOK, BLIND_LOOK = 0.04, 0.5, 0.1
"""Seconds between two turns while calls wait: usually, while nothing can be sent anyway, and
while nobody knows when."""
TRIES = 3
"""A turn fails for the calls that wait when it has failed so often in a row."""

_Taken = tuple[Inbox, dict[str, Waiter[Any]]]


class Permit:
    """One send's leave. `waited` is in seconds."""

    def __init__(self, admission: "Admission", handed: Handed[Any]) -> None:
        self._admission, self._asking = admission, handed.waiter.asking
        self._counted, self._closed = handed.counted, False
        self.sent_at = handed.send_at
        self.waited = 0.0

    def accepted(self) -> None:
        """Note that the headers of the answer came: the vendor has counted the request."""
        if self._counted and not self._closed:
            self._admission.accepted(self._asking.id)

    async def close(
        self, *, tokens: int | None = None, limited: bool = False, wait: timedelta | None = None
    ) -> None:
        """Give the permit back, once: tokens really used; `limited` if the vendor answered 429.

        `wait` is how long the vendor asks to be left alone. Written when this returns; who is
        cancelled meanwhile may rely on it being written soon.
        """
        if self._closed:
            return
        self._closed = True
        asking, pause = self._asking, wait.total_seconds() if wait else None
        of = (asking.id, asking.service, asking.model, self.sent_at)
        closing = Closing(*of, tokens=tokens, limited=limited, wait=pause)
        await self._admission.closed(closing, written=self._counted or limited)


class Admission:
    """The permits of this process. `limits` are the catalogue's, by service and model ("").

    `worker` becomes a name of this very start; `grouped` is where its transactions are made, for
    others to join.
    """

    def __init__(self, store: Store, limits: Known, worker: str) -> None:
        self.worker = f"{worker}-{token_hex(4)}"
        self.grouped = Grouped(store)
        self._store, self._known, self._desk = store, limits, Desk(limits, self.worker)
        self._numbers = count()
        self._inbox = Inbox()
        self._waiters: dict[str, Waiter[Any]] = {}
        self._open = self._failures = 0
        self._pauses: Mapping[tuple[str, str], float] = {}
        self._due, self._woken = inf, asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._turning: asyncio.Future[None] | None = None
        self._ended = False

    async def enter(
        self, need: Need, take: Take[T], look: Look[T] | None = None
    ) -> tuple[Permit | None, T]:
        """Wait for a permit; give it, once it may be used, with the value of `take`.

        `look` runs first, before anything is counted: no permit is waited for if it gives a value.
        `take` runs in the transaction that hands the permit out. It gives (True, value) if the
        permit is used; after (False, value) it is not, and None is given for it. What it raises,
        before it writes anything, reaches the caller. It runs again if the transaction fails. A
        cancellation that comes when it is running already is delivered at the caller's next await:
        the caller knows what it holds.
        """
        waiter = self._begin(need, take, look)
        cancelled = False
        try:
            await asyncio.wait([waiter.done])
        except asyncio.CancelledError:
            if not await self._handed_meanwhile(waiter):
                raise
            cancelled = True
        handed = waiter.done.result()
        permit = Permit(self, handed) if handed.used else None
        if permit is not None:
            try:
                if not cancelled:
                    await self._until_its_moment(permit, need)
            except asyncio.CancelledError:
                cancelled = True
            permit.waited = max(0.0, self._now() - waiter.asking.since)
        if cancelled:
            _cancel_later()
        return permit, handed.value

    async def alive(self, connection: AsyncConnection, worker: str) -> bool:
        """Say whether a worker (by its `Admission.worker`) was seen in the last seconds."""
        return worker == self.worker or await workers.alive(connection, worker, self._now())

    async def pools(self) -> list[PoolState]:
        """List the pools in use, for people."""
        return await pool_states(self._store, self._known)

    async def close(self) -> None:
        """End: who still waits is refused, and what this process held is given back."""
        self._ended = True
        for waiter in list(self._waiters.values()):
            self._settle(waiter, _stopping())
        self._inbox.entering.clear()
        if self._turning is not None:
            await asyncio.wait([self._turning])
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
            inbox, self._inbox = self._inbox, Inbox()
            await self.grouped.do(lambda c: self._desk.last(c, self._now(), inbox))
            inbox.tell()

    def accepted(self, permit: str) -> None:
        """Note for the next turn that the headers of an answer came."""
        self._inbox.headers[permit] = self._now()
        self._wake(LOOK)

    async def closed(self, closing: Closing, *, written: bool) -> None:
        """Note for the next turn that a permit is given back."""
        self._open -= 1
        if written and not self._ended:
            done = asyncio.get_running_loop().create_future()
            self._inbox.closings[closing.id] = closing
            self._inbox.written.append(done)
            self._wake()
            await done

    def _now(self) -> float:
        return self._store.clock().timestamp()

    def _begin(self, need: Need, take: Take[T], look: Look[T] | None) -> Waiter[T]:
        if self._ended:
            raise _stopping()
        number, since = f"{self.worker}/{next(self._numbers):09}", self._now()
        asking = Asking(number, self.worker, since=since, **vars(need))
        waiter = Waiter(asking, take, asyncio.get_running_loop().create_future(), look)
        self._waiters[asking.id] = waiter
        self._inbox.entering.append(waiter)
        self._wake()
        return waiter

    async def _handed_meanwhile(self, waiter: Waiter[Any]) -> bool:
        """Give a cancelled waiter up, unless a turn is just handing it something."""
        while self._turning is not None and waiter not in self._inbox.entering:
            with suppress(asyncio.CancelledError):
                await asyncio.wait([self._turning])
        if waiter.done.done():
            return waiter.done.exception() is None
        self._waiters.pop(waiter.asking.id, None)
        if waiter in self._inbox.entering:
            self._inbox.entering.remove(waiter)
        else:
            self._inbox.leaving.append(waiter.asking.id)
            self._wake()
        return False

    async def _until_its_moment(self, permit: Permit, need: Need) -> None:
        """Sleep until the permit may be used; a pause that begins meanwhile is heeded."""
        while (delay := max(permit.sent_at, self._pause(need)) - self._now()) > 0:
            await asyncio.sleep(delay)
        permit.sent_at = self._now()

    def _pause(self, need: Need) -> float:
        return max(self._pauses.get((need.service, model), 0.0) for model in ("", need.model))

    def _wake(self, delay: float = 0.0) -> None:
        """Take a turn after so many seconds, or sooner."""
        self._due = min(self._due, self._now() + delay)
        self._woken.set()
        if not self._ended and (self._running is None or self._running.done()):
            self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._waiters or self._open or self._inbox.full:
            await self._until_due()
            taken: list[_Taken] = []

            async def turn(connection: AsyncConnection, taken: list[_Taken] = taken) -> Turned:
                # Only now: what came while the transaction began is done with it.
                taken.append(self._take())
                return await self._desk.turn(connection, self._now(), *taken[0])

            self._turning = asyncio.get_running_loop().create_future()
            try:
                turned = await self.grouped.do(turn)
            except Exception as error:
                self._failed(*(taken[0] if taken else self._take()), error)
            else:
                self._deliver(taken[0][0], turned)
            finally:
                self._turning.set_result(None)
                self._turning = None

    def _take(self) -> _Taken:
        """Take what the next turn has to do, and for whom."""
        inbox, self._inbox, self._due = self._inbox, Inbox(), inf
        return inbox, dict(self._waiters)

    async def _until_due(self) -> None:
        while (delay := self._due - self._now()) > 0:
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(delay, workers.BEAT)):
                    await self._woken.wait()

    def _deliver(self, inbox: Inbox, turned: Turned) -> None:
        self._failures, self._pauses = 0, {**self._pauses, **turned.pauses}
        for one in turned.handed:
            self._open += one.used
            self._settle(one.waiter, one)
        for waiter, error in turned.failed:
            self._settle(waiter, error)
        inbox.tell()
        now = self._now()
        due = now + workers.BEAT
        if self._waiters:
            known = min(max(turned.look - LOOKAHEAD, now + LOOK), now + IDLE_LOOK)
            due = now + BLIND_LOOK if turned.look == inf else now if turned.look <= now else known
        self._due = min(self._due, due)

    def _failed(self, inbox: Inbox, waiters: Mapping[str, Waiter[Any]], error: Exception) -> None:
        """Do it again, without the call whose `take` failed; in the end, tell all who wait."""
        self._desk.forget()
        self._failures += 1
        wrong = [waiter for waiter in waiters.values() if waiter.wrong is not None]
        if not wrong and self._failures >= TRIES:
            wrong = list(waiters.values())
            inbox.tell(error)
        for waiter in wrong:
            if waiter in inbox.entering:
                inbox.entering.remove(waiter)
            else:
                inbox.leaving.append(waiter.asking.id)
            self._settle(waiter, waiter.wrong or error)
        self._inbox = inbox.before(self._inbox)
        self._due = self._now() + min(self._failures * LOOK, workers.BEAT)

    def _settle(self, waiter: Waiter[T], what: Handed[T] | Exception) -> None:
        self._waiters.pop(waiter.asking.id, None)
        if waiter.done.done():
            return
        if isinstance(what, Exception):
            waiter.done.set_exception(what)
        else:
            waiter.done.set_result(what)


def _stopping() -> StoreError:
    return StoreError("the worker is stopping and hands out no more permits; ask another one")


def _cancel_later() -> None:
    """Cancel the running task at its next await, in place of a cancellation just caught."""
    if (task := asyncio.current_task()) is not None:
        task.uncancel()
        task.cancel()
