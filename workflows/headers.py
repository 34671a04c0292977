"""The interceptor that passes down what a case was started with: the journal's scope, the branch,
the grade of its steps, its priority, who pays, whether what it sends takes turns, and whether it is
a shadow, which changes nothing outside.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, cast

from temporalio import workflow
from temporalio.common import Priority
from temporalio.converter import default
from temporalio.exceptions import is_cancelled_exception
from temporalio.worker import (
    ContinueAsNewInput,
    ExecuteWorkflowInput,
    SignalExternalWorkflowInput,
    StartActivityInput,
    StartChildWorkflowInput,
    WorkflowInboundInterceptor,
    WorkflowOutboundInterceptor,
)

from workflows.data.announce import Happening
from workflows.data.common import (
    ANEW,
    BRANCH_HEADER,
    ONE_AT_A_TIME,
    ORIGIN_HEADER,
    PAYER_HEADER,
    SCOPE_HEADER,
    SHADOW,
)
from workflows.data.memo import ENTRIES, misfit
from workflows.errors import Misuse
from workflows.grades import GRADE, Grade, current_grade, enter_grade
from workflows.patterns.announce import Announcer
from workflows.room import Room
from workflows.scope import current_case, current_level, current_scope, told
from workflows.turns import Turns, needs_turn


class PassHeaders(WorkflowInboundInterceptor):
    """Puts our headers on what a workflow starts."""

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Wrap the outbound side."""
        super().init(_Outbound(outbound))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        """Run the case in the grade it was started with. Raises Misuse if its memo is wrong."""
        enter_grade(_given_grade())
        _marks()
        _check_memo()
        try:
            result = await super().execute_workflow(input)
        except Exception as error:
            await _tell(Happening.CANCELLED if is_cancelled_exception(error) else Happening.FAILED)
            raise
        except asyncio.CancelledError:
            await _tell(Happening.CANCELLED)
            raise
        await _tell(Happening.COMPLETED, outcome=str(getattr(result, "outcome", "") or ""))
        return result


class _Outbound(WorkflowOutboundInterceptor):
    def __init__(self, following: WorkflowOutboundInterceptor) -> None:
        super().__init__(following)
        self._started: Counter[tuple[str, str]] = Counter()
        self._activities, self._children = Room(), Room()

    @cached_property
    def _turns(self) -> Turns | None:
        return Turns() if _mark(ONE_AT_A_TIME) else None

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        branch = _payload(current_scope().name)
        read = self._origin(input.activity, current_scope().name)
        ours = {SCOPE_HEADER: _scope(), BRANCH_HEADER: branch} | read
        input.headers = {**input.headers, **ours, **_payer(), **_marks()}
        if input.priority == Priority.default:
            # A server lets an activity inherit it, but its worker is not told of it.
            input.priority = _priority()
        send = partial(super().start_activity, input)
        if self._turns is not None and needs_turn():
            waiting = asyncio.ensure_future(self._turns.within(send))
        elif self._activities.is_full:
            waiting = asyncio.ensure_future(self._activities.within(send))
        else:
            return self._activities.open(send)
        return cast(workflow.ActivityHandle[Any], waiting)

    async def start_child_workflow(
        self, input: StartChildWorkflowInput
    ) -> workflow.ChildWorkflowHandle[Any, Any]:
        ours = {SCOPE_HEADER: _scope(), GRADE: _grade()} | self._origin(input.workflow, "")
        input.headers = {**input.headers, **ours, **_payer(), **_marks()}
        abandoned = input.parent_close_policy is workflow.ParentClosePolicy.ABANDON
        if abandoned and _mark(SHADOW):  # nothing of a shadow outlives it
            input.parent_close_policy = workflow.ParentClosePolicy.TERMINATE
        if input.priority == Priority.default:
            input.priority = _priority()
        if abandoned:
            return await super().start_child_workflow(input)
        leave = await (self._turns or self._children).take()
        try:
            child = await super().start_child_workflow(input)
        except BaseException:
            leave()
            raise
        child.add_done_callback(lambda _: leave())
        return child

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:
        """Send a signal; of a shadow only to its parent, since other workflows are outside."""
        parent = workflow.info().parent
        if _mark(SHADOW) and (parent is None or parent.workflow_id != input.workflow_id):
            workflow.logger.info("signal of a shadow not sent", extra=told(signal=input.signal))
            return
        await super().signal_external_workflow(input)

    def continue_as_new(self, input: ContinueAsNewInput) -> Any:
        ours = {SCOPE_HEADER: _scope(), GRADE: _grade()} | _origin() | _payer() | _marks()
        input.headers = {**input.headers, **ours}
        super().continue_as_new(input)

    def _origin(self, name: str, branch: str) -> dict[str, Any]:
        """Give the origin header, but not to what a fork asks anew in its first run."""
        self._started[branch, name] += 1
        mark = {"branch": branch, "name": name, "number": self._started[branch, name]}
        is_first = not workflow.info().continued_run_id
        fresh = workflow.memo_value(ANEW, default=[]) if is_first else []
        return {} if mark in fresh else _origin()


