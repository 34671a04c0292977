"""Events that were met with a query, before their workflow task: that task begins anew.

A query that a worker answers without the case in its cache comes with the whole history. Events
that wait there for the next workflow task (signals, results) are met for the query already, and
the case stays in the cache. The task then brings only what came later: what it would have met
together was met in two turns, which no replay repeats, and the case would be stuck for good. So
the task is failed once: the case leaves the cache, and the task comes again with the history.
Seen with SDK 1.35 and server 1.32: 3 of 30 cases that were asked and signalled while no worker ran
could not be replayed; none since.
"""

from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

APART = ("query_workflow", "remove_from_cache")
"""Jobs that tell the case nothing new."""
SAID = "events were met with a query before their task; it begins anew, nothing is lost"


class Anew:
    """What stands before an instance, and fails a task whose events were met in two turns."""

    def __init__(self, instance: Any) -> None:
        self._activate = instance.activate
        self._length, self._time, self._early = 0, 0, False

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Pass an activation on, but not the first after early events."""
        completion: WorkflowActivationCompletion
        if not all(job.WhichOneof("variant") in APART for job in act.jobs):
            if self._early:
                completion = WorkflowActivationCompletion(run_id=act.run_id)
                completion.failed.failure.message = SAID
                return completion
            at = act.timestamp.ToNanoseconds()
            # A longer history, but no workflow task began since.
            self._early = 0 < self._length < act.history_length and at == self._time
            self._length, self._time = act.history_length, at
        completion = self._activate(act)
        return completion


class Runner(SandboxedWorkflowRunner):
    """The SDK's sandbox, watched for early events."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Make an instance of a workflow."""
        instance: WorkflowInstance = super().create_instance(det)
        instance.activate = Anew(instance).activate  # type: ignore[method-assign]
        return instance
