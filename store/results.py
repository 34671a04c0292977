"""Items of spreads and their results: kept one by one, so that only what failed is done again.

A result belongs to scope, spread and item key. Its digest is that of the work and the request: a
success counts for later runs only where both are still the same.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, RowMapping, TextClause, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import Store
from store.errors import StoreConflict
from store.schema import spread_items, spread_results
from store.sealed import Words, statement
from workflows.data.spread import (
    Item,
    ItemBatch,
    ItemClaim,
    ItemResult,
    ItemState,
    ResultBatch,
    ResultQuery,
    SpreadRef,
)

AT_ONCE = 500
"""Keys looked up by one statement; databases bound the parameters of one."""

_ITEM = statement(
    "INSERT INTO spread_items (scope, list, place, key, request)"
    " VALUES (:scope, :list, :place, :key, :request) ON CONFLICT (scope, list, place) DO NOTHING",
    request=Words,
)
_OPEN = text(
    "INSERT INTO spread_results"
    " (scope, spread, key, state, digest, value, error, run, chunk, changed_at)"
    " VALUES (:scope, :spread, :key, 'open', :digest, 'null', '', :run, :chunk, :now)"
    " ON CONFLICT (scope, spread, key) DO NOTHING"
)
_REOPEN = text(
    "UPDATE spread_results SET state = 'open', digest = :digest, value = 'null', error = '',"
    " run = :run, chunk = :chunk, changed_at = :now"
    " WHERE scope = :scope AND spread = :spread AND key = :key"
)
_TAKE_OVER = text(
    "UPDATE spread_results SET run = :run, chunk = :chunk"
    " WHERE scope = :scope AND spread = :spread AND key = :key"
)
_KEEP = statement(
    "UPDATE spread_results SET state = :state, value = :value, error = :error, changed_at = :now"
    " WHERE scope = :scope AND spread = :spread AND key = :key AND digest = :digest"
    " AND state <> 'succeeded'",
    value=Words,
    error=Words,
)


@dataclass(frozen=True)
class ItemsFrom:
    """Some items of a kept list, and how many there are from that place on in all."""

    items: tuple[Item, ...]
    left: int


class Results:
    """The items and results of spreads in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep_items(self, batch: ItemBatch) -> None:
        """Keep items of a list; a list is named after its content, so the first copy stands."""
        rows = [
            {
                "scope": batch.scope,
                "list": batch.list,
                "place": batch.first + place,
                "key": item.key,
                "request": json.dumps(item.request, ensure_ascii=False),
            }
            for place, item in enumerate(batch.items)
        ]
        await self._write(_ITEM, rows)

    async def items(
        self, scope: str, name: str, first: int, limit: int, most_bytes: int
    ) -> ItemsFrom:
        """Give items of a list from a place on: at most `limit`, and `most_bytes` but one item."""
        of_list = (spread_items.c.scope == scope, spread_items.c.list == name)
        from_first = (*of_list, spread_items.c.place >= first)
        query = select(spread_items).where(*from_first).order_by(spread_items.c.place).limit(limit)
        async with self._store.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
            left = await connection.scalar(select(func.count()).where(*from_first)) or 0
        return ItemsFrom(_within(rows, most_bytes), int(left))

    async def claim(self, claim: ItemClaim) -> tuple[str, ...]:
        """Open rows for the items of a chunk; give the keys of those that had succeeded already.

        A row that failed, was never finished, or had another digest is opened anew. Raises
        StoreConflict when another chunk of the same run claimed one of the keys.
        """
        wanted = {item.key: item.digest for item in claim.items}
        where = claim.ref.model_dump() | {
            "run": claim.run,
            "chunk": claim.chunk,
            "now": self._store.now(),
        }
        rows = [where | {"key": key, "digest": digest} for key, digest in wanted.items()]
        async with self._store.writing() as connection:
            await connection.execute(_OPEN, rows)
            found = await _found(connection, claim.ref, list(wanted))
            _check_claim(claim, found)
            done = [
                key
                for key, digest in wanted.items()
                if (found[key]["state"], found[key]["digest"]) == (ItemState.SUCCEEDED, digest)
            ]
            kept = frozenset(done)
            for statement, keys in ((_TAKE_OVER, kept), (_REOPEN, wanted.keys() - kept)):
                if chosen := [row for row in rows if row["key"] in keys]:
                    await connection.execute(statement, chosen)
        return tuple(done)

    async def states(self, ref: SpreadRef, keys: Sequence[str]) -> dict[str, ItemState]:
        """Say where items stand."""
        async with self._store.reading() as connection:
            found = await _found(connection, ref, list(keys))
        return {key: ItemState(row["state"]) for key, row in found.items()}

    async def keep(self, batch: ResultBatch) -> None:
        """Keep results of claimed items. A success stands; one of another digest is left out."""
        where = batch.ref.model_dump() | {"now": self._store.now()}
        rows = [
            where
            | {
                "key": result.key,
                "digest": result.digest,
                "state": result.state,
                "value": json.dumps(result.value, ensure_ascii=False),
                "error": result.error,
            }
            for result in batch.results
        ]
        await self._write(_KEEP, rows)

    async def read(self, query: ResultQuery, most_bytes: int) -> tuple[ItemResult, ...]:
        """Give results in the order the query asks for; at most `most_bytes` of them but one."""
        key, at = spread_results.c.key, spread_results.c.changed_at
        rows = select(spread_results).where(*_of(query.ref))
        if query.since:
            later = (at > query.since) | ((at == query.since) & (key > query.after))
            rows = rows.where(later, spread_results.c.state != ItemState.OPEN).order_by(at, key)
        else:
            rows = rows.where(key > query.after).order_by(key)
        if query.state is not None:
            rows = rows.where(spread_results.c.state == query.state)
        async with self._store.reading() as connection:
            found = await connection.execute(rows.limit(query.limit))
            results = [_result(row, timed=bool(query.since)) for row in found.mappings()]
        return tuple(results[: _fitting([len(r.model_dump_json()) for r in results], most_bytes)])

    async def counts(self, ref: SpreadRef) -> dict[ItemState, int]:
        """Count the items of a spread by their state."""
        state = spread_results.c.state
        query = select(state, func.count()).where(*_of(ref)).group_by(state)
        async with self._store.reading() as connection:
            rows = (await connection.execute(query)).all()
        return {ItemState(row[0]): row[1] for row in rows}

    async def _write(self, statement: TextClause, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            async with self._store.writing() as connection:
                await connection.execute(statement, rows)


def _of(ref: SpreadRef) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return spread_results.c.scope == ref.scope, spread_results.c.spread == ref.spread


async def _found(
    connection: AsyncConnection, ref: SpreadRef, keys: list[str]
) -> dict[str, RowMapping]:
    found: dict[str, RowMapping] = {}
    for first in range(0, len(keys), AT_ONCE):
        some = spread_results.c.key.in_(keys[first : first + AT_ONCE])
        rows = await connection.execute(select(spread_results).where(*_of(ref), some))
        found |= {row["key"]: row for row in rows.mappings()}
    return found


def _check_claim(claim: ItemClaim, found: Mapping[str, RowMapping]) -> None:
    for key, row in found.items():
        if row["run"] == claim.run and row["chunk"] != claim.chunk:
            raise StoreConflict(
                f"spread {claim.ref.spread!r}: item {key!r} stands on the page of chunk"
                f" {row['chunk']} and again on that of chunk {claim.chunk}; give each item a key"
                " of its own, and let each query give the same page"
            )


def _within(rows: Sequence[RowMapping], most_bytes: int) -> tuple[Item, ...]:
    count = _fitting([len(row["request"]) for row in rows], most_bytes)
    return tuple(Item(key=r["key"], request=json.loads(r["request"])) for r in rows[:count])


def _fitting(sizes: Sequence[int], most: int) -> int:
    """Count how many from the start stay within `most` together; at least one."""
    total = 0
    for place, size in enumerate(sizes):
        total += size
        if place and total > most:
            return place
    return len(sizes)


def _result(row: RowMapping, *, timed: bool) -> ItemResult:
    return ItemResult(
        key=row["key"],
        digest=row["digest"],
        state=ItemState(row["state"]),
        value=json.loads(row["value"]),
        error=row["error"],
        at=row["changed_at"] if timed else "",
    )
