"""Workflows of the benchmark: W1, W2 and W5 as steps, and the same written by hand."""

import asyncio
from datetime import timedelta
from functools import partial

from temporalio import workflow
from temporalio.common import RetryPolicy

from workflows.calls import Call, ask
from workflows.data.common import Record
from workflows.grades import step
from workflows.patterns.join import join


class Nap(Record):
    """A sleep of so many seconds."""

    name: str
    seconds: float


class Stages(Record):
    """Sleeps: the stages run in order, the sleeps of a stage at once."""

    stages: tuple[tuple[float, ...], ...]
    bare: bool = False
    """With bare asyncio.gather instead of a join."""


SLEEP = Call("bench_sleep", Nap, Nap, timeout=timedelta(seconds=30), attempts=20)


@step("bench_stages", Stages, Stages)
async def run_stages(given: Stages) -> Stages:
    """Run stage after stage."""
    for number, stage in enumerate(given.stages):
        naps = [Nap(name=f"{number}-{place}", seconds=s) for place, s in enumerate(stage)]
        if given.bare:
            await asyncio.gather(*(ask(SLEEP, nap) for nap in naps))
        elif len(naps) == 1:
            await ask(SLEEP, naps[0])
        else:
            await join({nap.name: partial(ask, SLEEP, nap) for nap in naps})
    return given


@workflow.defn
class ByBraid:
    """The stages as one step, in the grade the case was started with."""

    @workflow.run
    async def run(self, given: Stages) -> Stages:
        """Run the step."""
        return await run_stages(given)


@workflow.defn
class ByHand:
    """The stages as somebody without Braid would write them."""

    @workflow.run
    async def run(self, given: Stages) -> Stages:
        """Gather the activities of each stage."""
        for number, stage in enumerate(given.stages):
            await asyncio.gather(
                *(
                    workflow.execute_activity(
                        SLEEP.name,
                        Nap(name=f"{number}-{place}", seconds=seconds),
                        result_type=Nap,
                        start_to_close_timeout=timedelta(seconds=30),
                        heartbeat_timeout=timedelta(seconds=5),
                        retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=50)),
                    )
                    for place, seconds in enumerate(stage)
                )
            )
        return given
