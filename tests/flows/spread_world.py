"""The world of the spread tests, for a worker process that may be killed."""

import asyncio
from pathlib import Path

from tests.flows.shelf import Pairs, Shelf
from tests.flows.spread import RATE, Number, Rated, Rating, rate_well
from workflows.services.chunk import SpreadChunk
from workflows.services.spread import Spread

WORKFLOWS = [Rating, Spread, SpreadChunk]
STEPS = (rate_well,)


def answers(log: Path) -> Pairs:
    """Rate numbers, each in a moment, and write down when it is done."""

    async def rate(number: Number) -> Rated:
        await asyncio.sleep(0.03)
        with log.open("a", encoding="utf-8") as out:
            out.write(f"rated {number.n}\n")
        return Rated(n=number.n, rating=number.n % 7)

    return {RATE: rate, **Shelf(log).answers()}
