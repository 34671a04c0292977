"""A workflow that carries out any plan of steps, and tells what it saw end last before each."""

import asyncio
import secrets
from collections import deque
from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel
from temporalio import activity, workflow

END = -1
"""The step that closes the run, in what a run tells."""
START = 0


class Kind(StrEnum):
    ACTIVITY = "activity"
    TIMER = "timer"
    CHILD = "child"
    JOIN = "join"
    """No work: it only waits for what it needs."""


class Step(BaseModel):
    """Step `id` takes so many milliseconds after all it `needs`; ids begin at 1."""

    id: int
    kind: Kind
    ms: int
    needs: tuple[int, ...] = ()


class Plan(BaseModel):
    """Steps, ascending; at most `places` activities at once.

    With `data`, an activity is given the results of the activities it needs.
    """

    steps: tuple[Step, ...]
    places: int = 100
    data: bool = False


class Told(BaseModel):
    """What each step saw end last before it began (`START` for nothing), and how steps ended."""

    triggers: dict[int, int]
    ended: list[int]


@activity.defn
async def nap(ms: int, given: list[str]) -> str:
    """Take so many milliseconds; gives a text found in no other result."""
    del given
    await asyncio.sleep(ms / 1000)
    return f"result {secrets.token_hex(4)}"


@workflow.defn
class Napping:
    """A child that takes so many milliseconds."""

    @workflow.run
    async def run(self, ms: int) -> None:
        await asyncio.sleep(ms / 1000)


@workflow.defn
class Planned:
    """Carries out a plan: a coroutine for each step."""

    @workflow.init
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.free = plan.places
        self.queue: deque[asyncio.Future[int]] = deque()
        self.woken_by: dict[int, int] = {START: START}
        self.ended: list[int] = []
        self.triggers: dict[int, int] = {}
        self.results: dict[int, str] = {}

    @workflow.run
    async def run(self, plan: Plan) -> Told:
        tasks: dict[int, asyncio.Task[None]] = {}
        for step in plan.steps:
            needed = [tasks[key] for key in step.needs]
            tasks[step.id] = asyncio.create_task(self._step(step, needed))
        await asyncio.gather(*tasks.values())
        self.triggers[END] = self._last([step.id for step in plan.steps])
        return Told(triggers=self.triggers, ended=self.ended)

    async def _step(self, step: Step, needed: list[asyncio.Task[None]]) -> None:
        if needed:
            await asyncio.gather(*needed)
        trigger = self._last(step.needs)
        if step.kind is Kind.JOIN:
            self.woken_by[step.id] = trigger
        else:
            if step.kind is Kind.ACTIVITY:
                trigger = await self._place(trigger)
            self.triggers[step.id] = trigger
            await self._work(step)
            self.woken_by[step.id] = step.id
            if step.kind is Kind.ACTIVITY:
                self._leave(step.id)
        self.ended.append(step.id)

    def _last(self, needs: tuple[int, ...] | list[int]) -> int:
        """Tell which step with work of its own ended last of, or before, those needed."""
        last = max(needs, key=self.ended.index, default=START)
        return self.woken_by[last]

    async def _place(self, trigger: int) -> int:
        """Take a place; tells who left it, where it had to be waited for."""
        if self.free:
            self.free -= 1
            return trigger
        self.queue.append(asyncio.Future())
        return await self.queue[-1]

    def _leave(self, step: int) -> None:
        if self.queue:
            self.queue.popleft().set_result(step)
        else:
            self.free += 1

    async def _work(self, step: Step) -> None:
        name = f"s{step.id}: {step.kind}"
        if step.kind is Kind.TIMER:
            await workflow.sleep(timedelta(milliseconds=step.ms), summary=name)
        elif step.kind is Kind.CHILD:
            await workflow.execute_child_workflow(
                Napping.run,
                step.ms,
                id=f"{workflow.info().workflow_id}-{step.id}",
                static_summary=name,
            )
        else:
            limit = timedelta(seconds=60)
            known = [self.results[key] for key in step.needs if key in self.results]
            self.results[step.id] = await workflow.execute_activity(
                nap,
                args=[step.ms, known if self.plan.data else []],
                start_to_close_timeout=limit,
                summary=name,
            )
