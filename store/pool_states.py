"""Pools as people see them: what is allowed, used, in flight, and who waits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select

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
        rows = await connection.execute(
            select(permits.c.service, permits.c.model, permits.c.tenant, func.count())
            .where(permits.c.state == State.WAITING)
            .group_by(permits.c.service, permits.c.model, permits.c.tenant)
        )
        waiting = {(service, model, tenant): n for service, model, tenant, n in rows}
        keys = {*names, *((s, m) for s, m in used if s), *found.pools}
        turn = Turn(connection, store.clock().timestamp(), known, found)
        await turn.load({service for service, _ in keys})
        for service in sorted({service for service, _ in keys}):
            await turn.sweep(service)
        await turn.save()
    return [_state(turn.pool(*key), known, turn.now, found, waiting) for key in sorted(keys)]


def _state(
    pool: Pool,
    known: Known,
    now: float,
    found: Overrides,
    waiting: Mapping[tuple[str, str, str], int],
) -> PoolState:
    override = found.pools.get((pool.service, pool.model), Override())
    tenants: dict[str, int] = {}
    for (service, model, tenant), n in waiting.items():
        if service == pool.service and pool.model in ("", model):
            tenants[tenant] = tenants.get(tenant, 0) + n
    until = pool.paused_until
    return PoolState(
        service=pool.service,
        model=pool.model,
        limits=override.limits or known(pool.service, pool.model),
        set=override.limits is not None,
        paused=pool.stopped,
        factor=pool.factor(now),
        used=pool.used,
        tokens=pool.tokens,
        flying=pool.flying,
        waiting=tenants,
        paused_until=datetime.fromtimestamp(until, UTC) if until > now else None,
    )
