"""Cleared hits: false positives people found, remembered until they expire or the entry changes."""

from sqlalchemy import delete, or_, select

from store import clock
from store.database import Store
from store.schema_cleared import cleared_hits as table
from workflows.data.hits import ClearedAnswer, ClearedHit, ClearedQuery


class ClearedHits:
    """The memory of one store. One row a customer, party and entry: the last disposition counts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, hit: ClearedHit) -> None:
        """Remember a hit in place of what was remembered of it; drop what has expired."""
        same = (
            (table.c.customer == hit.customer)
            & (table.c.party == hit.party_sha256)
            & (table.c.entry == hit.entry)
        )
        expired = table.c.expires_at <= clock.written(hit.at)
        async with self._store.writing() as connection:
            await connection.execute(delete(table).where(or_(same, expired)))
            await connection.execute(
                table.insert().values(
                    customer=hit.customer,
                    party=hit.party_sha256,
                    entry=hit.entry,
                    entry_sha256=hit.entry_sha256,
                    reviewer=hit.by,
                    reason=hit.reason,
                    scope=hit.case,
                    cleared_at=clock.written(hit.at),
                    expires_at=clock.written(hit.expires),
                )
            )

    async def find(self, query: ClearedQuery) -> ClearedAnswer:
        """Give what is remembered of a hit and still holds; else why it does not."""
        wanted = select(table).where(
            table.c.customer == query.customer,
            table.c.party == query.party_sha256,
            table.c.entry == query.entry,
        )
        async with self._store.reading() as connection:
            row = (await connection.execute(wanted)).mappings().first()
        if row is None:
            return ClearedAnswer()
        hit = ClearedHit(
            customer=row["customer"],
            party_sha256=row["party"],
            entry=row["entry"],
            entry_sha256=row["entry_sha256"],
            by=row["reviewer"],
            reason=row["reason"],
            case=row["scope"],
            at=clock.read(row["cleared_at"]),
            expires=clock.read(row["expires_at"]),
        )
        told = f"cleared by {hit.by} in {hit.case}, but "
        if hit.expires <= query.at:
            return ClearedAnswer(lifted=f"{told}that expired on {hit.expires:%Y-%m-%d}")
        if hit.entry_sha256 != query.entry_sha256:
            return ClearedAnswer(lifted=f"{told}the list entry has changed since")
        return ClearedAnswer(cleared=hit)
