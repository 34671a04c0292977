"""What answers the Calls of the documents' process; each attempt is written down."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from activities.documents import DocumentActivities
from runtime.context import call_context
from store.database import Store
from tests.flows.documents import (
    KEEP,
    READ,
    SHOUT,
    TEXT,
    WRITE,
    Documents,
    SharedContext,
    Text,
    Wish,
    shared_context,
)
from workflows.calls import Call
from workflows.data.documents import Document

WORKFLOWS = [Documents, SharedContext]
STEPS = (shared_context,)


def answers(log: Path) -> dict[Call[Any, Any], Callable[[Any], Awaitable[Any]]]:
    """Write, shout and keep; beside a file `hold` the first attempt to shout never ends."""

    def tell(what: str) -> None:
        with log.open("a", encoding="utf-8") as out:
            out.write(f"{what}\n")

    async def write(wish: Wish) -> Text:
        tell("write")
        return Text(text=TEXT * wish.times)

    async def shout(text: Text) -> Text:
        tell("shout")
        if call_context().attempt == 1 and (log.parent / "hold").exists():
            await asyncio.Event().wait()
        return Text(text=text.text.upper())

    @asynccontextmanager
    async def documents() -> AsyncIterator[DocumentActivities]:
        store = await Store.open(f"sqlite+aiosqlite:///{log.parent / 'store.db'}")
        yield DocumentActivities(store)
        await store.close()

    async def keep(document: Document) -> Document:
        tell("keep")
        async with documents() as doors:
            return await doors.keep_document(document)

    async def read(document: Document) -> Document:
        tell("read")
        async with documents() as doors:
            return await doors.read_document(document)

    return {WRITE: write, SHOUT: shout, KEEP: keep, READ: read}
