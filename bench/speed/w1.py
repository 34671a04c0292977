"""W1: four parallel steps of 2.0, 1.5, 1.0 and 0.5 s, then one of 0.5 s."""

from bench.speed.here import Found, Here, over_ideal
from bench.speed.records import Stages

WORK = Stages(stages=((2.0, 1.5, 1.0, 0.5), (0.5,)))


async def measure(here: Here, repeat: int) -> dict[str, Found]:
    """Measure it against 2.5 s."""
    return {"W1": await over_ideal(here, WORK, 2.5, repeat)}
