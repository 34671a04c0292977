"""What a workflow cannot do and the client can: start a service workflow with a signal, and set
the days of a schedule.
"""

from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client, ScheduleUpdate, ScheduleUpdateInput
from temporalio.service import RPCError, RPCStatusCode

from runtime.context import call_context
from runtime.recurring import made_sure, yearly
from workflows.calls import MAIN_QUEUE
from workflows.data.common import Record
from workflows.data.events import Posted, TopicMessage, TopicState
from workflows.data.resources import KeeperMessage, KeeperState
from workflows.data.scheduled import Rescheduled, ReviewDays

TASK_TIMEOUT = timedelta(seconds=5)


class ServiceActivities:
    """The doors to service workflows and schedules."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def keeper_message(self, message: KeeperMessage) -> Posted:
        """Give a message to a pool's keeper. Sent twice it counts once: the keeper sees its id."""
        return await self._post(
            "keeper", message.pool.name, KeeperState(pool=message.pool), message
        )

    async def topic_message(self, message: TopicMessage) -> Posted:
        """Give a message to a topic. Sent twice it counts once: it sees the event or sender."""
        return await self._post("topic", message.topic, TopicState(topic=message.topic), message)

    async def set_review(self, days: ReviewDays) -> Rescheduled:
        """Set the days of a schedule; why it is paused stays as it is. Set twice is set once.

        A shadow sets none.
        """
        if call_context().shadow:
            return Rescheduled(found=True)
        spec = yearly(days.first, days.years)
        handle = self._client.get_schedule_handle(days.schedule)

        def changed(known: ScheduleUpdateInput) -> ScheduleUpdate:
            schedule = known.description.schedule
            schedule.spec = spec
            if not schedule.state.paused:
                schedule.state.note = days.note
            return ScheduleUpdate(schedule=schedule)

        try:
            await made_sure(
                handle, lambda: handle.update(changed), lambda now: now.schedule.spec == spec
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return Rescheduled(found=False)
        return Rescheduled(found=True)

    async def _post(self, service: str, name: str, start: Record, message: Record) -> Posted:
        """Signal with start. Each deployment (a suffix of the queue) has its own services, and so
        has each shadow: it takes nothing from other cases, and tells them nothing.
        """
        queue, context = activity.info().task_queue, call_context()
        suffix = queue.removeprefix(MAIN_QUEUE) + (f"-{context.scope}" if context.shadow else "")
        handle: Any = await self._client.start_workflow(
            service,
            start,
            id=f"{service}-{name}{suffix}",
            task_queue=queue,
            task_timeout=TASK_TIMEOUT,
            start_signal="message",
            start_signal_args=[message],
        )
        return Posted(workflow_id=handle.id)
