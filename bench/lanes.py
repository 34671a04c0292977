"""A workflow that fills a history: lanes of quick activities and timers, all at once."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

LANES = 200


@activity.defn(name="bench_nap")
async def nap(ms: int) -> int:
    """Sleep for so many milliseconds."""
    await asyncio.sleep(ms / 1000)
    return ms


@workflow.defn
class Lanes:
    """Lanes that each call an activity, then sleep, again and again."""

    @workflow.run
    async def run(self, events: int) -> int:
        """Go on until the history has about so many events; give how many it had then."""
        await asyncio.gather(*(self._lane(number, events) for number in range(LANES)))
        return workflow.info().get_current_history_length()

    async def _lane(self, number: int, events: int) -> None:
        rest = 5 * LANES  # what the lanes under way still write
        while workflow.info().get_current_history_length() < events - rest:
            await workflow.execute_activity(
                nap,
                number % 7,
                start_to_close_timeout=timedelta(seconds=30),
                summary=f"lane-{number}: nap",
            )
            await workflow.sleep(0.005 * (number % 5 + 1), summary=f"lane-{number}: pause")
