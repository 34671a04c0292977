"""What answers the Calls of W1 to W5: sleeps, and the doors to the store that a spread uses."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from activities.results import ResultActivities
from bench.speed.flows import SLEEP, ByBraid, Many, run_stages
from bench.speed.records import Nap
from runtime.context import call_context
from store.database import Store
from workflows import calls
from workflows.calls import Call
from workflows.services.chunk import SpreadChunk
from workflows.services.spread import Spread

WORKFLOWS = [ByBraid, Many, Spread, SpreadChunk]
STEPS = (run_stages,)

Pairs = dict[Call[Any, Any], Callable[[Any], Awaitable[Any]]]


def answers(log: Path) -> Pairs:
    """Sleep, and tell `log` (name, begin or end, worker, seconds since the epoch)."""

    def tell(nap: Nap, what: str) -> None:
        with log.open("a", encoding="utf-8") as out:
            out.write(f"{nap.name} {what} {call_context().worker} {time.time():.4f}\n")

    async def told(nap: Nap) -> Nap:
        tell(nap, "begins")
        await sleep(nap)
        tell(nap, "ends")
        return nap

    return {SLEEP: told}


async def sleep(nap: Nap) -> Nap:
    """Sleep."""
    await asyncio.sleep(nap.seconds)
    return nap


def quiet(store: Store) -> Pairs:
    """Sleep and tell nobody; keep the items and results of spreads."""
    shelf = ResultActivities(store)
    return {
        SLEEP: sleep,
        calls.KEEP_ITEMS: shelf.keep_items,
        calls.KEPT_ITEMS: shelf.kept_items,
        calls.CLAIM_ITEMS: shelf.claim_items,
        calls.KEEP_RESULTS: shelf.keep_results,
    }
