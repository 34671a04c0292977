"""Erasure: what the store holds of a case's content goes; that, when and at what price it acted
stays.

Unlike collection (`collecting.py`) it takes texts out of every table, also young ones, and the
documents that no other case names. Rows of claims and effects stay without their texts: they keep
a message that comes again from starting or paying anything twice.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, or_, select, update

from store.database import Store
from store.schema import (
    answers,
    batch_items,
    batches,
    blobs,
    claims,
    effects,
    replies,
    settlements,
    spread_items,
    spread_results,
)
from store.schema_cleared import cleared_hits
from store.schema_gates import open_gates
from store.schema_runs import ratings
from store.schema_shadows import refusals, shared_replies, suppressed

ERASED = "erased"
"""Why a reply is void, or a claim failed, whose text was erased."""
EMPTIED: tuple[tuple[Table, dict[str, Any]], ...] = (
    (replies, {"body": b"", "headers": "{}", "void": ERASED, "content_key": ""}),
    (effects, {"reference": "", "why": ""}),
)
"""Tables of which only texts go, and what stands in their place."""
REMOVED = (
    answers,
    spread_items,
    spread_results,
    suppressed,
    shared_replies,
    refusals,
    cleared_hits,
    open_gates,
)
"""Tables whose rows of a case go."""


class Eraser:
    """Erases cases from one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def holds(self, scope: str, documents: Collection[str]) -> dict[str, int]:
        """Count what is still held of a case, by table: all 0 once it is erased.

        `scope` is its workflow id; `documents` are blobs (sha256) that only it names.
        """
        found: dict[str, int] = {}
        async with self._store.reading() as connection:
            for table, which in _held(scope, documents):
                count = select(func.count()).select_from(table).where(which)
                found[table.name] = int(await connection.scalar(count) or 0)
        return found

    async def erase(self, scope: str, documents: Collection[str]) -> dict[str, int]:
        """Erase a case, and give what `holds` counted before. Nothing of it remains in the file."""
        before = await self.holds(scope, documents)
        async with self._store.writing() as connection:
            ours = select(effects.c.key).where(_of(effects, scope))
            settled = update(settlements).where(settlements.c.key.in_(ours))
            await connection.execute(settled.values(reference=""))
            for table, empty in EMPTIED:
                await connection.execute(update(table).where(_of(table, scope)).values(**empty))
            failed = update(claims).where(_of(claims, scope), claims.c.reason != "")
            await connection.execute(failed.values(reason=ERASED))
            old = select(batches.c.key).where(_of(batches, scope))
            await connection.execute(delete(batch_items).where(batch_items.c.batch.in_(old)))
            for table in REMOVED:
                await connection.execute(delete(table).where(_of(table, scope)))
            rated = update(ratings).where(ratings.c.workflow == scope)
            await connection.execute(rated.values(comment="", rated_by=""))
            await connection.execute(delete(blobs).where(blobs.c.sha256.in_(tuple(documents))))
        await self._store.forget()
        return before


def _held(scope: str, documents: Collection[str]) -> Sequence[tuple[Table, ColumnElement[bool]]]:
    """Give each table with content, and which of its rows hold some of a case."""
    old = select(batches.c.key).where(_of(batches, scope))
    of_effects = select(effects.c.key).where(_of(effects, scope))
    return (
        (replies, _of(replies, scope) & (replies.c.void != ERASED)),
        (claims, _of(claims, scope) & claims.c.reason.not_in(("", ERASED))),
        (effects, _of(effects, scope) & or_(effects.c.reference != "", effects.c.why != "")),
        (settlements, settlements.c.key.in_(of_effects) & (settlements.c.reference != "")),
        (batch_items, batch_items.c.batch.in_(old)),
        *((table, _of(table, scope)) for table in REMOVED),
        (ratings, (ratings.c.workflow == scope) & (ratings.c.comment != "")),
        (blobs, blobs.c.sha256.in_(tuple(documents))),
    )


def _of(table: Table, scope: str) -> ColumnElement[bool]:
    return table.c.scope == scope
