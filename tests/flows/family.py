"""Test workflows that belong together: a chain of runs, each with children of its own."""

import asyncio
from datetime import timedelta

from temporalio import workflow

from workflows.calls import Call, ask
from workflows.data.common import Record


class Kin(Record):
    """How many runs follow, and how many children each run has; `name` is a child's own."""

    runs: int = 0
    children: int = 0
    name: str = ""


VISIT = Call("test_visit", Kin, Kin, timeout=timedelta(seconds=5), attempts=1)


@workflow.defn
class Child:
    """Pays one visit."""

    @workflow.run
    async def run(self, given: Kin) -> Kin:
        """Visit."""
        return await ask(VISIT, given)


@workflow.defn
class Parent:
    """Waits for its children, then goes on as a new run."""

    @workflow.run
    async def run(self, given: Kin) -> Kin:
        """See all children through, at once."""
        names = [f"{given.runs}-{number}" for number in range(given.children)]
        await asyncio.gather(
            *(workflow.execute_child_workflow(Child.run, Kin(name=name)) for name in names)
        )
        if given.runs:
            workflow.continue_as_new(given.model_copy(update={"runs": given.runs - 1}))
        return given
