"""What the bench of batches serves: its process, and the store's doors."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from activities.budgets import BudgetActivities
from activities.results import ResultActivities
from runtime.settings import Settings
from store.database import Store
from tests.flows.volume import APPRAISE, LOTS, Appraisal, Appraised, Lot, appraise_lot
from workflows import calls
from workflows.calls import Call
from workflows.data.spread import Item, ItemPage, PageQuery
from workflows.services.batch import Batch
from workflows.services.chunk import SpreadChunk

WORKFLOWS = [Batch, SpreadChunk, Appraisal]
STEPS = (appraise_lot,)


async def appraise(lot: Lot) -> Appraised:
    """Appraise a lot, in no time."""
    return Appraised(case=lot.case, worth=len(lot.words.split()))


async def lots(query: PageQuery) -> ItemPage:
    """Give lots: `about` says how many there are."""
    count, first = int(str(query.about["count"])), int(query.cursor or 0)
    last = min(first + query.limit, count)
    made = (Lot(case=f"lot-{n}", words="dear all " * 50) for n in range(first, last))
    return ItemPage(
        items=tuple(Item(key=lot.case, request=lot.model_dump()) for lot in made),
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
    return {APPRAISE: appraise, LOTS: lots, **kept}
