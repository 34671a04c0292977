"""What a shadow case does in place of acting and paying: nothing, in the time it would take.

That time is the one it took in the cases whose replies it may read, so that plans compare.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from runtime.context import CallContext, call_context
from store.database import Store
from store.journal import CallEntry, canonical
from store.refusals import Refusals
from store.shadows import Shadows
from workflows.data.effects import EffectReceipt


class Shadowing:
    """Notes what shadows would have done, and what they read that was paid for."""

    def __init__(self, store: Store) -> None:
        self._shadows, self._refusals = Shadows(store), Refusals(store)

    async def refused(self, context: CallContext, effect: str, body: Mapping[str, object]) -> str:
        """Say why the other side would refuse an order, as it did to a case this one may read."""
        asked = (context.scope, context.origins, effect, canonical(body))
        if (found := await self._refusals.told(*asked)) is None:
            return ""
        await asyncio.sleep(found.took.total_seconds())
        return found.why

    async def suppress(
        self, context: CallContext, key: str, effect: str, service: str, body: dict[str, Any]
    ) -> EffectReceipt:
        """Give the receipt of an effect that is noted and not performed. Raises StoreConflict."""
        await self._shadows.suppress(key, context.scope, effect, service, body)
        took = await self._shadows.took(context.origins, effect)
        await asyncio.sleep(took.total_seconds())
        return EffectReceipt(key=key, reference=f"shadow-{key[:12]}", suppressed=True)

    async def suppressed(self, context: CallContext, service: str) -> list[dict[str, Any]]:
        """List what a shadow would have asked of a service by now, oldest first."""
        return [note.request for note in await self._shadows.suppressed(context.scope, service)]

    async def read_back(self, entry: CallEntry, *, cached: bool) -> None:
        """Note that a shadow read a reply of another case, and let pass the time it took there."""
        if call_context().shadow and not cached:
            took = await self._shadows.share(entry.scope, entry.origins)
            await asyncio.sleep(took.total_seconds())
