"""What the bench of batches serves: its process, and the store's doors."""

from pathlib import Path
from typing import Any

from activities.budgets import BudgetActivities
from tests.flows.shelf import Pairs, Shelf
from tests.flows.volume import APPRAISE, LOTS, Appraisal, Appraised, Lot, appraise_lot
from workflows import calls
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


def answers(log: Path) -> Pairs:
    """Pair the Calls with their code; the store lies beside `log`."""
    shelf = Shelf(log)

    async def cost(given: Any) -> Any:
        return await BudgetActivities(await shelf.store()).read_cost(given)

    return {APPRAISE: appraise, LOTS: lots, calls.READ_COST: cost, **shelf.answers()}
