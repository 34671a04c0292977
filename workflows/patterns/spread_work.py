"""The work of a spread: a Call, a step or a child workflow, and how a chunk does it by name."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic

from temporalio import workflow

from workflows.calls import HEARTBEAT, Call, In, Out, ask
from workflows.data.chunk import WorkOrder
from workflows.data.common import JSON
from workflows.data.spread import Content
from workflows.errors import Misuse
from workflows.grades import Step
from workflows.scope import current_case

Do = Callable[[dict[str, JSON]], Awaitable[dict[str, JSON]]]


@dataclass(frozen=True)
class Child(Generic[In, Out]):
    """A process by its workflow name: each item is a case of its own, in a workflow of its own.

    `version` tells results apart: raise it when the same input should be done anew.
    """

    name: str
    input: type[In]
    output: type[Out]
    version: int = 1


Work = Call[In, Out] | Step[In, Out] | Child[In, Out]


def check_work(where: str, work: object) -> None:
    """Raise Misuse for what a chunk cannot find by name, or bring to a queue."""
    if isinstance(work, Call):
        check_queue(where, work)
    elif not isinstance(work, Step | Child):
        raise Misuse(
            f"{where}: {work!r} is neither a Call, a @step nor a Child, so a chunk cannot find it"
            " by name; write a module-level step"
        )


def check_queue(where: str, call: Call[Any, Any]) -> None:
    """Raise Misuse for a Call that its name alone does not bring to a queue."""
    if call.queue_per_request:
        raise Misuse(
            f"{where}: {call.name!r} is told its queue by each request, and a chunk names none;"
            " ask it, with its queue, in a module-level @step and give that"
        )


def work_order(work: Work[Any, Any]) -> WorkOrder:
    """Write down the contract of the work, for a workflow that finds it by name."""
    if isinstance(work, Child):
        return WorkOrder(kind="child", name=work.name, version=work.version)
    return WorkOrder(
        kind="call" if isinstance(work, Call) else "step",
        name=work.name,
        version=work.version,
        timeout=work.timeout,
        attempts=work.attempts,
        queue=work.queue if isinstance(work, Call) else None,
    )


def doing(work: WorkOrder) -> Do:
    """Give what does an item by the work's name and on plain JSON: a Call, or a child workflow,
    whose id is that of the case it runs in.
    """
    call = call_of(work, Content, Content)

    async def do(request: dict[str, JSON]) -> dict[str, JSON]:
        given = Content(request)
        return _plain(await (_as_child(work, given) if work.kind == "child" else ask(call, given)))

    return do


async def _as_child(work: WorkOrder, given: Content) -> Content:
    case = current_case()
    if case is None:
        raise Misuse(f"process {work.name!r} in a spread: its items are no cases of their own")
    done: Content = await workflow.execute_child_workflow(
        work.name,
        given,
        id=case.id,
        result_type=Content,
        task_timeout=HEARTBEAT,
        # So that what a case did is undone when its spread ends first.
        parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
    )
    return done


def doing_here(work: Work[Any, Any]) -> Do:
    """Give what does an item on a plain loop. A child is answered by the door, as a Call."""
    asked = call_of(work_order(work), work.input, work.output)

    async def do(request: dict[str, JSON]) -> dict[str, JSON]:
        given = work.input.model_validate(request)
        return _plain(await (work(given) if isinstance(work, Step) else ask(asked, given)))

    return do


def call_of(work: WorkOrder, given: type[Any], gives: type[Any]) -> Call[Any, Any]:
    """Give the Call of an order."""
    return Call(work.name, given, gives, work.timeout, work.attempts, work.queue, work.version)


def twofold(keys: Iterable[str]) -> list[str]:
    """List the keys that stand there more than once."""
    return [key for key, times in Counter(keys).items() if times > 1]


def _plain(answer: Any) -> dict[str, JSON]:
    value: dict[str, JSON] = answer.model_dump(mode="json")
    return value
