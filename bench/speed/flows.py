"""The work of W1 to W5 as our processes write it: a step of Calls and joins, in either grade."""

import asyncio
from datetime import timedelta
from functools import partial

from temporalio import workflow

from bench.speed.records import Cases, Nap, Stages
from workflows.calls import Call, ask
from workflows.data.spread import SpreadResult
from workflows.grades import step
from workflows.patterns.join import join
from workflows.patterns.spread import spread

SLEEP = Call("bench_sleep", Nap, Nap, timeout=timedelta(seconds=30), attempts=20)


@step("bench_stages", Stages, Stages)
async def run_stages(given: Stages) -> Stages:
    """Run stage after stage."""
    for number, stage in enumerate(given.stages):
        naps = [
            Nap(name=f"{given.case}{number}-{place}", seconds=s) for place, s in enumerate(stage)
        ]
        if given.bare:
            await asyncio.gather(*(ask(SLEEP, nap) for nap in naps))
        elif len(naps) == 1:
            await ask(SLEEP, naps[0])
        else:
            await join({nap.name: partial(ask, SLEEP, nap) for nap in naps}, limit=given.limit)
    return Stages(stages=(), case=given.case)


@workflow.defn
class ByBraid:
    """The stages as one step, in the grade the case was started with."""

    @workflow.run
    async def run(self, given: Stages) -> Stages:
        """Run the step."""
        return await run_stages(given)


@workflow.defn
class Many:
    """The cases as a spread over the step."""

    @workflow.run
    async def run(self, given: Cases) -> SpreadResult:
        """Spread."""
        work = {
            name: Stages(stages=given.stages, case=f"{name} ")
            for name in (f"case-{n}" for n in range(given.count))
        }
        return await spread("cases", work, run_stages, window=given.window)
