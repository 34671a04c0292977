"""A workflow whose one task takes longer than the SDK allows as shipped."""

import time

from temporalio import workflow


@workflow.defn
class Slow:
    """Holds its thread, as a task does on a machine that is busy with something else."""

    @workflow.run
    async def run(self, seconds: float) -> float:
        """Hold it for so many seconds."""
        with workflow.unsafe.sandbox_unrestricted():
            time.sleep(seconds)  # noqa: ASYNC251 - to hold the thread is the point
        return seconds
