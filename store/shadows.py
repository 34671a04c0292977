"""What shadow cases would have done, and the replies others had paid for that they read."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from store import clock
from store.database import Store
from store.errors import StoreConflict
from store.journal import canonical
from store.ledger import LedgerState
from store.schema import claims, effects, replies
from store.schema_shadows import shared_replies, suppressed


@dataclass(frozen=True)
class Suppressed:
    """An effect a shadow would have had: its kind, the service, and what would have been sent."""

    key: str
    effect: str
    service: str
    request: dict[str, Any]
    at: datetime


@dataclass(frozen=True)
class Shared:
    """Replies a shadow read that another case had paid for, and what that one paid."""

    replies: int = 0
    usd: Decimal = Decimal(0)


class Shadows:
    """The notes on shadows in one store. The ledger holds nothing of them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def suppress(
        self, key: str, scope: str, effect: str, service: str, request: dict[str, Any]
    ) -> None:
        """Note an effect that was not performed; noted again it is the same.

        Raises StoreConflict, as the ledger would, when the key was used for another request.
        """
        said = canonical(request)
        async with self._store.writing() as connection:
            held = select(suppressed.c.request).where(suppressed.c.key == key)
            if (found := await connection.scalar(held)) is None:
                row = {"key": key, "scope": scope, "effect": effect, "service": service}
                at = self._store.now()
                values = {**row, "request": said, "suppressed_at": at}
                await connection.execute(suppressed.insert().values(**values))
            elif found != said:
                raise StoreConflict(
                    f"effect {effect!r} of {scope!r} was claimed for another request under the same"
                    " key; give the second one another template, number or case"
                )

    async def suppressed(self, scope: str, service: str = "") -> list[Suppressed]:
        """List the effects a shadow would have had, oldest first; of one service if it is named."""
        query = select(suppressed).where(suppressed.c.scope == scope)
        if service:
            query = query.where(suppressed.c.service == service)
        order = query.order_by(suppressed.c.suppressed_at, suppressed.c.key)
        async with self._store.reading() as connection:
            rows = (await connection.execute(order)).all()
        return [
            Suppressed(
                r.key, r.effect, r.service, json.loads(r.request), clock.read(r.suppressed_at)
            )
            for r in rows
        ]

    async def share(self, scope: str, keys: Sequence[str]) -> timedelta:
        """Note that a shadow read the first reply there is under one of these keys.

        Gives how long that reply took when it was paid for; nothing if there is none.
        """
        answered = replies.join(claims, claims.c.id == replies.c.claim_id)
        wanted = select(replies.c.usd, replies.c.received_at, claims.c.claimed_at)
        async with self._store.writing() as connection:
            for key in keys:
                query = wanted.select_from(answered).where(replies.c.key == key)
                query = query.where(replies.c.void == "").order_by(replies.c.id).limit(1)
                if (row := (await connection.execute(query)).first()) is None:
                    continue
                mine = (shared_replies.c.scope == scope, shared_replies.c.key == key)
                if await connection.scalar(select(func.count()).where(*mine)) == 0:
                    values = {"scope": scope, "key": key, "usd": row.usd}
                    await connection.execute(shared_replies.insert().values(**values))
                return _between(row.claimed_at, row.received_at)
        return timedelta(0)

    async def shared(self, scope: str) -> Shared:
        """Sum up the replies a shadow did not pay for."""
        query = select(shared_replies.c.usd).where(shared_replies.c.scope == scope)
        async with self._store.reading() as connection:
            found = [Decimal(usd) for usd in (await connection.scalars(query)).all()]
        return Shared(len(found), sum(found, Decimal(0)))

    async def took(self, scopes: Sequence[str], effect: str) -> timedelta:
        """Say how long an effect of this kind took in other cases; nothing if none had it."""
        query = select(effects.c.claimed_at, effects.c.closed_at).where(
            effects.c.scope.in_(scopes),
            effects.c.effect == effect,
            effects.c.state == LedgerState.DONE,
        )
        async with self._store.reading() as connection:
            rows = (await connection.execute(query)).all()
        return min((_between(r.claimed_at, r.closed_at) for r in rows), default=timedelta(0))


def _between(earlier: str, later: str) -> timedelta:
    return max(clock.read(later) - clock.read(earlier), timedelta(0))
