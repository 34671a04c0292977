"""The ledger of effects: claimed, performed, settled, each under its key.

Whether an unsettled effect may be performed again is for the activity to say: it is safe
where the other side knows idempotency keys, and never done where it does not.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import delete, func, select, update

from store import clock
from store.database import Store
from store.errors import StoreConflict
from store.schema import effects, settlements


class LedgerState(StrEnum):
    """Where an effect stands."""

    CLAIMED = "claimed"
    """Under way; or its case was cancelled, and whether it happened nobody heard: a saga undoes it
    all the same, and it stays claimed."""
    DONE = "done"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Claimed:
    """The effect is ours to perform; nobody tried before."""

    key: str


@dataclass(frozen=True)
class Pending:
    """Somebody claimed the effect and has not settled it: at work still, or dead."""

    key: str
    claimed_at: datetime


@dataclass(frozen=True)
class Settled:
    """The effect is done; `reference` is the other side's."""

    key: str
    reference: str


@dataclass(frozen=True)
class Unclear:
    """The effect may or may not have happened; a person must find out."""

    key: str
    why: str


Standing = Claimed | Pending | Settled | Unclear


@dataclass(frozen=True)
class EffectRow:
    """An effect as the reports show it."""

    key: str
    scope: str
    effect: str
    state: LedgerState
    reference: str
    why: str
    claimed_at: datetime
    closed_at: datetime | None


class Ledger:
    """The ledger of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim(self, key: str, scope: str, effect: str, request: str) -> Standing:
        """Claim an effect before performing it, or learn what became of an earlier claim.

        Only a hash of `request` is kept. Raises StoreConflict when the key was used for another.
        """
        digest = sha256(request.encode()).hexdigest()
        async with self._store.writing() as connection:
            found = await connection.execute(select(effects).where(effects.c.key == key))
            row = found.mappings().first()
            if row is None:
                await connection.execute(
                    effects.insert().values(
                        key=key,
                        scope=scope,
                        effect=effect,
                        request_sha256=digest,
                        state=LedgerState.CLAIMED,
                        reference="",
                        why="",
                        claimed_at=self._store.now(),
                    )
                )
                return Claimed(key)
        if row["request_sha256"] != digest:
            raise StoreConflict(
                f"effect {effect!r} of {scope!r} was claimed for another request under the same"
                " key; give the second one another template, number or case"
            )
        if row["state"] == LedgerState.DONE:
            return Settled(key, row["reference"])
        if row["state"] == LedgerState.UNCLEAR:
            return Unclear(key, row["why"])
        return Pending(key, clock.read(row["claimed_at"]))

    async def settle(self, key: str, reference: str) -> None:
        """Write down that the effect happened. Settling an unclear one makes it clear."""
        async with self._store.writing() as connection:
            now = self._store.now()
            await connection.execute(
                settlements.insert().values(key=key, reference=reference, settled_at=now)
            )
            await connection.execute(
                update(effects)
                .where(effects.c.key == key)
                .values(state=LedgerState.DONE, reference=reference, why="", closed_at=now)
            )

    async def mark_unclear(self, key: str, why: str) -> None:
        """Write down that nobody knows whether the effect happened; a settled one stays so."""
        async with self._store.writing() as connection:
            await connection.execute(
                update(effects)
                .where(effects.c.key == key, effects.c.state == LedgerState.CLAIMED)
                .values(state=LedgerState.UNCLEAR, why=why, closed_at=self._store.now())
            )

    async def release(self, key: str) -> None:
        """Take a claim back because the effect surely did not happen."""
        async with self._store.writing() as connection:
            await connection.execute(
                delete(effects).where(effects.c.key == key, effects.c.state == LedgerState.CLAIMED)
            )

    async def effects(self, scope: str) -> list[EffectRow]:
        """List the effects of a scope, oldest first."""
        query = select(effects).where(effects.c.scope == scope)
        async with self._store.reading() as connection:
            found = await connection.execute(query.order_by(effects.c.claimed_at, effects.c.key))
            rows = found.mappings().all()
        return [
            EffectRow(
                key=row["key"],
                scope=row["scope"],
                effect=row["effect"],
                state=LedgerState(row["state"]),
                reference=row["reference"],
                why=row["why"],
                claimed_at=clock.read(row["claimed_at"]),
                closed_at=clock.read(row["closed_at"]) if row["closed_at"] else None,
            )
            for row in rows
        ]

    async def duplicates(self, scope: str) -> int:
        """Count effects that happened again: further references of the other side for one key."""
        happened = (
            select(func.count(settlements.c.reference.distinct()).label("times"))
            .join(effects, effects.c.key == settlements.c.key)
            .where(effects.c.scope == scope)
            .group_by(settlements.c.key)
            .subquery()
        )
        async with self._store.reading() as connection:
            extra = await connection.scalar(select(func.sum(happened.c.times - 1)))
        return int(extra or 0)
