"""W2: five stages, each of three parallel steps of 0.1 s."""

from bench.speed.here import Found, Here, over_ideal
from bench.speed.records import Stages

WORK = Stages(stages=((0.1,) * 3,) * 5)


async def measure(here: Here, repeat: int) -> dict[str, Found]:
    """Measure it against 0.5 s."""
    return {"W2": await over_ideal(here, WORK, 0.5, repeat)}
