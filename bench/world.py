"""What answers the benchmark's Calls: sleeps, each begin and end written down with its worker."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.flows import SLEEP, ByBraid, ByHand, Nap, run_stages
from runtime.context import call_context
from workflows.calls import Call

WORKFLOWS = [ByBraid, ByHand]
STEPS = (run_stages,)


def answers(log: Path) -> dict[Call[Any, Any], Callable[[Any], Awaitable[Any]]]:
    """Sleep, and tell `log` (name, begin or end, worker, seconds since the epoch)."""

    def tell(nap: Nap, what: str) -> None:
        with log.open("a", encoding="utf-8") as out:
            out.write(f"{nap.name} {what} {call_context().worker} {time.time():.4f}\n")

    async def sleep(nap: Nap) -> Nap:
        tell(nap, "begins")
        await asyncio.sleep(nap.seconds)
        tell(nap, "ends")
        return nap

    return {SLEEP: sleep}