async def _tell(what: Happening, **data: object) -> None:
    """Have the case tell how it ended, if it is one that tells."""
    announcer: Announcer | None = getattr(workflow.instance(), "announcer", None)
    if announcer is not None:
        announcer.tell(what, **data)
        await announcer.handed_over()


def _priority() -> Priority:
    """Give the case's own priority; of one that has none, the level of the step this is for."""
    own, level = workflow.info().priority, current_level()
    if own.priority_key is not None or level is None:
        return own
    return replace(own, priority_key=level)


def _scope() -> Any:
    """Give the scope as a payload: that of a case of its own, else the one we were started with,
    else our own workflow id.
    """
    if (case := current_case()) is not None:
        return _payload(case.id)
    return workflow.info().headers.get(SCOPE_HEADER) or _payload(workflow.info().workflow_id)


def _origin() -> dict[str, Any]:
    """Give the scopes we may read besides, if we were started with any, as a header."""
    if (case := current_case()) is not None:
        return {ORIGIN_HEADER: _payload(" ".join(case.origins))} if case.origins else {}
    given = workflow.info().headers.get(ORIGIN_HEADER)
    if given is None and (named := workflow.memo_value(ORIGIN_HEADER, default="")):
        given = _payload(named)
    return {} if given is None else {ORIGIN_HEADER: given}


def _payer() -> dict[str, Any]:
    """Give the budget that pays too, if there is one, as a header."""
    if (case := current_case()) is not None:
        return {PAYER_HEADER: _payload(case.payer)} if case.payer else {}
    given = workflow.info().headers.get(PAYER_HEADER)
    if given is None and (named := workflow.memo_value(PAYER_HEADER, default="")):
        given = _payload(named)
    return {} if given is None else {PAYER_HEADER: given}


def _grade() -> Any:
    return _payload(str(current_grade()))


def _payload(value: str | bool) -> Any:
    return default().payload_converter.to_payload(value)


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


def _check_memo() -> None:
    """Look at what is read later, where a misfit would leave the case stuck. Raises Misuse."""
    for name in ENTRIES:
        if (why := misfit(name, workflow.memo_value(name, default=None))) is not None:
            raise Misuse(f"memo {name}: {why}; start the case without it, or with one that fits")


def _marks() -> dict[str, Any]:
    """Give the headers of what this case is told to be, and its children with it."""
    case = current_case()
    turns = {ONE_AT_A_TIME: _payload(True)} if case is not None and case.sequential else {}
    return _mark(ONE_AT_A_TIME) | turns | _mark(SHADOW)


def _mark(name: str) -> dict[str, Any]:
    """Give the header of one of them: passed down by a parent, else by the memo, else none."""
    if (given := workflow.info().headers.get(name)) is not None:
        return {name: given}
    if (said := workflow.memo_value(name, default=False)) not in (True, False):
        raise Misuse(f"memo {name} is {said!r}; start with true, or without it")
    return {name: _payload(True)} if said else {}
