"""What the bench of batches serves: its process, and the store's doors."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from activities.budgets import BudgetActivities
from activities.results import ResultActivities
from bench.volume_flows import LETTERS, READ, Letter, LetterRead, ReadLetter, read_letter
from runtime.settings import Settings
from store.database import Store
from workflows import calls
from workflows.calls import Call
from workflows.data.spread import Item, ItemPage, PageQuery
from workflows.services.batch import Batch
from workflows.services.chunk import SpreadChunk

WORKFLOWS = [Batch, SpreadChunk, ReadLetter]
STEPS = (read_letter,)


async def read(letter: Letter) -> LetterRead:
    """Read a letter, in no time."""
    return LetterRead(case=letter.case, words=len(letter.text.split()))


async def letters(query: PageQuery) -> ItemPage:
    """Give letters: `about` says how many there are."""
    count, first = int(str(query.about["count"])), int(query.cursor or 0)
    last = min(first + query.limit, count)
    made = (Letter(case=f"letter-{n}", text="dear all " * 50) for n in range(first, last))
    return ItemPage(
        items=tuple(Item(key=letter.case, request=letter.model_dump()) for letter in made),
        next=str(last) if last < count else None,
        total=count,
    )


def answers(log: Path) -> dict[Call[Any, Any], Callable[[Any], Awaitable[Any]]]:
    """Pair the Calls with their code; the store lies beside `log`, and is opened when needed."""
    opening: list[asyncio.Future[Store]] = []

    async def store() -> Store:
        if not opening:
            opening.append(asyncio.ensure_future(Store.open(Settings(data=log.parent).database)))
        return await opening[0]

    async def claim(given: Any) -> Any:
        return await ResultActivities(await store()).claim_items(given)

    async def keep(given: Any) -> Any:
        return await ResultActivities(await store()).keep_results(given)

    async def cost(given: Any) -> Any:
        return await BudgetActivities(await store()).read_cost(given)

    kept: dict[Call[Any, Any], Any] = {
        calls.CLAIM_ITEMS: claim,
        calls.KEEP_RESULTS: keep,
        calls.READ_COST: cost,
    }
    return {READ: read, LETTERS: letters, **kept}
