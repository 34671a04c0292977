"""Workers: each beats in the store while it has calls open; one unseen for a while is dead.

The worker's name is new at every start of a process, so that a dead one never comes back.
"""

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store.clock import seconds, stamp
from store.schema import workers

BEAT = 1.0
DEAD_AFTER = 5.0
"""Seconds between two beats, and after which an unseen worker counts as dead."""


async def beat(connection: AsyncConnection, worker: str, now: float) -> None:
    """Write down that the worker lives."""
    seen = {"seen_at": stamp(now)}
    beaten = await connection.execute(
        update(workers).where(workers.c.worker == worker).values(**seen)
    )
    if beaten.rowcount == 0:
        await connection.execute(workers.insert().values(worker=worker, **seen))


async def alive(connection: AsyncConnection, worker: str, now: float) -> bool:
    """Say whether a worker has been seen of late: what it claimed may still be answered."""
    seen = await connection.scalar(select(workers.c.seen_at).where(workers.c.worker == worker))
    return seen is not None and seconds(seen) >= now - DEAD_AFTER


async def dead(connection: AsyncConnection, now: float) -> list[tuple[str, float]]:
    """List the dead workers, and when each has been given up."""
    unseen = select(workers).where(workers.c.seen_at < stamp(now - DEAD_AFTER))
    rows = (await connection.execute(unseen)).all()
    return [(row.worker, seconds(row.seen_at) + DEAD_AFTER) for row in rows]


async def living(connection: AsyncConnection, now: float) -> list[str]:
    """List the workers seen of late."""
    seen = select(workers.c.worker).where(workers.c.seen_at >= stamp(now - DEAD_AFTER))
    return list(await connection.scalars(seen))


async def forget(connection: AsyncConnection, worker: str) -> None:
    """Strike a worker off."""
    await connection.execute(delete(workers).where(workers.c.worker == worker))
