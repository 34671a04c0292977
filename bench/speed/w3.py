"""W3: 200 cases at once, each of three parallel steps and then one, all of no length.

Fused, they are a batch: one spread over the step, its results kept.
"""

import asyncio
from collections.abc import Awaitable, Callable

from bench.speed.flows import Many
from bench.speed.here import BARE, FUSED, HAND, VISIBLE, Found, Here, Ways, bare, in_turns, seconds
from bench.speed.records import Cases, Stages
from workflows.data.spread import SpreadResult
from workflows.grades import Grade

CASES = 200
WORK = Stages(stages=((0.0,) * 3, (0.0,)))
STEPS = CASES * 4


async def measure(here: Here, repeat: int) -> dict[str, Found]:
    """Measure durable steps a second, from the first start to the last result."""

    async def rate(one: Callable[[], Awaitable[None]]) -> float:
        return STEPS / await seconds(asyncio.gather(*(one() for _ in range(CASES))))

    async def batch() -> float:
        return STEPS / await seconds(_batch(here))

    ways: Ways = {
        BARE: lambda: rate(lambda: bare(WORK)),
        HAND: lambda: rate(lambda: here.by_hand(WORK)),
        VISIBLE: lambda: rate(lambda: here.braid(Grade.VISIBLE, WORK)),
        FUSED: batch,
    }
    return {"W3": Found("steps/s", await in_turns(ways, repeat))}


async def _batch(here: Here) -> None:
    given = Cases(count=CASES, stages=WORK.stages, window=CASES)
    handle = await here.ours.start(Many, given)
    done = SpreadResult.model_validate(await handle.result())
    assert done.succeeded == CASES, done
