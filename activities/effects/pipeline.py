"""The data pipeline's doors: pages of a source of rows, and a table that takes each batch once."""

from activities.effects.keyed import post_order
from activities.effects.performing import EffectDesk
from activities.wire import HttpRequest
from workflows import calls
from workflows.data.effects import EffectReceipt
from workflows.data.pipeline import LoadOrder, PageOfRows, RowsPage

UNCHANGED = 304


async def page_of_rows(desk: EffectDesk, query: PageOfRows) -> RowsPage:
    """Read the rows after a cursor as they are now; nothing of it is kept.

    A source that says by its ETag that nothing changed since there was no more is not read.
    """
    known = {"if-none-match": query.etag} if query.etag else {}
    path = f"/rows?after={query.after}&limit={query.limit}"
    reply = await desk.answer("rows", HttpRequest("GET", path, headers=known))
    if reply.status == UNCHANGED and known:
        return RowsPage(next=query.after, etag=query.etag)
    page = desk.read("rows", reply, RowsPage)
    return page.model_copy(update={"etag": reply.headers.get("etag", "")})


async def load_batch(desk: EffectDesk, request: LoadOrder) -> EffectReceipt:
    """Load a batch, or set its bad rows aside. Its key is scope + action + table + batch."""
    return await post_order(desk, calls.LOAD, "table", request, request.table, request.batch)
