"""What every process has: named branches, gates, and the messages and queries others use."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

from workflows.calls import current_scope, enter_scope, told
from workflows.data.common import (
    BranchState,
    BranchView,
    CostView,
    Decision,
    DecisionAnswer,
    GateView,
    Record,
    Refusal,
    StatusView,
)
from workflows.data.llm import ModelAnswer, Prompt, RoleBook
from workflows.errors import Refused, reason
from workflows.patterns.consult import Consulted, consult
from workflows.patterns.gate import Gate, GateResult, GateSpec

T = TypeVar("T")
R = TypeVar("R", bound=Record)


class Process:
    """Base of every process. A subclass is the workflow and overrides `so_far`."""

    def __init__(self, name: str, case: str) -> None:
        self._name, self._case = name, case
        self._started = workflow.now()
        self._phase = "starting"
        self._outcome: str | None = None
        self._branches: dict[str, BranchView] = {}
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._stopped: dict[str, str] = {}
        self._gates: dict[str, Gate] = {}
        self._refusals: list[Refusal] = []
        self._cost = CostView()
        self.roles: RoleBook | None = None

    # ---- for the process itself ------------------------------------------------------------

    def enter(self, phase: str, outcome: str | None = None) -> None:
        """Say which phase the case is in, and once it is known, its outcome."""
        self._phase, self._outcome = phase, outcome or self._outcome
        workflow.logger.info("phase entered", extra=told(phase=phase))

    async def branch(
        self,
        name: str,
        work: Callable[[], Awaitable[T]],
        otherwise: Callable[[str], T] | None = None,
    ) -> T:
        """Run a branch under its name. If it fails or is stopped, `otherwise(why)` stands in.

        Without `otherwise` its error is raised. Cancellation of the whole process always is.
        """
        self._note(name, BranchState.RUNNING)
        task = asyncio.ensure_future(_in_scope(name, work))
        self._tasks[name] = task
        try:
            value = await task
        except (Exception, asyncio.CancelledError) as error:
            why, state = reason(error), BranchState.DEFAULTED
            if name in self._stopped:
                why, state = self._stopped[name], BranchState.CANCELLED
            elif is_cancelled_exception(error):
                self._note(name, BranchState.CANCELLED, "process cancelled")
                raise
            if otherwise is None:
                self._note(name, BranchState.FAILED, why)
                raise
            self._note(name, state, why)
            return otherwise(why)
        self._note(name, BranchState.SUCCEEDED)
        return value

    def stop_branch(self, name: str, why: str) -> None:
        """Give up a running branch; its stand-in takes the place of its result."""
        task = self._tasks.get(name)
        if task is not None and not task.done():
            self._stopped[name] = why
            task.cancel()

    async def consult(
        self, role: str, prompt: Prompt, record: type[R], *, sample: int = 0
    ) -> Consulted[R]:
        """Ask a role's models and add what it cost to the case and the branch."""
        if self.roles is None:
            raise Refused(f"role {role!r} was not resolved for this case")
        found = await consult(self.roles.chain(role), prompt, record, sample=sample)
        self._spend(found.answer)
        return found

    async def gate(self, spec: GateSpec, remind: Callable[[int], Awaitable[object]]) -> GateResult:
        """Open a gate and wait until people settled it or its deadline passed."""
        gate = Gate(spec)
        self._gates[spec.name] = gate
        return await gate.wait(remind)

    async def finish(self) -> None:
        """Wait for message handlers: none may be cut off by the end of the process."""
        await workflow.wait_condition(workflow.all_handlers_finished)

    def refuse(self, by: str, message: str, why: str) -> None:
        """Keep why a message was refused, for its sender to read."""
        self._refusals.append(Refusal(at=workflow.now(), by=by, message=message, reason=why))
        workflow.logger.warning("message refused", extra=told(message_name=message))

    def so_far(self) -> Record:
        """Give what is known by now. Overridden by each process."""
        return self.status()

    # ---- for other services and people -----------------------------------------------------

    @workflow.query
    def status(self) -> StatusView:
        """Which phase the case is in and what it waits for."""
        waiting = [f"gate {g.spec.name}" for g in self._gates.values() if not g.closed]
        busy = (b.name for b in self._branches.values() if b.state is BranchState.RUNNING)
        return StatusView(
            process=self._name,
            case=self._case,
            phase=self._phase,
            waiting_for=(*waiting, *busy),
            started=self._started,
            outcome=self._outcome,
        )

    @workflow.query
    def branches(self) -> list[BranchView]:
        """Every branch and its state, in the order they were started."""
        return list(self._branches.values())

    @workflow.query
    def result_so_far(self) -> Any:
        """What the process knows by now, in the shape of its own record."""
        return self.so_far()

    @workflow.query
    def open_gates(self) -> list[GateView]:
        """Every gate that waits for somebody."""
        return [g.view() for g in self._gates.values() if not g.closed]

    @workflow.query
    def cost(self) -> CostView:
        """Model calls, tokens and US dollars so far."""
        return self._cost

    @workflow.query
    def refusals(self) -> list[Refusal]:
        """Messages that were refused, and why."""
        return self._refusals

    @workflow.update
    def decide(self, decision: Decision) -> DecisionAnswer:
        """Decide at a gate; answers whether it is settled."""
        return self._open_gate(decision).take(decision)

    @decide.validator
    def _may_decide(self, decision: Decision) -> None:
        self._open_gate(decision)

    @workflow.signal(name="decide")
    def decide_by_signal(self, message: Any) -> None:
        """Decide at a gate without waiting for an answer; a refusal is kept for `refusals`."""
        try:
            decision = Decision.model_validate(message)
            self._open_gate(decision).take(decision)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)
            self.refuse("unknown", "decide", "; ".join(f"{e['loc']}: {e['msg']}" for e in wrong))
        except Refused as error:
            self.refuse(decision.by, "decide", error.message)

    # ---- inside ----------------------------------------------------------------------------

    def _open_gate(self, decision: Decision) -> Gate:
        """Give the gate if the decision may count there. Raises Refused."""
        if not isinstance(decision, Decision):  # an empty payload decodes to None
            raise Refused('a decision is {"verdict": ..., "by": ...}; this message is empty')
        gate = self._gates.get(decision.gate)
        if gate is None:
            raise Refused(
                f"no gate {decision.gate!r} is open: the case is at {self._phase!r}."
                " See the query open_gates"
            )
        if (why := gate.refuse(decision)) is not None:
            raise Refused(why)
        return gate

    def _note(self, name: str, state: BranchState, note: str = "") -> None:
        old = self._branches.get(name)
        running = state is BranchState.RUNNING
        self._branches[name] = BranchView(
            name=name,
            state=state,
            note=note,
            started=workflow.now() if running or old is None else old.started,
            ended=None if running else workflow.now(),
        )
        workflow.logger.info("branch", extra=told(branch=name, state=str(state)))

    def _spend(self, answer: ModelAnswer) -> None:
        branch = current_scope().name.split("/")[0] or self._phase
        old = self._cost
        share = old.by_branch.get(branch, 0) + answer.usd
        self._cost = CostView(
            calls=old.calls + 1,
            input_tokens=old.input_tokens + answer.usage.input_tokens,
            output_tokens=old.output_tokens + answer.usage.output_tokens,
            usd=old.usd + answer.usd,
            by_branch={**old.by_branch, branch: share},
        )


async def _in_scope(name: str, work: Callable[[], Awaitable[T]]) -> T:
    enter_scope(current_scope().inside(name))
    return await work()
