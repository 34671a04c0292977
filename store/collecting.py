"""Garbage collection: what closed cases no longer need goes; what they cost and did stays.

Claims, prices and the effect ledger are kept: reports and audits read them. Raw replies, answers of
fused steps, budgets and batches of a scope go once it is over and nothing happened in it for long.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import clock
from store.database import Store
from store.schema import answers, batch_items, batches, budgets, claims, holds, replies

GONE = "collected"
"""Why a reply is void whose body was collected: it is never read back."""
AT_ONCE = 200


@dataclass(frozen=True)
class Collected:
    """What was removed, or with `dry` would be: scopes, raw replies and their bytes, answers."""

    scopes: int
    replies: int
    bytes: int
    answers: int


class Collector:
    """Collects the garbage of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def collect(
        self, older_than: timedelta, in_use: Collection[str], *, dry: bool = False
    ) -> Collected:
        """Collect scopes that are not `in_use` and in which nothing happened for so long."""
        before = clock.written(self._store.clock() - older_than)
        async with self._store.reading() as connection:
            quiet = await _quiet(connection, before)
            # A case of a batch is its batch's, whose id stands before the colon.
            old = [s for s in quiet if s not in in_use and s.partition(":")[0] not in in_use]
            counted = [await _counted(connection, part) for part in _parts(old)]
        if not dry:
            for part in _parts(old):
                async with self._store.writing() as connection:
                    await _remove(connection, part)
        sums = [sum(each) for each in zip(*counted, strict=True)] or [0, 0, 0]
        return Collected(len(old), *sums)


def _parts(scopes: Sequence[str]) -> list[Sequence[str]]:
    return [scopes[start : start + AT_ONCE] for start in range(0, len(scopes), AT_ONCE)]


async def _quiet(connection: AsyncConnection, before: str) -> list[str]:
    """List scopes that still hold something to collect and were quiet since."""
    last: dict[str, str] = {}
    for table, moment in ((claims, claims.c.claimed_at), (answers, answers.c.answered_at)):
        query = select(table.c.scope, func.max(moment)).group_by(table.c.scope)
        for scope, when in (await connection.execute(query)).all():
            last[scope] = max(when, last.get(scope, ""))
    full = select(replies.c.scope).where(replies.c.void != GONE).distinct()
    held = set((await connection.scalars(full)).all())
    held |= set((await connection.scalars(select(answers.c.scope).distinct())).all())
    return sorted(scope for scope, when in last.items() if when < before and scope in held)


async def _counted(connection: AsyncConnection, scopes: Sequence[str]) -> tuple[int, int, int]:
    kept = replies.c.scope.in_(scopes), replies.c.void != GONE
    size = func.coalesce(func.sum(func.length(replies.c.body)), 0)
    count, total = (await connection.execute(select(func.count(), size).where(*kept))).one()
    of_steps = select(func.count()).select_from(answers).where(answers.c.scope.in_(scopes))
    return int(count), int(total), int(await connection.scalar(of_steps) or 0)


async def _remove(connection: AsyncConnection, scopes: Sequence[str]) -> None:
    of_replies = replies.c.scope.in_(scopes)
    emptied = {"body": b"", "headers": "{}", "void": GONE, "content_key": ""}
    await connection.execute(update(replies).where(of_replies).values(**emptied))
    await connection.execute(delete(answers).where(answers.c.scope.in_(scopes)))
    for table in (budgets, holds):
        await connection.execute(delete(table).where(table.c.scope.in_(scopes)))
    old_batches = select(batches.c.key).where(batches.c.scope.in_(scopes))
    await connection.execute(delete(batch_items).where(batch_items.c.batch.in_(old_batches)))
    await connection.execute(delete(batches).where(batches.c.scope.in_(scopes)))
