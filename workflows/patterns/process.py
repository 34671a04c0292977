"""What every process has: named branches, gates, and the messages and queries others use."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

from workflows.data.budget import BudgetOrder
from workflows.data.common import (
    BranchState,
    BranchView,
    CostView,
    Decision,
    DecisionAnswer,
    DeskState,
    GateView,
    Record,
    Refusal,
    StatusView,
)
from workflows.data.deciders import Keys
from workflows.data.degrade import Taken
from workflows.data.events import Event, InboxState
from workflows.data.llm import ModelAnswer, Prompt, RoleBook, RoleChain, Usage
from workflows.errors import BudgetSpent, ModelUnavailable, Refused, misfits, reason, usd_of
from workflows.patterns.announce import Announcer
from workflows.patterns.budget import CaseBudget
from workflows.patterns.consult import DEFAULT_TERMS, Consulted, Terms, consult
from workflows.patterns.degrade import Degrade, Degrading
from workflows.patterns.desk import Desk
from workflows.patterns.events import Inbox
from workflows.patterns.gate import GateResult, GateSpec, Remind
from workflows.patterns.signatures import Signatures
from workflows.scope import current_scope, enter_scope, told

T = TypeVar("T")
R = TypeVar("R", bound=Record)


class Process:
    """Base of every process. A subclass is the workflow and overrides `so_far`.

    `desk` is the state of the open gates an earlier run of this process left (continue-as-new);
    `keys` are those of the people who may decide: with them only signed decisions count.
    """

    def __init__(
        self, name: str, case: str, desk: DeskState | None = None, *, keys: Keys | None = None
    ) -> None:
        self._name, self._case = name, case
        self._started = workflow.now()
        self._phase = "starting"
        self._outcome: str | None = None
        self._branches: dict[str, BranchView] = {}
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._stopped: dict[str, str] = {}
        self.announcer = Announcer(name)
        self.desk = Desk(desk, self.announcer, Signatures(keys, workflow.info().workflow_id))
        self.inbox = Inbox(workflow.info().workflow_id)
        self._refusals: list[Refusal] = []
        self._cost = CostView()
        self._degrading: list[Degrading] = []
        self.roles: RoleBook | None = None
        self.terms = DEFAULT_TERMS
        self.budget: CaseBudget | None = None

    # ---- for the process itself ------------------------------------------------------------

    def enter(self, phase: str, outcome: str | None = None) -> None:
        """Say which phase the case is in, and once it is known, its outcome."""
        self._phase, self._outcome = str(phase), outcome or self._outcome
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
                self._note(name, BranchState.CANCELLED, "cancelled")
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
        self,
        role: str | RoleChain,
        prompt: Prompt,
        record: type[R],
        *,
        sample: int = 0,
        terms: Terms | None = None,
    ) -> Consulted[R]:
        """Ask a role's models, or those of a chain, and add the cost to the case and the branch.

        `terms` are the process's own unless given; its budget pays for either.
        """
        terms = terms or self.terms
        if self.budget and not terms.budget:
            terms = replace(terms, budget=self.budget.order.name)

        async def asked(role: str | RoleChain) -> Consulted[R]:
            try:
                found = await consult(self._chain(role), prompt, record, sample=sample, terms=terms)
            except (ModelUnavailable, BudgetSpent) as error:
                self._spend(usd_of(error))
                raise
            self._spend(found.usd, found.answer)
            return found

        if self.budget and isinstance(role, str):
            return await self.budget.paying(role, asked)
        return await asked(role)

    def _chain(self, role: str | RoleChain) -> RoleChain:
        if isinstance(role, RoleChain):
            return role
        if self.roles is None:
            raise Refused(f"role {role!r} was not resolved for this case")
        return self.roles.chain(role)

    async def pay_from(self, order: BudgetOrder, policy: Degrade | None = None) -> None:
        """Pay the models this case consults from a budget, which its children share by its name.

        `policy` says what to do when it runs short; the roles it names must be resolved too.
        """
        self.budget = CaseBudget(order, self.degrade(policy) if policy else None)
        self.terms = replace(self.terms, budget=order.name)
        await self.budget.open()

    def add_cost(self, cost: CostView) -> None:
        """Add what was spent, here or by a child."""
        self._cost = self._cost.plus(cost)

    async def gate(self, spec: GateSpec, remind: Remind | None = None) -> GateResult:
        """Open a gate and wait until people settled it or its deadline passed."""
        return await self.desk.open(spec, remind)

    def degrade(self, policy: Degrade, taken: Sequence[Taken] = ()) -> Degrading:
        """Keep this policy: its gates open here, and the query `measures` shows what it did.

        `taken` is what an earlier run of the process came to.
        """
        kept = Degrading(policy, self.desk.open, taken)
        self._degrading.append(kept)
        return kept

    async def finish(self) -> None:
        """Wait for message handlers: none may be cut off by the end of the process."""
        self.desk.close()
        await workflow.wait_condition(workflow.all_handlers_finished)

    def refuse(self, by: str, message: str, why: str, /, **ids: str) -> None:
        """Keep why a message was refused, for its sender to read; `ids` go into the log."""
        refusal = Refusal(at=workflow.now(), by=by, message=message, reason=why[:500])
        self._refusals = [*self._refusals[-99:], refusal]  # what anybody may send has a bound
        workflow.logger.warning("message refused", extra=told(message_name=message, **ids))

    def so_far(self) -> Record:
        """Give what is known by now. Overridden by each process."""
        return self.status()

    # ---- for other services and people -----------------------------------------------------

    @workflow.query
    def status(self) -> StatusView:
        """Which phase the case is in and what it waits for."""
        waiting = [f"gate {name}" for name in self.desk.names()]
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
        return self.desk.views()

    @workflow.query
    def cost(self) -> CostView:
        """Model calls, tokens and US dollars so far."""
        return self._cost

    @workflow.query
    def measures(self) -> list[Taken]:
        """What was done because something ran short, and why."""
        return [taken for kept in self._degrading for taken in kept.taken]

    @workflow.query
    def refusals(self) -> list[Refusal]:
        """Messages that were refused, and why."""
        return self._refusals

    @workflow.query
    def events(self) -> InboxState:
        """Events that came and are remembered, and how many were dropped or came twice."""
        return self.inbox.state()

    @workflow.signal
    def event(self, message: Any) -> None:
        """Remember an event for whoever waits for it, now or later."""
        try:
            self.inbox.take(Event.model_validate(message))
        except ValidationError as error:
            self.refuse("unknown", "event", misfits(error))

    @workflow.update
    async def decide(self, decision: Decision) -> DecisionAnswer:
        """Decide at a gate; answers whether it is settled."""
        return await self.desk.decide(decision)

    @decide.validator
    def _may_decide(self, decision: Decision) -> None:
        self.desk.check(decision, self._phase)

    @workflow.signal(name="decide")
    async def decide_by_signal(self, message: Any) -> None:
        """Decide at a gate without waiting for an answer; a refusal is kept for `refusals`."""
        try:
            decision = Decision.model_validate(message)
        except ValidationError as error:
            self.refuse("unknown", "decide", misfits(error))
            return
        try:
            await self.desk.decide(decision)
        except Refused as error:
            self.refuse(decision.by, "decide", error.message, **error.kind)

    # ---- inside ----------------------------------------------------------------------------

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

    def _spend(self, usd: Decimal, answer: ModelAnswer | None = None) -> None:
        """Add what was spent by an answer and the unusable replies before it, or by those alone."""
        branch = current_scope().name.split("/")[0] or self._phase
        usage = answer.usage if answer else Usage()
        calls, of_branch = int(answer is not None), {branch: usd} if usd or answer else {}
        tokens = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
        self.add_cost(CostView(calls=calls, usd=usd, by_branch=of_branch, **tokens))


async def _in_scope(name: str, work: Callable[[], Awaitable[T]]) -> T:
    enter_scope(current_scope().inside(name))
    return await work()
