"""Retrieve: what several branches of a case look up is looked up once.

`found = await self.retrieval.get("filings", query, work)`: the first branch to ask starts the work,
others with the same key and query wait for it. It belongs to no branch: that one is given up does
not end it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, TypeVar, cast

from workflows.calls import KEEP_DOCUMENT, ask
from workflows.data.common import Record
from workflows.data.documents import LARGE, Document
from workflows.errors import ScopeClosed
from workflows.patterns.checks import awaited, must_be, must_call
from workflows.scope import Scope, current_scope, enter_scope

T = TypeVar("T")
Work = Callable[[], Awaitable[T]]


class Retrieval:
    """What was looked up for one case. Keep one in the process object."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    async def get(self, key: str, query: Record, work: Work[T]) -> T:
        """Give what `work` found for this key and query, or finds now.

        A failure reaches all who wait for it; whoever asks later tries again. Raises ScopeClosed
        in a branch that was given up, and Misuse.
        """
        if (scope := current_scope()).is_closed():
            raise ScopeClosed(f"branch {scope.name!r} was given up and may not look up {key!r}")
        must_be(Record, query, f"query of retrieval {key!r}", "give a record: it is compared whole")
        must_call(work, f"work of retrieval {key!r}")
        asked = f"{key}\n{type(query).__name__}\n{query.model_dump_json()}"
        content = sha256(asked.encode()).hexdigest()
        task = self._tasks.get(content)
        if task is None or _failed(task):
            task = self._tasks[content] = asyncio.ensure_future(_alone(key, work))
            # Looked at, so that a failure nobody waits for is not reported as lost.
            task.add_done_callback(_failed)
        return cast(T, await asyncio.shield(task))

    async def document(self, key: str, query: Record, work: Work[str]) -> Document:
        """Give the text that `work` found: by reference, if it is large."""

        async def kept() -> Document:
            document = Document(text=await awaited(work(), f"work of retrieval {key!r}"))
            large = len((document.text or "").encode()) >= LARGE
            return await ask(KEEP_DOCUMENT, document) if large else document

        must_call(work, f"work of retrieval {key!r}")
        return await self.get(key, query, kept)


async def _alone(key: str, work: Work[T]) -> T:
    """Do the work in a scope of its own, which no branch closes."""
    enter_scope(Scope(key))
    return await awaited(work(), f"work of retrieval {key!r}")


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
