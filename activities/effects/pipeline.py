"""The data pipeline's doors: pages of a source of rows, and a table that takes each batch once."""

from activities.effects.keyed import post_order
from activities.effects.performing import EffectDesk
from workflows import calls
from workflows.data.effects import EffectReceipt
from workflows.data.pipeline import LoadOrder, PageOfRows, RowsPage


async def page_of_rows(desk: EffectDesk, query: PageOfRows) -> RowsPage:
    """Read the rows after a cursor as they are now; nothing of it is kept."""
    return await desk.look("rows", f"/rows?after={query.after}&limit={query.limit}", RowsPage)


async def load_batch(desk: EffectDesk, request: LoadOrder) -> EffectReceipt:
    """Load a batch, or set its bad rows aside. Its key is scope + action + table + batch."""
    return await post_order(desk, calls.LOAD, "table", request, request.table, request.batch)
