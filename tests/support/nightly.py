"""The next run of a schedule: a case that is given what the last one ended with."""

import secrets

from temporalio.api.common.v1 import Payloads, WorkflowType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import StartWorkflowExecutionRequest

from tests.support.world import Handle, World
from workflows.data.common import Record


async def next_run(here: World, process: str, given: Record, last: Record) -> Handle:
    """Start a case as a schedule does that has run before."""
    encode = here.client.data_converter.encode
    request = StartWorkflowExecutionRequest(
        namespace=here.client.namespace,
        workflow_id=f"{process}-{secrets.token_hex(4)}",
        workflow_type=WorkflowType(name=process),
        task_queue=TaskQueue(name=here.queue),
        input=Payloads(payloads=await encode([given])),
        request_id=secrets.token_hex(8),
        last_completion_result=Payloads(payloads=await encode([last])),
    )
    await here.client.workflow_service.start_workflow_execution(request)
    handle: Handle = here.client.get_workflow_handle(request.workflow_id)
    here.started.append(handle)
    return handle
