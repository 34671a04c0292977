"""Answers of Calls inside fused steps: kept before the step goes on, read back when it runs again.

Whatever is asked for or kept while a statement runs goes into the next one together, so that a
hundred branches cost a few statements instead of a hundred.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

from sqlalchemy import Dialect

from store.database import Store
from store.gathered import Gathered
from store.sealed import Words

AT_ONCE = 50
"""Answers kept or looked up by one statement. Each number of them is a statement that the database
keeps prepared: with twice as many, no quicker, SQLite's take 10 MB instead of 3.
"""

WORDS = Words()


@dataclass(frozen=True)
class KeptAnswer:
    """What a Call came to: `value` is the JSON of its record, or `error` that of its failure."""

    key: str
    scope: str
    branch: str
    call: str
    worker: str
    value: str = ""
    error: str = ""


class AnswerBook:
    """The kept answers of one store. The first answer of a key stands."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._found = Gathered(self._find, AT_ONCE)
        self._kept = Gathered(self._keep, AT_ONCE)

    def read(self, key: str) -> asyncio.Future[KeptAnswer | None]:
        """Give the answer kept under a key, None if there is none."""
        return self._found.ask(key)

    def keep(self, answer: KeptAnswer) -> asyncio.Future[None]:
        """Keep an answer; it is on disk when this is done, and will be whoever is cancelled."""
        return self._kept.ask(answer)

    async def _find(self, keys: Sequence[str]) -> Sequence[KeptAnswer | None]:
        wanted = tuple(dict.fromkeys(keys))
        rows = await self._store.single(_look_up(len(wanted)), wanted, writes=False)
        found = {row[0]: _opened(row, self._store.dialect) for row in rows}
        return [found.get(key) for key in keys]

    async def _keep(self, kept: Sequence[KeptAnswer]) -> Sequence[None]:
        now = self._store.now()
        # Ordered: two who write the same rows the other way round would wait for each other.
        ordered = sorted(kept, key=lambda answer: answer.key)
        dialect = self._store.dialect
        values = [value for one in ordered for value in (*_sealed(one, dialect), now)]
        await self._store.single(_insert(len(kept)), values, writes=True)
        return [None] * len(kept)


def _sealed(one: KeptAnswer, dialect: Dialect) -> tuple[str | None, ...]:
    value = WORDS.process_bind_param(one.value, dialect)
    error = WORDS.process_bind_param(one.error, dialect)
    return one.key, one.scope, one.branch, one.call, one.worker, value, error


def _opened(row: Sequence[str], dialect: Dialect) -> KeptAnswer:
    *ids, value, error = row
    opened = (WORDS.process_result_value(words, dialect) or "" for words in (value, error))
    return KeptAnswer(*ids, *opened)


COLUMNS = ", ".join(field.name for field in fields(KeptAnswer))


@lru_cache(2 * AT_ONCE)
def _insert(rows: int) -> str:
    values = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * rows)
    into = f"INSERT INTO answers ({COLUMNS}, answered_at)"
    return f"{into} VALUES {values} ON CONFLICT (key) DO NOTHING"


@lru_cache(2 * AT_ONCE)
def _look_up(keys: int) -> str:
    marks = ", ".join("?" * keys)
    return f"SELECT {COLUMNS} FROM answers WHERE key IN ({marks})"  # noqa: S608 - names and marks
