"""The doors to the cleared hits: false positives that need not be asked about again."""

from runtime.context import call_context
from store.cleared import ClearedHits
from store.database import Store
from workflows.data.hits import ClearedAnswer, ClearedHit, ClearedQuery


class ClearedActivities:
    """Cleared hits belong to the customer, not to the case, so the next case finds them."""

    def __init__(self, store: Store) -> None:
        self._hits = ClearedHits(store)

    async def find_cleared_hit(self, query: ClearedQuery) -> ClearedAnswer:
        """Say whether the hit was cleared before, and still is."""
        return await self._hits.find(query)

    async def keep_cleared_hit(self, hit: ClearedHit) -> ClearedHit:
        """Remember a false positive; one of a shadow counts for nobody."""
        if not call_context().shadow:
            await self._hits.keep(hit)
        return hit
