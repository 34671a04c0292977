"""Steps and their two grades: visible (an activity per Call) and fused (one for the whole step).

A process awaits its steps alike in both; the case, a `with graded(...)` or `fused(step)` chooses.
"""

import inspect
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Generic

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.calls import HEARTBEAT, RUN_STEP, In, Out, is_open, retries
from workflows.data.steps import StepOrder, StepResult
from workflows.errors import Misuse, ScopeClosed, raised_inside
from workflows.scope import current_scope

GRADE = "braid-grade"
"""Memo (and header, for children) that names the grade a case runs its steps in."""


class Grade(StrEnum):
    """How durable the Calls of a step are: each by itself, or journalled inside one activity."""

    VISIBLE = "visible"
    FUSED = "fused"


_grade: ContextVar[Grade] = ContextVar("braid_grade", default=Grade.VISIBLE)


@contextmanager
def graded(grade: Grade) -> Iterator[None]:
    """Run the steps inside in this grade; without it, in the grade the case was started with."""
    token = _grade.set(grade)
    try:
        yield
    finally:
        _grade.reset(token)


def enter_grade(grade: Grade) -> None:
    """Run the steps of the rest of this task in this grade."""
    _grade.set(grade)


def current_grade() -> Grade:
    """Give the grade steps run in here."""
    return _grade.get()


@dataclass(frozen=True)
class Step(Generic[In, Out]):
    """A named stretch of work: a module-level coroutine of Calls, steps, joins and pure code.

    `await step(request)` runs it here (visible: each Call an activity) or, in the fused grade, in
    one activity that journals each Call: after a crash it runs again and reads answers back.
    `timeout` bounds one run of a fused step, `attempts` the runs a crash may cost.
    """

    name: str
    input: type[In]
    output: type[Out]
    work: Callable[[In], Coroutine[Any, Any, Out]]
    timeout: timedelta = timedelta(hours=1)
    attempts: int = 20
    version: int = 1
    grade: Grade | None = None

    async def __call__(self, request: In) -> Out:
        """Run the step. Raises what its work raises, in either grade."""
        fused = (self.grade or _grade.get()) is Grade.FUSED
        if not fused or is_open():
            return await self.work(request)
        scope = current_scope()
        if scope.is_closed():
            raise ScopeClosed(f"branch {scope.name!r} was given up and may not run {self.name!r}")
        try:
            return await self._as_activity(request)
        except ActivityError as error:
            failure = raised_inside(error)
        raise failure  # outside the handler, so that it keeps the cause it came with

    async def _as_activity(self, request: In) -> Out:
        name, scope = self.name, current_scope().name
        order = StepOrder(step=name, version=self.version, given=request.model_dump(mode="json"))
        result = await workflow.execute_activity(
            RUN_STEP.name,
            order,
            result_type=StepResult,
            start_to_close_timeout=self.timeout,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=retries(self.attempts),
            # what the step does when it is cancelled (undo) is waited for
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=f"{scope}: {name}" if scope else name,
        )
        return self.output.model_validate(result.value)


def step(
    name: str,
    input: type[In],
    output: type[Out],
    *,
    timeout: timedelta = timedelta(hours=1),
    version: int = 1,
) -> Callable[[Callable[[In], Coroutine[Any, Any, Out]]], Step[In, Out]]:
    """Make a module-level coroutine function a Step. Raises Misuse for anything else."""

    def made(work: Callable[[In], Coroutine[Any, Any, Out]]) -> Step[In, Out]:
        _check_module_level(name, work)
        return Step(name, input, output, work, timeout, version=version)

    return made


def fused(step: Step[In, Out]) -> Step[In, Out]:
    """Give the step in the fused grade, whatever the case's. Raises Misuse unless it is a Step."""
    if not isinstance(step, Step):
        raise Misuse(
            f"{step!r} cannot be fused: its activity could not find it by name; write a"
            " module-level coroutine under @step(name, Input, Output) and fuse that"
        )
    return replace(step, grade=Grade.FUSED)


def _check_module_level(name: str, work: object) -> None:
    """Raise Misuse unless a worker elsewhere can find the very same coroutine function."""
    where = getattr(work, "__qualname__", type(work).__qualname__)
    if not inspect.iscoroutinefunction(work) or where != getattr(work, "__name__", ""):
        raise Misuse(
            f"step {name!r} is {where}: a step is a module-level `async def`, no method, lambda,"
            " partial or inner function; move it to the module and give it all it needs as input"
        )
