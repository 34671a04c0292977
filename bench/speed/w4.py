"""W4: 1,000 steps of 0.2 s in one case, 100 at a time and all at once."""

from bench.speed.here import Found, Here, over_ideal
from bench.speed.records import Stages

STEPS, SECONDS, LIMIT = 1000, 0.2, 100
ALL = Stages(stages=((SECONDS,) * STEPS,))
SOME = Stages(stages=ALL.stages, limit=LIMIT)


async def measure(here: Here, repeat: int) -> dict[str, Found]:
    """Measure it against 2.0 s and 0.2 s."""
    some = await over_ideal(here, SOME, SECONDS * STEPS / LIMIT, repeat)
    return {
        f"W4 {LIMIT} at a time": some,
        "W4 all at once": await over_ideal(here, ALL, SECONDS, repeat),
    }
