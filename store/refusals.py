"""Orders the other side refused: what a shadow that gives the same order is told in its turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, select

from store import clock
from store.database import Store
from store.ledger import LedgerState
from store.schema import effects
from store.schema_shadows import refusals


@dataclass(frozen=True)
class Refusal:
    """Why an order was refused, and how long that took."""

    why: str
    took: timedelta


class Refusals:
    """The refusals in one store; as in the ledger only a hash of each order is kept."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, scope: str, effect: str, request: str, why: str) -> None:
        """Write down that a claimed order was refused, and in what words."""
        row = {"scope": scope, "effect": effect, "request_sha256": _digest(request)}
        claimed = select(effects.c.claimed_at).filter_by(**row)
        async with self._store.writing() as connection:
            await connection.execute(delete(refusals).filter_by(**row))
            now = self._store.now()
            told = {"why": why, "claimed_at": await connection.scalar(claimed) or now}
            await connection.execute(refusals.insert().values(**row, **told, refused_at=now))

    async def told(
        self, scope: str, origins: Sequence[str], effect: str, request: str
    ) -> Refusal | None:
        """Say why the order of a shadow would be refused; None if that is not known.

        It is known of a case it may read from that gave the same order, its own id aside, was
        refused, and was not heard with it later.
        """
        async with self._store.reading() as connection:
            for origin in origins:
                digest = _digest(request.replace(scope, origin))
                same = {"scope": origin, "effect": effect, "request_sha256": digest}
                heard = select(effects.c.key).filter_by(**same, state=LedgerState.DONE)
                if await connection.scalar(heard) is not None:
                    return None
                query = select(refusals).filter_by(**same)
                if (row := (await connection.execute(query)).first()) is not None:
                    took = clock.read(row.refused_at) - clock.read(row.claimed_at)
                    return Refusal(row.why, took)
        return None


def _digest(request: str) -> str:
    return sha256(request.encode()).hexdigest()
