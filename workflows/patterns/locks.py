"""Locks: take turns with scarce resources, `async with holding(inbox, POOL, {"db": 2}) as lease`.

A keeper workflow per pool lends; its rules and their bound stand in `keeping.py`.
"""

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import NoReturn

from pydantic import ValidationError
from temporalio.exceptions import is_cancelled_exception

from workflows.calls import KEEPER, ask, only_in_workflow
from workflows.data.events import Arrival
from workflows.data.resources import (
    Granted,
    KeeperAct,
    KeeperMessage,
    NoticeKind,
    Pool,
    Request,
)
from workflows.errors import LeaseLost, Misuse, NotGranted, reason
from workflows.patterns.clock import now, shielded, wait_all
from workflows.patterns.events import Inbox
from workflows.patterns.keeping import why_never
from workflows.patterns.wanted import named
from workflows.scope import Scope, current_scope, enter_scope, log, told

AGAIN, SELDOM = timedelta(minutes=1), timedelta(hours=1)
"""A request that waits is sent again after the first, in case its keeper was lost with its queue,
and then after twice as long each time, up to the second."""

SPARE = 10
"""A holder stops this part of its lease before the keeper lends on: work needs time to stop."""

_holding: ContextVar[tuple[str, ...]] = ContextVar("braid_holding", default=())


def pool(
    name: str,
    amounts: Mapping[str, int],
    *,
    longest: timedelta,
    version: int = 1,
    most_waiting: int = 1_000,
) -> Pool:
    """Declare what there is of each resource, and how long anybody may hold any.

    With `n` requests ahead nobody waits longer than `n * longest`. Raises Misuse.
    """
    try:
        return Pool(
            name=name,
            amounts=dict(amounts),
            longest=longest,
            version=version,
            most_waiting=most_waiting,
        )
    except ValidationError as error:
        raise Misuse(f"pool {name!r}: {_wrong(error)}") from None


@dataclass
class Lease:
    """What is held, until when by the holder's own count, and the fencing token.

    Send `token` with every write to what the lock protects, and have the other side refuse a
    smaller one than it has seen: a holder may be late in learning that its lease ended.
    """

    token: int
    granted: datetime
    until: datetime
    lost: bool = False


