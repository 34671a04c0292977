"""What people set instead of the catalogue's limits, and the weights of tenants."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import Store
from store.schema import limits, tenants
from workflows.data.limits import Limits

Known = Callable[[str, str], Limits]
"""The catalogue's limits of a service ("" as the model) and of a model alone."""


@dataclass(frozen=True)
class Override:
    """What was set for a service or model: other limits (None: the catalogue's), or a pause."""

    limits: Limits | None = None
    paused: bool = False


@dataclass(frozen=True)
class Overrides:
    """All that was set, by (service, model) and by tenant."""

    pools: Mapping[tuple[str, str], Override] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)

    def limits(self, known: Known, service: str, model: str) -> Limits:
        """Give the limits in force; a pause is a concurrency of 0."""
        override = self.pools.get((service, model), Override())
        now = override.limits or known(service, model)
        return now.model_copy(update={"concurrency": 0}) if override.paused else now

    def weight(self, tenant: str, given: float) -> float:
        """Give the weight of a tenant: what was set, else what its case says."""
        return max(self.weights.get(tenant, given), 1e-3)


async def overrides(connection: AsyncConnection) -> Overrides:
    """Read all that was set."""
    pools = {
        (row.service, row.model): Override(
            Limits.model_validate_json(row.given) if row.given else None, row.paused
        )
        for row in await connection.execute(select(limits))
    }
    weights = {row.tenant: row.weight for row in await connection.execute(select(tenants))}
    return Overrides(pools, weights)


async def override(store: Store, service: str, model: str, change: Override) -> None:
    """Set the limits of a service or model; nothing set is the catalogue again."""
    key = (limits.c.service == service) & (limits.c.model == model)
    async with store.writing() as connection:
        await connection.execute(delete(limits).where(key))
        if change != Override():
            given = change.limits.model_dump_json() if change.limits else ""
            row = {"service": service, "model": model, "given": given, "paused": change.paused}
            await connection.execute(insert(limits).values(row))


async def weigh(store: Store, tenant: str, weight: float) -> None:
    """Set the weight of a tenant, above 0, whatever its cases say."""
    values = {"weight": weight}
    async with store.writing() as connection:
        changed = update(tenants).where(tenants.c.tenant == tenant).values(values)
        if (await connection.execute(changed)).rowcount == 0:
            await connection.execute(insert(tenants).values(tenant=tenant, **values))
