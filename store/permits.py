"""Permits as rows: waiting, granted (with the moment to send at), out, and closed.

A row stays until it occupies no window any more. All counting happens in one transaction at a
time, in which a `Turn` reads the pools it needs, changes them, and writes them back.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import pool_rows, workers
from store.clock import seconds, stamp
from store.fairness import Asking
from store.limits import Known, Overrides
from store.pools import Pool
from store.schema import permits

GUARD = 0.001
"""Seconds added to a window, for clocks that do not run alike."""


class State(StrEnum):
    """Where a permit stands."""

    WAITING = "waiting"
    GRANTED = "granted"
    OUT = "out"
    CLOSED = "closed"


@dataclass(frozen=True)
class Closing:
    """The end of a permit: tokens really used, and whether the vendor answered 429."""

    id: str
    service: str
    model: str
    sent_at: float
    tokens: int | None = None
    limited: bool = False
    wait: float | None = None


Flags = tuple[bool, bool]
"""Whether a permit occupies the window of its service, and of its model."""


@dataclass(frozen=True)
class Asked:
    """A request to be written down: waiting, or with what it was granted."""

    asking: Asking
    state: State = State.WAITING
    send_at: float = 0.0
    flags: Flags = (False, False)


class Turn:
    """One transaction's work on permits, at the moment `now`."""

    def __init__(
        self, connection: AsyncConnection, now: float, known: Known, overrides: Overrides
    ) -> None:
        self.connection, self.now, self.overrides = connection, now, overrides
        self._known = known
        self._pools: dict[tuple[str, str], Pool] = {}
        self._before: dict[tuple[str, str], pool_rows.Kept] = {}
        self._loaded: set[str] = set()

    async def load(self, services: Iterable[str]) -> None:
        """Read the pools of services."""
        if not (fresh := set(services) - self._loaded):
            return
        self._loaded |= fresh
        for row in await pool_rows.of(self.connection, fresh):
            key = row.service, row.model
            self._before[key] = pool_rows.fill(self.pool(*key), row)

    def pool(self, service: str, model: str) -> Pool:
        """Give a pool of a loaded service."""
        if (found := self._pools.get((service, model))) is None:
            limits = self.overrides.limits(self._known, service, model)
            found = self._pools[service, model] = Pool(service, model, limits)
        return found

    def both(self, service: str, model: str) -> list[Pool]:
        """Give the service's pool and, for a model, that one's."""
        return [self.pool(service, name) for name in ("", model)[: 2 if model else 1]]

    def heeded(self, service: str, model: str) -> list[Pool]:
        """Give those of the two that count; none: nothing is limited."""
        return [pool for pool in self.both(service, model) if pool.heeded(self.now)]

    async def ask(self, asked: Sequence[Asked]) -> None:
        """Write down who waits, and what those already have who do not wait any more."""
        rows = [
            {
                **{name: getattr(one.asking, name) for name in Asking.__dataclass_fields__},
                "since": stamp(one.asking.since),
                "state": one.state,
                "send_at": stamp(one.send_at) or None,
                "in_service": one.flags[0],
                "in_model": one.flags[1],
            }
            for one in asked
        ]
        if rows:
            await self.connection.execute(insert(permits), rows)

    def count(self, one: Asking, at: float) -> Flags:
        """Count a request that is to be sent at `at`; say whose windows it occupies."""
        both = self.both(one.service, one.model)
        for pool in both:
            pool.take(one.tokens, at, self.now)
        whole, alone = [*(pool.windowed for pool in both), False][:2]
        return whole, alone

    async def accepted(self, headers: Mapping[str, float]) -> None:
        """Write down when the headers of answers came."""
        if headers:
            row = permits.c.id == bindparam("row")
            change = update(permits).where(row).values(headers_at=bindparam("at"))
            given = [{"row": one, "at": stamp(at)} for one, at in headers.items()]
            await self.connection.execute(change, given)

    async def close(self, closings: Mapping[str, Closing]) -> None:
        """End permits: correct their tokens, free their place, heed a 429."""
        await self.load({c.service for c in closings.values()})
        used = {closing.id: closing.tokens for closing in closings.values()}
        await self._finish(await self._rows(closings, State.OUT), self.now, used)
        for closing in closings.values():
            if closing.limited:
                await self._cut(closing)

    async def leave(self, ids: Iterable[str]) -> None:
        """Take back what waits or was granted, as if it had never been."""
        rows = await self._rows(ids, State.WAITING, State.GRANTED)
        await self.load({row.service for row in rows})
        for row in rows:
            if row.state == State.GRANTED:
                self.give_back(row, (row.in_service, row.in_model))
        await self._delete([row.id for row in rows])

    async def bury(self, worker: str, at: float) -> None:
        """End all permits of a worker that died: what it had sent counts as finished at `at`."""
        mine = (permits.c.worker == worker) & (permits.c.state != State.CLOSED)
        known = (await self.connection.scalars(select(permits.c.id).where(mine))).all()
        await self.leave(known)
        rows = await self._rows(known, State.OUT)
        await self.load({row.service for row in rows})
        await self._finish(rows, at, {})
        await workers.forget(self.connection, worker)

    def give_back(self, what: Row[Any] | Asking, flags: Flags) -> None:
        """Uncount a grant that is not used."""
        for pool, occupies in zip(self.both(what.service, what.model), flags, strict=False):
            pool.flying -= 1
            if occupies:
                pool.used -= 1
                pool.tokens -= what.tokens

    async def granted(self, worker: str, until: float) -> Sequence[Row[Any]]:
        """List what a worker was granted, up to a moment of sending."""
        query = select(permits).where(
            permits.c.worker == worker,
            permits.c.state == State.GRANTED,
            permits.c.send_at <= stamp(until),
        )
        return (await self.connection.execute(query)).all()

    async def hand_out(self, ids: Sequence[str]) -> None:
        """Note that granted permits are used."""
        if ids:
            change = update(permits).where(permits.c.id.in_(ids)).values(state=State.OUT)
            await self.connection.execute(change)

    async def hand_back(self, rows: Sequence[Row[Any]]) -> None:
        """Note that granted permits are not used."""
        for row in rows:
            self.give_back(row, (row.in_service, row.in_model))
        await self._delete([row.id for row in rows])

    async def sweep(self, service: str) -> None:
        """Free what no longer occupies a window, and see what soon will not."""
        for pool in [p for p in self._pools.values() if p.service == service and p.used > 0]:
            await self._sweep(pool)

    def pauses(self) -> dict[tuple[str, str], float]:
        """Give the pools that pause, and until when."""
        paused = {key: pool.paused_until for key, pool in self._pools.items()}
        return {key: until for key, until in paused.items() if until > self.now}

    async def save(self) -> None:
        """Write the pools back."""
        for key, pool in self._pools.items():
            await pool_rows.write(self.connection, pool, self._before.get(key))

    async def _sweep(self, pool: Pool) -> None:
        mine = [permits.c.service == pool.service]
        flag, other = permits.c.in_service, permits.c.in_model
        if pool.model:
            mine.append(permits.c.model == pool.model)
            flag, other = other, flag
        stay = pool.limits.per + GUARD
        soon = permits.c.headers_at <= stamp(pool.outlook(self.now) - stay)
        query = select(permits, other.label("other")).where(*mine, flag.is_(True), soon)
        rows = (await self.connection.execute(query.order_by(permits.c.headers_at))).all()
        gone: list[str] = []
        staying: list[str] = []
        pool.frees = []
        for row in rows:
            free = seconds(row.headers_at) + stay
            if free > self.now:
                pool.frees.append((free, row.tokens))
                continue
            pool.used -= 1
            pool.tokens -= row.tokens
            (gone if row.state == State.CLOSED and not row.other else staying).append(row.id)
        await self._delete(gone)
        for ids in _parts(staying):
            change = update(permits).where(permits.c.id.in_(ids)).values({flag: False})
            await self.connection.execute(change)

    async def _finish(
        self, rows: Sequence[Row[Any]], at: float, used: Mapping[str, int | None]
    ) -> None:
        """End permits that were out, at a moment or when their headers came."""
        gone: list[str] = []
        staying: list[dict[str, object]] = []
        for row in rows:
            known = used.get(row.id)
            tokens = row.tokens if known is None else known
            if self._freed(row, tokens):
                gone.append(row.id)
            else:
                staying.append({"row": row.id, "used": tokens, "at": row.headers_at or stamp(at)})
        await self._delete(gone)
        if staying:
            values: dict[str, Any] = {"tokens": bindparam("used"), "headers_at": bindparam("at")}
            change = update(permits).where(permits.c.id == bindparam("row"))
            await self.connection.execute(change.values(state=State.CLOSED, **values), staying)

    def _freed(self, row: Row[Any], tokens: int) -> bool:
        """Free a permit's place, correct its tokens; say whether it occupies no window."""
        free = True
        for pool, counted in self._flagged(row):
            pool.flying -= 1
            if counted:
                pool.tokens += tokens - row.tokens
                free = False
        return free

    async def _cut(self, closing: Closing) -> None:
        """Cut the model's pool if it is limited, else the service's. Its grants wait again."""
        both = self.both(closing.service, closing.model)
        limited = [pool for pool in both if not pool.limits.unlimited]
        pool = (limited or both)[-1]
        again = [permits.c.state == State.GRANTED, permits.c.service == pool.service]
        if pool.model:
            again.append(permits.c.model == pool.model)
        for row in (await self.connection.execute(select(permits).where(*again))).all():
            self.give_back(row, (row.in_service, row.in_model))
        wait = {"state": State.WAITING, "send_at": None, "in_service": False, "in_model": False}
        await self.connection.execute(update(permits).where(*again).values(wait))
        await self.sweep(pool.service)
        pool.cut(self.now, closing.sent_at, closing.wait)

    def _flagged(self, row: Row[Any]) -> list[tuple[Pool, bool]]:
        both = self.both(row.service, row.model)
        return list(zip(both, (row.in_service, row.in_model), strict=False))

    async def _rows(self, ids: Iterable[str], *states: State) -> Sequence[Row[Any]]:
        if not (wanted := list(ids)):
            return []
        query = select(permits).where(permits.c.id.in_(wanted), permits.c.state.in_(states))
        return (await self.connection.execute(query)).all()

    async def _delete(self, ids: Sequence[str]) -> None:
        for part in _parts(ids):
            await self.connection.execute(delete(permits).where(permits.c.id.in_(part)))


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Give ids in lists that are not too long for a statement."""
    return (ids[start : start + 1000] for start in range(0, len(ids), 1000))
