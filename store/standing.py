"""What stands in the journal for a call that is about to be sent: a reply, or another's flight."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from store import clock
from store.database import Store
from store.journal import CallEntry, ClaimState, Journal, StoredReply, first_reply, stored
from store.schema import claims, replies

FROM_CACHE = "answer cache"
"""Reason of a claim that the answer cache served: the reply is another case's, and cost nothing."""


@dataclass(frozen=True)
class Flight:
    """The same call, sent by another worker and not answered yet."""

    claim: int
    worker: str


class Standing:
    """Looks before a call is sent."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store, self._journal = store, journal

    async def claimed(self, connection: AsyncConnection, entry: CallEntry) -> bool:
        """Say whether the call was ever claimed: if not, it has neither reply nor flight."""
        of_call = claims.c.key.in_((entry.key, *entry.origins))
        return await connection.scalar(select(claims.c.id).where(of_call).limit(1)) is not None

    async def reply(self, connection: AsyncConnection, entry: CallEntry) -> StoredReply | None:
        """Give a reply of this case, or, at no cost, of a scope it may read."""
        if own := await first_reply(connection, entry.key):
            return own
        for key in entry.origins:
            if found := await first_reply(connection, key):
                return replace(found, usd=Decimal(0))
        return None

    async def flight(self, connection: AsyncConnection, entry: CallEntry) -> Flight | None:
        """Give the newest open claim of another worker for this very call; it may be dead."""
        open_elsewhere = (
            claims.c.key == entry.key,
            claims.c.state == ClaimState.OPEN,
            claims.c.worker != entry.worker,
        )
        query = select(claims.c.id, claims.c.worker).where(*open_elsewhere)
        row = (await connection.execute(query.order_by(claims.c.id.desc()).limit(1))).first()
        return None if row is None else Flight(row.id, row.worker)

    async def cached(self, connection: AsyncConnection, entry: CallEntry) -> StoredReply | None:
        """Take another case's reply that is young enough over into this case, at no cost."""
        if not entry.max_age:
            return None
        oldest = clock.written(self._store.clock() - timedelta(seconds=entry.max_age))
        same = (
            replies.c.content_key == entry.content_key,
            replies.c.void == "",
            replies.c.received_at >= oldest,
        )
        query = select(replies).where(*same).order_by(replies.c.received_at.desc()).limit(1)
        row = (await connection.execute(query)).mappings().first()
        if row is None:
            return None
        taken = replace(stored(row), usd=Decimal(0))
        claim = await self._journal.open(connection, entry)
        await self._journal.keep(connection, claim, taken, FROM_CACHE)
        return taken
