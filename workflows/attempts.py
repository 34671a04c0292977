"""The interceptor that logs decisions refused by update: validators may not leave a trace."""

from temporalio import workflow
from temporalio.worker import HandleUpdateInput, WorkflowInboundInterceptor

from workflows.errors import Refused
from workflows.scope import told


class LogRefusals(WorkflowInboundInterceptor):
    """Tells the worker's log which case refused a message at which gate, and for what kind of
    reason; never who sent it, what it said, or its token.
    """

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        """Validate; a refusal goes on to its sender."""
        try:
            super().handle_update_validator(input)
        except Refused as error:
            extra = told(message_name=input.update, **error.kind)
            workflow.logger.warning("message refused", extra=extra)
            raise
