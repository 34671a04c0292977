"""The doors to the store that a spread needs, for a worker process that knows only its log."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from activities.results import ResultActivities
from runtime.settings import Settings
from store.database import Store
from workflows import calls
from workflows.calls import Call

Pairs = dict[Call[Any, Any], Callable[[Any], Awaitable[Any]]]


class Shelf:
    """The store beside a log, opened when it is first needed."""

    def __init__(self, log: Path) -> None:
        self._data = log.parent
        self._opening: asyncio.Future[Store] | None = None

    async def store(self) -> Store:
        """Give the store."""
        if self._opening is None:
            self._opening = asyncio.ensure_future(Store.open(Settings(data=self._data).database))
        return await self._opening

    def answers(self) -> Pairs:
        """Pair the Calls of a spread with what answers them."""

        def answer(call: Call[Any, Any]) -> Callable[[Any], Awaitable[Any]]:
            async def answered(given: Any) -> Any:
                return await getattr(ResultActivities(await self.store()), call.name)(given)

            return answered

        kept = (calls.KEEP_ITEMS, calls.KEPT_ITEMS, calls.CLAIM_ITEMS)
        return {c: answer(c) for c in (*kept, calls.KEEP_RESULTS, calls.SPREAD_RESULTS)}
