"""Pools as people see them: what is allowed, used, in flight, and who waits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import Store
from store.limits import Known, Override, Overrides, overrides
from store.permits import State, Turn
from store.pools import Pool
from store.schema import permits, pools
from workflows.data.limits import Limits


@dataclass(frozen=True)
class PoolState:
    """A service (`model` empty) or a model of it.

    `limits` are those that hold (or will, after a pause), `set` whether people set them; `factor`
    is the share of them in use since a 429; `used` and `tokens` occupy the window, `flying`
    requests are not finished.
    """

    service: str
    model: str
    limits: Limits
    set: bool
    paused: bool
    factor: float
    used: int
    tokens: int
    flying: int
    waiting: Mapping[str, int]
    paused_until: datetime | None


async def pool_states(
    store: Store, known: Known, names: Iterable[tuple[str, str]] = ()
) -> list[PoolState]:
    """List the pools of `names` (service, model), those in use, and those that people set."""
    async with store.writing() as connection:
        found = await overrides(connection)
        used = await connection.execute(select(pools.c.service, pools.c.model))
        queued = await _queued(connection)
        keys = {*names, *((s, m) for s, m in used if s), *found.pools}
        turn = Turn(connection, store.clock().timestamp(), known, found)
        await turn.load({service for service, _ in keys})
        for service in sorted({service for service, _ in keys}):
            await turn.sweep(service)
        await turn.save()
    return [_state(turn.pool(*key), known, turn.now, found, queued) for key in sorted(keys)]


async def held(store: Store) -> dict[str, int]:
    """Count the calls that limits hold back, by service. Writes nothing."""
    query = select(permits.c.service, func.count()).where(permits.c.state == State.WAITING)
    async with store.reading() as connection:
        rows = await connection.execute(query.group_by(permits.c.service))
        return {service: number for service, number in rows}


async def _queued(connection: AsyncConnection) -> list[Row[Any]]:
    """Count those who wait, and those whose moment to send has yet to come."""
    kinds = (permits.c.service, permits.c.model, permits.c.tenant, permits.c.state)
    counted = func.count().label("n"), func.sum(permits.c.tokens).label("held")
    queued = permits.c.state.in_([State.WAITING, State.GRANTED])
    rows = await connection.execute(select(*kinds, *counted).where(queued).group_by(*kinds))
    return list(rows)


def _state(
    pool: Pool, known: Known, now: float, found: Overrides, queued: Sequence[Row[Any]]
) -> PoolState:
    override = found.pools.get((pool.service, pool.model), Override())
    mine = [q for q in queued if q.service == pool.service and pool.model in ("", q.model)]
    tenants = {
        tenant: sum(q.n for q in mine if q.tenant == tenant)
        for tenant in sorted({q.tenant for q in mine})
    }
    ahead = [q for q in mine if q.state == State.GRANTED]
    granted, held = sum(q.n for q in ahead), int(sum(q.held for q in ahead))
    until = pool.paused_until
    return PoolState(
        service=pool.service,
        model=pool.model,
        limits=override.limits or known(pool.service, pool.model),
        set=override.limits is not None,
        paused=pool.stopped,
        factor=pool.factor(now),
        used=max(0, pool.used - granted),
        tokens=max(0, pool.tokens - held),
        flying=max(0, pool.flying - granted),
        waiting=tenants,
        paused_until=datetime.fromtimestamp(until, UTC) if until > now else None,
    )
