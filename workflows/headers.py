"""The interceptor that passes the journal's scope and the branch down to every activity."""

from typing import Any

from temporalio import workflow
from temporalio.converter import default
from temporalio.worker import (
    ContinueAsNewInput,
    StartActivityInput,
    StartChildWorkflowInput,
    WorkflowInboundInterceptor,
    WorkflowOutboundInterceptor,
)

from workflows.calls import current_scope
from workflows.data.common import BRANCH_HEADER, SCOPE_HEADER


class PassHeaders(WorkflowInboundInterceptor):
    """Puts our headers on what a workflow starts."""

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Wrap the outbound side."""
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        branch = default().payload_converter.to_payload(current_scope().name)
        input.headers = {**input.headers, SCOPE_HEADER: _scope(), BRANCH_HEADER: branch}
        return super().start_activity(input)

    async def start_child_workflow(
        self, input: StartChildWorkflowInput
    ) -> workflow.ChildWorkflowHandle[Any, Any]:
        input.headers = {**input.headers, SCOPE_HEADER: _scope()}
        return await super().start_child_workflow(input)

    def continue_as_new(self, input: ContinueAsNewInput) -> Any:
        input.headers = {**input.headers, SCOPE_HEADER: _scope()}
        super().continue_as_new(input)


def _scope() -> Any:
    """Give the scope as a payload: the one we were started with, else our own workflow id."""
    given = workflow.info().headers.get(SCOPE_HEADER)
    return given or default().payload_converter.to_payload(workflow.info().workflow_id)
