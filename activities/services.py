"""Messages to service workflows, starting them where they do not run.

A workflow can signal another but not start it with the signal; the client can.
"""

from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client

from workflows.calls import MAIN_QUEUE
from workflows.data.common import Record
from workflows.data.events import Posted, TopicMessage, TopicState
from workflows.data.resources import KeeperMessage, KeeperState

TASK_TIMEOUT = timedelta(seconds=5)


class ServiceActivities:
    """The doors to service workflows."""

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

    async def _post(self, service: str, name: str, start: Record, message: Record) -> Posted:
        """Signal with start. Each deployment (a suffix of the queue) has services of its own."""
        queue = activity.info().task_queue
        handle: Any = await self._client.start_workflow(
            service,
            start,
            id=f"{service}-{name}{queue.removeprefix(MAIN_QUEUE)}",
            task_queue=queue,
            task_timeout=TASK_TIMEOUT,
            start_signal="message",
            start_signal_args=[message],
        )
        return Posted(workflow_id=handle.id)
