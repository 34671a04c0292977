"""The control: the same work as somebody without Braid writes it, with the SDK as it is shipped.

`python -m bench.speed.control ADDRESS QUEUE IDENTITY` serves it in a process of its own.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import Worker


@dataclass
class Sleep:
    """A sleep of so many seconds; begin and end are written to `log`, if there is one."""

    name: str
    seconds: float
    log: str = ""


@dataclass
class Work:
    """Sleeps: the stages run in order, the sleeps of a stage at once, at most `limit` of them."""

    stages: Sequence[Sequence[float]]
    limit: int = 0
    log: str = ""


@activity.defn
async def sleep(given: Sleep) -> str:
    """Sleep."""
    _tell(given, "begins")
    await asyncio.sleep(given.seconds)
    _tell(given, "ends")
    return given.name


def _tell(given: Sleep, what: str) -> None:
    if given.log:
        with Path(given.log).open("a", encoding="utf-8") as out:
            out.write(f"{given.name} {what} {os.getpid()} {time.time():.4f}\n")


@workflow.defn
class ByHand:
    """The stages as activities."""

    @workflow.run
    async def run(self, work: Work) -> int:
        """Gather the activities of each stage."""
        for number, stage in enumerate(work.stages):
            lanes = asyncio.Semaphore(work.limit or len(stage))
            sleeps = [Sleep(f"{number}-{n}", s, work.log) for n, s in enumerate(stage)]
            await asyncio.gather(*(_one(lanes, each) for each in sleeps))
        return len(work.stages)


async def _one(lanes: asyncio.Semaphore, given: Sleep) -> str:
    async with lanes:
        return await workflow.execute_activity(
            sleep,
            given,
            start_to_close_timeout=timedelta(seconds=30),
            heartbeat_timeout=timedelta(seconds=5),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=50)),
        )


def worker(client: Client, queue: str, identity: str, at_once: int = 100) -> Worker:
    """Make a worker: only how many activities it takes at once differs from the SDK's defaults."""
    return Worker(
        client,
        task_queue=queue,
        workflows=[ByHand],
        activities=[sleep],
        identity=identity,
        max_concurrent_activities=at_once,
    )


async def serve(address: str, queue: str, identity: str) -> None:
    """Serve until killed."""
    await worker(await Client.connect(address), queue, identity).run()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:4]))
