"""The interceptor that passes down what a case was started with: the journal's scope, the branch
and the grade of its steps.
"""

from collections import Counter
from typing import Any

from temporalio import workflow
from temporalio.converter import default
from temporalio.worker import (
    ContinueAsNewInput,
    ExecuteWorkflowInput,
    StartActivityInput,
    StartChildWorkflowInput,
    WorkflowInboundInterceptor,
    WorkflowOutboundInterceptor,
)

from workflows.data.common import ANEW, BRANCH_HEADER, ORIGIN_HEADER, SCOPE_HEADER
from workflows.errors import Misuse
from workflows.grades import GRADE, Grade, current_grade, enter_grade
from workflows.scope import current_scope


class PassHeaders(WorkflowInboundInterceptor):
    """Puts our headers on what a workflow starts."""

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Wrap the outbound side."""
        super().init(_Outbound(outbound))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        """Run the case in the grade it was started with."""
        enter_grade(_given_grade())
        return await super().execute_workflow(input)


class _Outbound(WorkflowOutboundInterceptor):
    def __init__(self, following: WorkflowOutboundInterceptor) -> None:
        super().__init__(following)
        self._started: Counter[tuple[str, str]] = Counter()

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        branch = default().payload_converter.to_payload(current_scope().name)
        read = self._origin(input.activity, current_scope().name)
        ours = {SCOPE_HEADER: _scope(), BRANCH_HEADER: branch} | read
        input.headers = {**input.headers, **ours}
        return super().start_activity(input)

    async def start_child_workflow(
        self, input: StartChildWorkflowInput
    ) -> workflow.ChildWorkflowHandle[Any, Any]:
        ours = {SCOPE_HEADER: _scope(), GRADE: _grade()} | self._origin(input.workflow, "")
        input.headers = {**input.headers, **ours}
        return await super().start_child_workflow(input)

    def continue_as_new(self, input: ContinueAsNewInput) -> Any:
        input.headers = {**input.headers, SCOPE_HEADER: _scope(), GRADE: _grade()} | _origin()
        super().continue_as_new(input)

    def _origin(self, name: str, branch: str) -> dict[str, Any]:
        """Give the origin header, but not to what a fork asks anew in its first run."""
        self._started[branch, name] += 1
        mark = {"branch": branch, "name": name, "number": self._started[branch, name]}
        is_first = not workflow.info().continued_run_id
        fresh = workflow.memo_value(ANEW, default=[]) if is_first else []
        return {} if mark in fresh else _origin()


def _scope() -> Any:
    """Give the scope as a payload: the one we were started with, else our own workflow id."""
    given = workflow.info().headers.get(SCOPE_HEADER)
    return given or default().payload_converter.to_payload(workflow.info().workflow_id)


def _origin() -> dict[str, Any]:
    """Give the scopes we may read besides, if we were started with any, as a header."""
    given = workflow.info().headers.get(ORIGIN_HEADER)
    if given is None and (named := workflow.memo_value(ORIGIN_HEADER, default="")):
        given = default().payload_converter.to_payload(named)
    return {} if given is None else {ORIGIN_HEADER: given}


def _grade() -> Any:
    return default().payload_converter.to_payload(str(current_grade()))


def _given_grade() -> Grade:
    """Read the grade: passed down by a parent, else the memo of the start, else visible."""
    payload = workflow.info().headers.get(GRADE)
    if payload is not None:
        given = default().payload_converter.from_payload(payload, str)
    else:
        given = workflow.memo_value(GRADE, default=Grade.VISIBLE)
    try:
        return Grade(given)
    except ValueError:
        raise Misuse(f"grade {given!r} is none; start with {' or '.join(Grade)}") from None
