"""Pools as rows: read in a transaction that is alone, and written back if changed."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store.clock import seconds, stamp
from store.pools import Pool
from store.schema import pools
from workflows.data.limits import Limits

TIMES = ("next_at", "paused_until", "cut_at")
COUNTS = ("used", "tokens", "flying", "ceiling", "floor", "virtual")
Kept = tuple[object, ...]


async def of(connection: AsyncConnection, services: Iterable[str]) -> Sequence[Row[Any]]:
    """Read the pools of services."""
    named = pools.c.service.in_(sorted(services))
    query = select(pools).where(named).order_by(pools.c.service, pools.c.model)
    return (await connection.execute(query)).all()


def fill(pool: Pool, row: Row[Any]) -> Kept:
    """Put what a row holds into a pool; give it, to tell later whether it changed."""
    for name in TIMES:
        setattr(pool, name, seconds(getattr(row, name)))
    for name in COUNTS:
        setattr(pool, name, getattr(row, name))
    return kept(pool)


def kept(pool: Pool) -> Kept:
    """Give what is kept of a pool."""
    times = (stamp(getattr(pool, name)) for name in TIMES)
    return *times, *(getattr(pool, name) for name in COUNTS)


UNTOUCHED = kept(Pool("", "", Limits()))


async def write(connection: AsyncConnection, pool: Pool, before: Kept | None) -> None:
    """Write a pool back that changed; without `before` there is no row of it yet."""
    if (now := kept(pool)) == (before or UNTOUCHED):
        return
    values = dict(zip(TIMES + COUNTS, now, strict=True))
    if before is None:
        row = {"service": pool.service, "model": pool.model, **values}
        await connection.execute(insert(pools).values(row))
    else:
        this = (pools.c.service == pool.service) & (pools.c.model == pool.model)
        await connection.execute(update(pools).where(this).values(values))
