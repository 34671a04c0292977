"""The doors to the store that spreads use: items in, results in, results out."""

from pydantic import ValidationError

from activities.failures import final
from store.database import Store
from store.errors import StoreConflict
from store.results import Results
from workflows.data.spread import (
    MOST_BYTES,
    ItemBatch,
    ItemClaim,
    ItemPage,
    ItemResult,
    ItemsClaimed,
    Kept,
    KeptList,
    PageQuery,
    ResultBatch,
    ResultPage,
    ResultQuery,
)


class ResultActivities:
    """Keeps and reads what spreads do. All of it may be repeated."""

    def __init__(self, store: Store) -> None:
        self._results = Results(store)

    async def keep_items(self, batch: ItemBatch) -> Kept:
        """Keep the items a process holds, for the chunks to read."""
        await self._results.keep_items(batch)
        return Kept(count=len(batch.items))

    async def kept_items(self, query: PageQuery) -> ItemPage:
        """Give a page of kept items; the cursor is the place of its first. Raises InvalidInput."""
        try:
            kept = KeptList.model_validate(query.about)
            first = int(query.cursor or 0)
        except (ValidationError, ValueError) as error:
            raise final("InvalidInput", f"no list of items: {error}") from error
        found = await self._results.items(kept.scope, kept.list, first, query.limit, MOST_BYTES)
        if found.left != kept.total - first:
            raise final(
                "ItemsMissing",
                f"the store holds {found.left} of {kept.total - first} items from place {first};"
                " let spreads and their workers use one store",
            )
        last = first + len(found.items)
        following = str(last) if last < kept.total else None
        return ItemPage(items=found.items, next=following, total=kept.total)

    async def claim_items(self, claim: ItemClaim) -> ItemsClaimed:
        """Claim the items of a chunk. Raises Misuse when another chunk of the run has one."""
        try:
            return ItemsClaimed(done=await self._results.claim(claim))
        except StoreConflict as twice:
            raise final("Misuse", str(twice)) from twice

    async def keep_results(self, batch: ResultBatch) -> Kept:
        """Keep what became of items."""
        await self._results.keep(batch)
        return Kept(count=len(batch.results))

    async def spread_results(self, query: ResultQuery) -> ResultPage:
        """Give a page of results."""
        found = await self._results.read(query, MOST_BYTES)
        rest = found and await self._results.read(
            query.model_copy(update=_following(query, found[-1]) | {"limit": 1}), MOST_BYTES
        )
        return ResultPage(results=found, next=found[-1].key if rest else None)


def _following(query: ResultQuery, last: ItemResult) -> dict[str, str]:
    """Say where a query goes on after a result."""
    return {"after": last.key} | ({"since": last.at} if query.since else {})
