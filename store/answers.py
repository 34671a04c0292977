"""Answers of Calls inside fused steps: kept before the step goes on, read back when it runs again.

Commits are grouped: whatever is asked for or kept while one transaction runs goes into the next
together, so that a hundred branches cost a few commits instead of a hundred.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import Store
from store.schema import answers
from store.sealed import Words, statement

AT_ONCE = 500
"""Keys looked up by one statement; databases bound the parameters of one."""

_KEEP = statement(
    "INSERT INTO answers (key, scope, branch, call, worker, value, error, answered_at)"
    " VALUES (:key, :scope, :branch, :call, :worker, :value, :error, :answered_at)"
    " ON CONFLICT (key) DO NOTHING",
    value=Words,
    error=Words,
)


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


Found = dict[str, KeptAnswer]


class AnswerBook:
    """The kept answers of one store. The first answer of a key stands."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked: list[tuple[Sequence[str], asyncio.Future[Found]]] = []
        self._kept: list[tuple[KeptAnswer, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def read(self, *keys: str) -> Found:
        """Give the answers kept under these keys."""
        found: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._asked.append((keys, found))
        self._wake()
        return await found

    async def keep(self, answer: KeptAnswer) -> None:
        """Keep an answer; it is on disk when this returns."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._kept.append((answer, done))
        self._wake()
        await done

    def _wake(self) -> None:
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        """Serve what is waiting, in groups, until nothing is."""
        try:
            while self._asked or self._kept:
                asked, self._asked = self._asked, []
                kept, self._kept = self._kept, []
                await self._serve(asked, kept)
        finally:
            self._flushing = None

    async def _serve(
        self,
        asked: list[tuple[Sequence[str], asyncio.Future[Found]]],
        kept: list[tuple[KeptAnswer, asyncio.Future[None]]],
    ) -> None:
        keys = sorted({key for wanted, _ in asked for key in wanted})
        try:
            found = await self._transact(keys, [answer for answer, _ in kept])
        except Exception as error:
            for waiting in [f for _, f in asked] + [f for _, f in kept]:
                if not waiting.done():
                    waiting.set_exception(error)
            return
        for wanted, future in asked:
            if not future.done():
                future.set_result({k: found[k] for k in wanted if k in found})
        for _, done in kept:
            if not done.done():
                done.set_result(None)

    async def _transact(self, keys: list[str], kept: list[KeptAnswer]) -> Found:
        if not kept:
            async with self._store.reading() as connection:
                return await _look_up(connection, keys)
        now = self._store.now()
        ordered = sorted(kept, key=lambda answer: answer.key)
        async with self._store.writing(alone=False) as connection:
            await connection.execute(_KEEP, [asdict(a) | {"answered_at": now} for a in ordered])
            return await _look_up(connection, keys)


async def _look_up(connection: AsyncConnection, keys: list[str]) -> Found:
    found: Found = {}
    columns = [answers.c[name] for name in KeptAnswer.__dataclass_fields__]
    for start in range(0, len(keys), AT_ONCE):
        some = select(*columns).where(answers.c.key.in_(keys[start : start + AT_ONCE]))
        rows = await connection.execute(some)
        found |= {row.key: KeptAnswer(**row._asdict()) for row in rows}
    return found
