"""Announcing: a case tells an endpoint what happens to it, without waiting for it to listen."""

import asyncio

from temporalio import workflow

from workflows.data.announce import ANNOUNCE, Announcement, CloudEvent, Happening, Told
from workflows.scope import in_shadow

SERVICE = "announce"
"""The workflow that delivers one event, however long the other side is away."""


class Announcer:
    """Tells the endpoint this case was started with; without one, and in a shadow, nobody."""

    def __init__(self, process: str) -> None:
        self._process = process
        told = workflow.in_workflow() and not in_shadow() and workflow.info().parent is None
        self._endpoint = workflow.memo_value(ANNOUNCE, default="") if told else ""
        self._starting: set[asyncio.Task[None]] = set()

    def tell(self, what: Happening, **data: object) -> None:
        """Hand an event over; it is delivered beside the case, and after it."""
        if not self._endpoint:
            return
        identity = f"{workflow.info().workflow_id}/{what}/{workflow.uuid4().hex[:12]}"
        event = CloudEvent(
            id=identity,
            type=what,
            subject=workflow.info().workflow_id,
            time=workflow.now(),
            data=Told.model_validate({"process": self._process, **data}),
        )
        task = asyncio.create_task(_start(Announcement(endpoint=self._endpoint, event=event)))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def handed_over(self) -> None:
        """Wait until every event has a workflow of its own: the end of a case cuts off others."""
        while self._starting:
            await asyncio.wait(self._starting)


async def _start(announcement: Announcement) -> None:
    await workflow.start_child_workflow(
        SERVICE,
        announcement,
        id=announcement.event.id,
        parent_close_policy=workflow.ParentClosePolicy.ABANDON,
        static_summary=str(announcement.event.type),
    )
