"""A test workflow whose two branches decide in the order in which they hear."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError


@workflow.defn
class Asked:
    """One branch hears of the end of another workflow, the other by signal."""

    def __init__(self) -> None:
        self._heard: list[str] = []
        self._told = False

    @workflow.run
    async def run(self, other: str) -> list[str]:
        """`other` is the id of a workflow, and of a queue nobody serves. Gives who heard when."""
        await asyncio.gather(self._ended(other), self._signalled())
        return self._heard

    async def _ended(self, other: str) -> None:
        with suppress(ChildWorkflowError):
            await workflow.execute_child_workflow("Nobody", id=other, task_queue=other)
        self._heard.append("ended")
        await workflow.sleep(timedelta(milliseconds=10))

    async def _signalled(self) -> None:
        await workflow.wait_condition(lambda: self._told)
        self._heard.append("signalled")
        workflow.upsert_memo({"signalled": True})

    @workflow.signal
    def tell(self) -> None:
        """Have the second branch go on."""
        self._told = True

    @workflow.query
    def heard(self) -> list[str]:
        """Tell who has heard by now."""
        return self._heard