class holding:  # noqa: N801 - reads as a verb: async with holding(...)
    """Hold so much of a pool's resources while the block runs; all at once or nothing.

    A dead holder's lease ends after `lease`. With `at_most` it is renewed at half-time while the
    block runs, up to that. A block that would outlive its lease is cancelled a tenth of `lease`
    before its end, and LeaseLost is raised.
    Released on every exit; waits `within` at most, then NotGranted. Raises Misuse for what the
    pool can never lend, and for a pool taken while one that sorts behind it is held.
    """

    def __init__(
        self,
        inbox: Inbox,
        pool: Pool,
        wants: Mapping[str, int],
        *,
        lease: timedelta,
        within: timedelta,
        at_most: timedelta | None = None,
    ) -> None:
        self._inbox, self._pool, self._within = inbox, pool, within
        longest = lease if at_most is None else at_most
        if within <= timedelta(0):
            raise Misuse(f"pool {pool.name!r}: within is {within}; give a time to wait")
        if not lease <= longest <= pool.longest:
            raise Misuse(
                f"pool {pool.name!r} lends for {pool.longest} at most, but lease is {lease} and"
                f" at_most {longest}; make lease <= at_most <= the pool's longest"
            )
        if why := why_never(pool, wants):
            raise Misuse(f"{why}; ask for less, or declare more under a new version")
        try:
            self._request = Request(
                id="none", holder=inbox.owner, wants=dict(wants), lease=lease, at_most=longest
            )
        except ValidationError as error:
            raise Misuse(f"pool {pool.name!r}: {_wrong(error)}") from None
        self._entered = False

    async def __aenter__(self) -> Lease:
        only_in_workflow(f"lock on pool {self._pool.name!r}")
        self._check_order()
        self._body = asyncio.current_task() or _no_task(self._pool)
        try:
            self._lease = await self._acquire()
        except (Exception, asyncio.CancelledError):
            await shielded(self._release())
            raise
        self._cancels = self._body.cancelling()
        self._watch = asyncio.ensure_future(self._keep())
        self._before = _holding.get()
        _holding.set((*self._before, self._pool.name))
        return self._lease

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if isinstance(error, GeneratorExit):  # an evicted workflow: it goes on elsewhere
            return
        _holding.set(self._before)
        self._watch.cancel()
        late: asyncio.CancelledError | None = None
        try:
            await shielded(self._release())
        except asyncio.CancelledError as cancelled:
            late = cancelled
        if self._lease.lost:
            self._body.uncancel()
            # Cancelled by somebody else too: that goes on. Else the cancellation was ours.
            if self._body.cancelling() <= self._cancels and _ours(error):
                raise LeaseLost(
                    f"the lease on pool {self._pool.name!r} ended before the work under it"
                ) from error
        if late is not None and (error is None or not self._lease.lost):
            raise late

    # ---- inside ----------------------------------------------------------------------------

    def _check_order(self) -> None:
        name, held = self._pool.name, _holding.get()
        if self._entered:
            raise Misuse(f"pool {name!r}: this holding was entered before; make a new one")
        if name in held:
            raise Misuse(
                f"pool {name!r} is held already: a second request would wait for the first; take"
                " all that is needed at once"
            )
        if behind := [h for h in held if h > name]:
            raise Misuse(
                f"pool {name!r} is taken while {behind[0]!r} is held: pools are taken in the order"
                " of their names, or two processes wait for each other; change the order"
            )
        self._entered = True

    async def _acquire(self) -> Lease:
        """Ask until granted. A grant that is over before it was read is asked for anew."""
        end = now() + self._within
        while True:
            self._request = self._request.model_copy(update={"id": self._inbox.new_id()})
            granted = await self._granted(end)
            if granted.until > now():
                until = granted.until - self._request.lease / SPARE
                return Lease(granted.token, granted.granted, until)
            self._forget()

    async def _granted(self, end: datetime) -> Granted:
        answers = named(self._event(NoticeKind.GRANTED)) | named(self._event(NoticeKind.REFUSED))
        again = AGAIN
        while now() < end:
            await self._send(KeeperAct.REQUEST)
            left = max(end - now(), timedelta(milliseconds=1))
            got = await self._inbox.wait(answers, deadline=min(left, again))
            if got.complete:
                return self._read(got.events[0])
            again = min(again * 2, SELDOM)
        wanted = ", ".join(f"{k} {name}" for name, k in self._request.wants.items())
        raise NotGranted(
            f"pool {self._pool.name!r}: {wanted} not granted within {self._within}; wait longer,"
            " or declare more of it"
        )

    def _read(self, arrival: Arrival) -> Granted:
        if arrival.event.name == self._event(NoticeKind.REFUSED):
            raise NotGranted(str(arrival.event.body))
        return Granted.model_validate(arrival.event.body)

    async def _keep(self) -> None:
        """Renew at half-time while that helps; end the block when the lease has ended."""
        lease, request = self._lease, self._request
        lost = named(self._event(NoticeKind.LOST))
        end = lease.granted + request.at_most - request.lease / SPARE
        while (left := lease.until - now()) > timedelta(0):
            renewable = lease.until < end
            pause = min(left, max(left / 2, request.lease / 8)) if renewable else left
            heard = await self._inbox.wait(lost, deadline=pause)
            if heard.complete:
                break
            if renewable and now() < lease.until:
                await self._renew(lease, end)
        lease.lost = True
        self._body.cancel()

    async def _renew(self, lease: Lease, end: datetime) -> None:
        sent = now()
        sending = asyncio.ensure_future(self._send(KeeperAct.RENEW))
        try:
            await wait_all([sending], within=lease.until - sent)
        finally:
            sending.cancel()
        if sending.done() and not sending.cancelled():
            if (error := sending.exception()) is None:
                # Not later than what the keeper counts, who got it after it was sent.
                whole = self._request.lease - self._request.lease / SPARE
                lease.until = max(lease.until, min(sent + whole, end))
            else:
                log.warning("lease not renewed", extra=told(why=reason(error)))

    async def _send(self, act: KeeperAct) -> None:
        await ask(KEEPER, KeeperMessage(pool=self._pool, act=act, request=self._request))

    async def _release(self) -> None:
        """Release, even from a branch that was given up; should it fail, the lease's end does."""
        enter_scope(Scope(current_scope().name))
        try:
            await self._send(KeeperAct.RELEASE)
        except Exception as error:
            log.warning("lease not released", extra=told(why=reason(error)))
        self._forget()

    def _event(self, kind: NoticeKind) -> str:
        return f"{kind}.{self._request.id}"

    def _forget(self) -> None:
        names = [self._event(kind) for kind in NoticeKind]
        self._inbox.forget(*(a for a in self._inbox.arrivals if a.event.name in names))


def _no_task(pool: Pool) -> NoReturn:
    raise Misuse(f"pool {pool.name!r}: hold it inside a task, which can be told to stop")


def _ours(error: BaseException | None) -> bool:
    return error is None or is_cancelled_exception(error)


def _wrong(error: ValidationError) -> str:
    wrong = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}"
