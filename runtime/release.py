"""Release what a dead worker held, so that others go on at once instead of at a timeout."""

import asyncio

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    ResetStickyTaskQueueRequest,
    RespondActivityTaskFailedByIdRequest,
)
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

AT_ONCE = 20
"""Workflows looked at concurrently."""
NEXT_ATTEMPT = Duration(nanos=50_000_000)
"""How long after its release a call is tried again."""


async def release(client: Client, dead: str) -> int:
    """Fail, retryably, every activity attempt last seen on worker `dead`, and free its caches.

    Only safe once the process is reaped: it cannot answer any more. Costs one attempt each.
    Returns how many attempts were released.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(execution: WorkflowExecution) -> int:
        async with gate:
            return await _release_one(client, execution, dead)

    running = [w async for w in client.list_workflows("ExecutionStatus = 'Running'")]
    return sum(await asyncio.gather(*(one(w) for w in running)))


async def _release_one(client: Client, execution: WorkflowExecution, dead: str) -> int:
    service, namespace = client.workflow_service, client.namespace
    request = DescribeWorkflowExecutionRequest(namespace=namespace)
    request.execution.workflow_id = execution.id
    request.execution.run_id = execution.run_id
    try:
        described = await service.describe_workflow_execution(request)
        held = [
            a.activity_id
            for a in described.pending_activities
            if a.last_worker_identity == dead
            and a.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
        ]
        for activity_id in held:
            await _fail(client, execution, activity_id, dead)
        sticky = ResetStickyTaskQueueRequest(namespace=namespace)
        sticky.execution.CopyFrom(request.execution)
        await service.reset_sticky_task_queue(sticky)
    except RPCError:
        return 0  # it closed or moved on meanwhile: nothing is held
    return len(held)


async def _fail(client: Client, execution: WorkflowExecution, activity_id: str, dead: str) -> None:
    await client.workflow_service.respond_activity_task_failed_by_id(
        RespondActivityTaskFailedByIdRequest(
            namespace=client.namespace,
            workflow_id=execution.id,
            run_id=execution.run_id,
            activity_id=activity_id,
            identity="supervisor",
            failure=Failure(
                message=f"worker {dead} died",
                # The back-off of the policy is for a failing other side, not for dead workers.
                application_failure_info=ApplicationFailureInfo(
                    type="WorkerLost", next_retry_delay=NEXT_ATTEMPT
                ),
            ),
        )
    )
