"""No query leaves a case in a worker's cache ahead of what is recorded of it.

A query that waits for a worker while its case goes on comes with events of a workflow task that is
another worker's, or nobody's yet; to answer it SDK 1.35 applies them to the case it keeps. If that
other task is lost, the next one applies only what came since. It so decides in two steps what every
replay has in one, signals first, and the case is stuck for good (TMPRL1100, nondeterminism).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

ALONE = "legacy_query"
"""By this id the SDK tells a query that came by itself from those that came with a task."""
LOOKED_AT = 100
"""Events looked at from the last backwards: there are seldom more since a task began."""
PATIENCE = timedelta(seconds=5)


def only_recorded(worker: Worker) -> Worker:
    """Have the worker drop a case from its cache when a query has taken it ahead of its history.

    Gives the worker back; one without workflows needs nothing.
    """
    inner: Any = worker._workflow_worker
    if inner is None:
        return worker
    if not hasattr(inner, "_bridge_worker"):
        raise RuntimeError("this SDK keeps its bridge elsewhere; see runtime/cached.py")
    tasks = _Tasks(worker)
    inner._bridge_worker = lambda: tasks
    return worker


@dataclass
class _Cached:
    """What is known of a run in the cache."""

    workflow_id: str = ""
    applied: int = 0
    """The last event of what was newly decided, while it is not known to be recorded; else 0."""
    asked: bool = False
    """A query by itself is being answered."""


class _Tasks:
    """The way to the SDK's core, which hands out activations and takes their completions."""

    def __init__(self, worker: Worker) -> None:
        self._worker, self._bridge = worker, worker._bridge_worker
        self._runs: dict[str, _Cached] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bridge, name)

    async def poll_workflow_activation(self) -> Any:
        activation = await self._bridge.poll_workflow_activation()
        run = self._runs.setdefault(activation.run_id, _Cached())
        if not activation.is_replaying:  # an activation of queries alone is always a replay
            run.applied = activation.history_length
        for job in activation.jobs:
            if job.HasField("initialize_workflow"):
                run.workflow_id = job.initialize_workflow.workflow_id
            elif job.HasField("remove_from_cache"):
                del self._runs[activation.run_id]
            elif job.HasField("query_workflow"):
                run.asked = job.query_workflow.query_id == ALONE
        return activation

    async def complete_workflow_activation(self, completion: Any) -> None:
        run = self._runs.get(completion.run_id)
        if run and run.asked:
            applied, run.asked, run.applied = run.applied, False, 0
            if applied and not await self._recorded(run.workflow_id, completion.run_id, applied):
                # Before the answer, so that no task comes between. If other queries and a task wait
                # behind it, the SDK loses that task: it comes again when its time is over (5 s).
                self._bridge.request_workflow_eviction(completion.run_id)
        await self._bridge.complete_workflow_activation(completion)

    async def _recorded(self, workflow_id: str, run_id: str, started: int) -> bool:
        """Tell whether the workflow task that event `started` began is recorded as completed."""
        client: Client = self._worker.client
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=client.namespace, maximum_page_size=LOOKED_AT
        )
        request.execution.workflow_id, request.execution.run_id = workflow_id, run_id
        reverse = client.workflow_service.get_workflow_execution_history_reverse
        try:
            events = (await reverse(request, timeout=PATIENCE)).history.events
        except RPCError:
            return False
        completed = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        return any(e.event_id == started + 1 and e.event_type == completed for e in events)
