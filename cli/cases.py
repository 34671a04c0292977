"""Start, ask and answer cases: what the commands of `starter.py` do with a session."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import Priority, WorkflowIDReusePolicy
from temporalio.exceptions import (
    ApplicationError,
    CancelledError,
    WorkflowAlreadyStartedError,
)
from temporalio.service import RPCError, RPCStatusCode

from cli.errors import BadInput, NoAnswer, NotCounted, Trouble
from cli.processes import PROCESSES, ProcessEntry
from workflows.calls import MAIN_QUEUE
from workflows.data.announce import ANNOUNCE
from workflows.data.common import (
    JSON,
    ONE_AT_A_TIME,
    ORIGIN_HEADER,
    PAYER_HEADER,
    SHADOW,
    Condition,
    Decision,
    DecisionAnswer,
    GateView,
    Record,
    Verdict,
)
from workflows.data.due_diligence import CaseOutcome
from workflows.errors import reason
from workflows.grades import GRADE

Handle = WorkflowHandle[Any, Any]
T = TypeVar("T")
PATIENCE = timedelta(seconds=20)
"""How long a worker may take to answer a query or an update."""
UNANSWERED = frozenset(
    {
        RPCStatusCode.CANCELLED,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.FAILED_PRECONDITION,
    }
)
"""How SDK and service say of a query that no worker answered it; the last, of a stuck case."""
TASK_TIMEOUT = timedelta(seconds=5)
STUCK = "docs/operations/runbooks/stuck-workflow.md"
STARTED_BY = "braid-started-by"
"""Entry of the memo: who asked the gateway for the case."""
LOW = Priority(priority_key=5)  # below interactive work, which has 3


@dataclass(frozen=True)
class Start:
    """How a case is started: its id (None makes one), the cases (workflow ids) whose paid replies
    it may read, whether it sends one thing at a time, grade, queue, whether it is a shadow, which
    budget of many (scope and name) pays too, the endpoint told what happens to it, and the service
    that asked for it.
    """

    workflow_id: str | None = None
    origins: tuple[str, ...] = ()
    sequential: bool = False
    grade: str = ""
    queue: str = MAIN_QUEUE
    shadow: bool = False
    payer: str = ""
    announce: str = ""
    started_by: str = ""

    def memo(self) -> dict[str, Any]:
        """Write down what the case is told beside its input."""
        told = {
            ORIGIN_HEADER: " ".join(self.origins),
            ONE_AT_A_TIME: self.sequential,
            GRADE: self.grade,
            SHADOW: self.shadow,
            PAYER_HEADER: self.payer,
            ANNOUNCE: self.announce,
            STARTED_BY: self.started_by,
        }
        return {name: said for name, said in told.items() if said}


DEFAULT_START = Start()


async def start(
    client: Client, entry: ProcessEntry, given: Record, how: Start = DEFAULT_START
) -> Handle:
    """Start a case. Raises BadInput if there is one of that id already, also a closed one.

    The id is the scope of journal and ledger: a second case under it would act on nothing.
    """
    name = how.workflow_id or entry.new_id(given)
    try:
        return await client.start_workflow(
            entry.name,
            given,
            id=name,
            task_queue=how.queue,
            task_timeout=TASK_TIMEOUT,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=entry.about,
            memo=how.memo() or None,
            priority=LOW if how.shadow else Priority.default,
        )
    except WorkflowAlreadyStartedError as taken:
        raise BadInput(
            f"there is a case {name!r} already; choose another --id, or leave it out"
        ) from taken
    except RPCError as error:
        raise BadInput(f"case {name} cannot be started: {error.message}") from error


async def origins(named: Iterable[Handle]) -> tuple[str, ...]:
    """List the cases whose replies may be read: those named, and those they could read."""
    found: dict[str, None] = {}
    for handle in named:
        theirs = (await (await handle.describe()).memo()).get(ORIGIN_HEADER, "")
        found |= dict.fromkeys([handle.id, *str(theirs).split()])
    return tuple(found)


async def entry_of(handle: Handle) -> ProcessEntry:
    """Say which process a case is of. Raises BadInput for one that is none of ours."""
    if (entry := await entry_if_ours(handle)) is None:
        raise BadInput(
            f"{handle.id} is no case of a process; `starter.py watch {handle.id}` shows it, of a"
            f" batch also `starter.py batch status {handle.id}`"
        )
    return entry


async def entry_if_ours(handle: Handle) -> ProcessEntry | None:
    """Say which process a workflow is a case of; None for one that is none of ours."""
    kind = (await handle.describe()).workflow_type
    return next((entry for entry in PROCESSES if entry.name == kind), None)


_BROKEN_OFF: dict[WorkflowExecutionStatus | None, str] = {
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.CANCELED: "cancelled",
    WorkflowExecutionStatus.TERMINATED: "terminated",
    WorkflowExecutionStatus.TIMED_OUT: "timed out",
}


async def broken_off(handle: Handle) -> str:
    """Say how a case closed that came to no result, as `cancelled`; empty for any other."""
    return _BROKEN_OFF.get((await handle.describe()).status, "")


async def ask(handle: Handle, query: str, shape: type[T], *given: object) -> T:
    """Ask a case a query; the answer comes as `shape`. Raises Trouble if nobody answers."""
    try:
        answer = await handle.query(query, args=given, rpc_timeout=PATIENCE)
    except WorkflowQueryFailedError as error:
        raise Trouble(f"{handle.id} does not answer {query!r}: {error}") from error
    except RPCError as error:
        raise no_answer(handle, error) from error
    return TypeAdapter(shape).validate_python(answer)


def no_answer(handle: Handle, error: BaseException) -> Trouble:
    """Say why a case does not answer, and what to do."""
    if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
        return BadInput(f"{handle.id}: {error.message}")
    if isinstance(error, RPCError) and error.status is RPCStatusCode.FAILED_PRECONDITION:
        return NoAnswer(f"{handle.id} is stuck: {error.message} See {STUCK}")
    return NoAnswer(
        f"{handle.id}: no worker answered within {PATIENCE.seconds} s; start one with"
        " `make worker` (or the whole stack with `make stack`)"
    )


def decision(
    verdict: str,
    by: str,
    conditions: list[str],
    comment: str,
    gate: str,
    token: str | None,
    *,
    value: JSON | None = None,
    stands_for: str | None = None,
) -> Decision:
    """Build a decision from words of the command line. Raises BadInput."""
    if verdict not in set(Verdict):
        raise BadInput(f"{verdict!r} is no decision; say {', '.join(Verdict)}")
    said: list[dict[str, str]] = []
    for text in conditions:
        code, equals, figure = text.partition("=")
        if not equals:
            raise BadInput(f"--condition {text!r}: write CODE=VALUE, as LIMIT=10000")
        said.append({"code": code, "value": figure})
    try:
        return Decision(
            verdict=Verdict(verdict),
            by=by,
            gate=gate,
            conditions=tuple(Condition.model_validate(c) for c in said),
            comment=comment,
            token=token,
            value=value,
            stands_for=stands_for,
        )
    except ValidationError as error:
        raise BadInput("; ".join(_said(e) for e in error.errors())) from error


def _said(error: Any) -> str:
    where = ".".join(str(p) for p in error["loc"])
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {text}" if where else text


async def decide(handle: Handle, said: Decision) -> DecisionAnswer:
    """Send a decision and wait for the answer. Raises NotCounted with the reason of a refusal."""
    return TypeAdapter(DecisionAnswer).validate_python(await update(handle, "decide", said))


async def update(handle: Handle, name: str, given: Any) -> Any:
    """Send an update and wait for the answer. Raises NotCounted with the reason of a refusal."""
    try:
        return await handle.execute_update(name, given, rpc_timeout=PATIENCE)
    except WorkflowUpdateFailedError as error:
        why = error.cause
        told = why.message if isinstance(why, ApplicationError) else reason(why)
        raise NotCounted(f"refused: {told}") from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NotCounted(f"refused: too late, {handle.id} is closed") from error
        raise no_answer(handle, error) from error
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError from error  # Ctrl-C, which the SDK takes for a time-out
        raise no_answer(handle, error) from error


def as_proposed(gate: GateView, by: str, comment: str) -> Decision:
    """Build the decision that follows a gate's proposal. Raises Trouble if none can."""
    conditional = gate.proposal == CaseOutcome.APPROVE_WITH_CONDITIONS
    if conditional and not gate.conditions:
        raise Trouble(f"gate {gate.name!r} proposes no conditions; name them with --condition")
    said = Verdict.APPROVE if conditional else gate.proposal
    if said not in gate.verdicts or (said == Verdict.SUPPLY and gate.suggested is None):
        raise Trouble(f"gate {gate.name!r} proposes {gate.proposal!r}; that is for a person to say")
    value = gate.suggested if said == Verdict.SUPPLY else None
    return Decision(
        verdict=Verdict(said),
        by=by,
        gate=gate.name,
        conditions=gate.conditions if conditional else (),
        comment=comment,
        value=value,
    )


async def result(handle: Handle, shape: type[T]) -> T:
    """Wait for a case's result. Raises Trouble if it failed, was cancelled, or cannot be read."""
    try:
        return TypeAdapter(shape).validate_python(await handle.result())
    except RuntimeError as error:
        raise Trouble(f"{handle.id} is done, but its result cannot be read: {error}") from error
    except WorkflowFailureError as error:
        if isinstance(error.cause, CancelledError):
            raise Trouble(f"{handle.id} was cancelled") from error
        raise Trouble(f"{handle.id} failed: {reason(error.cause)}") from error
