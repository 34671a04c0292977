"""How many tasks wait on a queue, as the Temporal service estimates it (up to 5 s old)."""

from datetime import timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

PATIENCE = timedelta(seconds=3)
"""How long one request to the Temporal service may take."""
ACTIVITY = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
WORKFLOW = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW


async def backlog(
    client: Client, queue: str, kind: TaskQueueType.ValueType = ACTIVITY
) -> tuple[int, timedelta]:
    """Give how many tasks wait for a worker, and how long the first has. Raises RPCError."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=kind,
        report_stats=True,
    )
    found = await client.workflow_service.describe_task_queue(request, timeout=PATIENCE)
    stats = found.stats
    return stats.approximate_backlog_count, stats.approximate_backlog_age.ToTimedelta()
