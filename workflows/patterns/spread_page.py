"""What a chunk of a spread does first: it reads its page, and claims the items on it."""

from workflows import calls
from workflows.calls import ask
from workflows.data.chunk import ChunkOrder
from workflows.data.spread import ClaimedItem, Item, ItemClaim, ItemPage, PageQuery
from workflows.errors import Misuse
from workflows.patterns.spread_work import call_of, twofold


async def read_page(order: ChunkOrder) -> ItemPage:
    """Read the page. Raises Misuse for one that would lose items or never end."""
    found: ItemPage = await ask(
        call_of(order.source.page, PageQuery, ItemPage),
        PageQuery(about=order.source.about, cursor=order.cursor, limit=order.limit),
    )
    source = f"spread {order.ref.spread!r}: the source {order.source.page.name!r}"
    if len(found.items) > order.limit:
        raise Misuse(f"{source} gave {len(found.items)} items where {order.limit} were asked for")
    if found.next == order.cursor and found.next:
        raise Misuse(f"{source} names {found.next!r} as what follows itself; it would never end")
    if twice := twofold(item.key for item in found.items):
        raise Misuse(f"{source} gave item {twice[0]!r} twice; give each item a key of its own")
    return found


async def claimed(order: ChunkOrder, items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Claim the items of a page, and give those still to be done."""
    if not items:
        return ()
    digests = (ClaimedItem(key=i.key, digest=order.work.digest(i.request)) for i in items)
    claim = ItemClaim(ref=order.ref, run=order.run, chunk=order.number, items=tuple(digests))
    done = frozenset((await ask(calls.CLAIM_ITEMS, claim)).done)
    return tuple(item for item in items if item.key not in done)
