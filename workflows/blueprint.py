"""Blueprints run: one workflow for every process that is written as data."""

import json
from collections.abc import Iterator
from functools import partial

from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.case import BlueprintCase, BlueprintResult, Revised, StepEnd
from workflows.data.blueprints.decided import Decided
from workflows.data.budget import BudgetOrder
from workflows.data.common import JSON, BranchState
from workflows.data.llm import RoleQuery
from workflows.errors import Misuse, Unusable, reason
from workflows.patterns.outcome import Outcome
from workflows.patterns.plan.run import Ran, run_plan
from workflows.patterns.plan.step import Seen
from workflows.patterns.process import Process
from workflows.patterns.saga import Saga
from workflows.rules.blueprints.chosen import unfit
from workflows.rules.blueprints.doors import misfits
from workflows.steps.blueprints.doing import BLUEPRINT, Doing
from workflows.steps.blueprints.filling import complete, fill, plain
from workflows.steps.blueprints.planning import Planning
from workflows.steps.blueprints.steering import Steering

LARGEST = 1_000_000
"""Bytes of a result; the server takes two million, with what became of the steps."""
STATES = {
    "skipped": BranchState.CANCELLED,
    "not_started": BranchState.CANCELLED,
    "failed": BranchState.FAILED,
    "defaulted": BranchState.DEFAULTED,
}


@workflow.defn(name=BLUEPRINT)
class BlueprintRun(Process):
    """One case of a blueprint, whose definition is its input."""

    @workflow.init
    def __init__(self, case: BlueprintCase) -> None:
        super().__init__(BLUEPRINT, case.case, keys=case.blueprint.keys)
        self.case, self.steering = case, Steering(self, case)
        self.known = BlueprintResult(
            case=case.case, blueprint=case.blueprint.name, sha256=case.sha256
        )
        self.decided: Decided | None = None

    @workflow.run
    async def run(self, case: BlueprintCase) -> BlueprintResult:
        """Run every step the moment what it reads is there, then put the result together."""
        if wrong := misfits(case):
            told = "; ".join(f"{'.'.join(map(str, where))}: {said}" for where, said in wrong)
            raise Misuse(f"blueprint {case.blueprint.name!r}: {told}")
        doing = Doing(self, case, self.steering)
        planning = Planning(complete(case), doing, partial(self.gate, remind=doing.remind))
        steps = await planning.steps()
        if why := unfit(case, planning.needs):
            raise Misuse(f"blueprint {case.blueprint.name!r}: {why}")
        roles = tuple(dict.fromkeys(_roles(case.blueprint)))
        if roles:
            self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=roles))
        if case.blueprint.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=case.blueprint.budget_usd))
        self.enter("running")
        async with Saga():
            ran = await run_plan(steps, limits=case.blueprint.limits, watcher=self)
            result = _bounded(self._result(planning, ran))
        revised = (Revised(step=r.step, late=r.late, at=r.at) for r in ran.revisions)
        update = {"outcome": "done", "result": result, "revisions": tuple(revised)}
        self.decided = self.steering.decided(over=True)
        await self.steering.keep_pace()
        self.known = self.known.model_copy(update=update)
        self.enter("closed", "done")
        await self.finish()
        return self.so_far()

    def step_began(self, name: str) -> None:
        """Show that a step is under way."""
        self._note(name, BranchState.RUNNING)

    def step_ended(self, outcome: Outcome[JSON]) -> None:
        """Show what became of a step."""
        why = reason(outcome.error) if outcome.error else ""
        self._note(outcome.name, STATES.get(outcome.status, BranchState.SUCCEEDED), why)
        ended = {**self.known.steps, outcome.name: StepEnd(state=outcome.status, why=why)}
        self.known = self.known.model_copy(update={"steps": ended})
        self.steering.end(outcome)

    def so_far(self) -> BlueprintResult:
        """Give what became of the steps by now, and at the end the result."""
        decided = self.decided or self.steering.decided()
        return self.known.model_copy(update={"cost": self.cost(), "decided": decided})

    def _result(self, planning: Planning, ran: Ran) -> dict[str, JSON]:
        """Give what the blueprint says its result is; without it, what each step gave."""
        if not (wanted := dict(self.case.blueprint.result)):
            return {name: plain(value) for name, value in ran.values.items()}
        result = fill("result", wanted, planning.known(None, Seen(ran.values)))
        assert isinstance(result, dict)  # noqa: S101 - fields stay fields
        return result


def _roles(blueprint: Blueprint) -> Iterator[str]:
    for step in blueprint.steps.values():
        yield from (role for role in (step.ask, step.simpler and step.simpler.ask) if role)


def _bounded(result: dict[str, JSON]) -> dict[str, JSON]:
    """Refuse a result the server would not take: the case could never end."""
    if (size := len(json.dumps(result, ensure_ascii=False).encode())) > LARGEST:
        raise Unusable(f"result: {size:,} bytes; {LARGEST:,} at most, so name fewer fields in it")
    return result
