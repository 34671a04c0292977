"""How a case keeps to its choices: which model a step asks, when again, and what is left out."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import TypeVar

from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import KEEP_PACE, ask
from workflows.data.blueprints.blueprint import Simpler, Step
from workflows.data.blueprints.case import BlueprintCase
from workflows.data.blueprints.choices import LEFT_OUT
from workflows.data.blueprints.decided import Decided, TurnKind
from workflows.data.blueprints.plan import StepId
from workflows.data.blueprints.replan import PERMILLE
from workflows.data.common import JSON, Record
from workflows.data.llm import ModelRef, Prompt, RoleChain
from workflows.data.paces import Pace
from workflows.data.route import LoadLevel
from workflows.data.strategies import HedgeRecord
from workflows.errors import Refused, reason
from workflows.patterns.hedge import hedge
from workflows.patterns.otherwise import give_up
from workflows.patterns.outcome import Outcome
from workflows.patterns.plan.course import MILLION, Course, TurnLog
from workflows.patterns.process import Process
from workflows.patterns.respondents import Decided as Settled
from workflows.patterns.respondents import Respondent
from workflows.patterns.route import read_load
from workflows.scope import enter_level, log, told
from workflows.steps.blueprints.several import Several

R = TypeVar("R", bound=Record)
SECOND = 100
"""Added to the sample of a second try, so that it reads no paid answer back; rounds are fewer."""
WAITS = ("gate", "event")
"""Kinds of steps that wait for people: they say nothing of how slow services are."""


class Steering:
    """Steers one case. Without choices every step is done as the blueprint says, or simpler."""

    def __init__(self, host: Process, case: BlueprintCase) -> None:
        self.host, self.case, self.log = host, case, TurnLog()
        chosen = case.choices
        self.course = None if chosen is None else Course(chosen, self.log, self._spent)
        self._looked: dict[StepId, asyncio.Task[Simpler | None]] = {}
        self._second, self._simplified = set[StepId](), set[StepId]()

    def _spent(self) -> int:
        return round(self.host.cost().usd * MILLION)

    def leaves_out(self, name: StepId) -> bool:
        """Say, of a step that could begin, whether it is left out; it is kept why."""
        if self.course is None or (way := self.course.way(name)).name != LEFT_OUT:
            return False
        choice = self.course.choice(name)
        moved = choice.way != way and "the run moved it"
        self.log.note(TurnKind.LEFT_OUT, name, way.name, moved or choice.why)
        return True

    def begin(self, name: StepId, step: Step) -> None:
        """Hear that a step begins; what it does from here on is as urgent as it is."""
        if self.course is not None:
            enter_level(self.course.choice(name).level)
            self.course.begin(name, teaches=step.kind not in WAITS)

    def end(self, outcome: Outcome[JSON]) -> None:
        """Hear what became of a step."""
        if self.course is None:
            return
        name = outcome.name
        first = outcome.status == "succeeded" and not outcome.via and outcome.attempts == 1
        teaches = first and name not in self._simplified
        self.course.end(name, teaches=teaches, second=name in self._second)

    async def simpler(self, name: StepId, step: Step) -> Simpler | None:
        """Give what a step does instead, if much waits; found out once for all its items."""
        if step.simpler is None:
            return None
        if name not in self._looked:
            self._looked[name] = asyncio.ensure_future(self._look(name, step, step.simpler))
        return await asyncio.shield(self._looked[name])

    async def _look(self, name: StepId, step: Step, simpler: Simpler) -> Simpler | None:
        target = self._chain(name, step).models[0]
        pace = self.course.slower() if self.course else PERMILLE
        why = f"steps take {pace / PERMILLE:.2f} times as long as learned"
        if pace < simpler.slower * PERMILLE:
            reading = await read_load(target.queue, busy_from=simpler.waiting)
            if reading.level is not LoadLevel.BUSY:
                return None
            why = f"{target.queue} is busy: {reading.why}"
        way = f"ask {simpler.ask}" if simpler.ask else "give"
        self._simplified.add(name)
        self.log.note(TurnKind.SIMPLER, name, way, why, target.model)
        return simpler

    async def ask(
        self, name: StepId, step: Step, prompt: Prompt, record: type[R], number: int
    ) -> R:
        """Ask as the step's way says, and the others of its role if its model gives no answer."""
        if self.course and (made := self.course.composite(name)):
            several = Several(self.host, name, step, prompt)
            return await several.ask(made, self._role(step), record, number)
        quick = self._quickest(name)
        if quick is not None:
            return await self._hedged(name, step, prompt, record, number, quick)
        role = self._chain(name, step) if self.course else step.ask
        return (await self.host.consult(role, prompt, record, sample=number)).value

    async def _hedged(
        self,
        name: StepId,
        step: Step,
        prompt: Prompt,
        record: type[R],
        number: int,
        quick: ModelRef,
    ) -> R:
        """Ask, and ask the quickest model too once the course says it is time."""
        assert self.course is not None  # noqa: S101 - it named the quickest
        first, second = self._chain(name, step), _first(self._role(step), quick)
        hasty, asked = replace(self.host.terms, patient=False), self.host.consult
        one = partial(asked, first, prompt, record, sample=number, terms=hasty)
        two = partial(asked, second, prompt, record, sample=number + SECOND)
        again = f"{quick.model}, again"
        found: Settled[R, HedgeRecord] = await hedge(
            name,
            Respondent(first.models[0].model, one),
            Respondent(again, two),
            after=partial(self.course.late, name),
            otherwise=give_up(),
        )
        if found.record.via == again:
            self._second.add(name)
        if found.record.second == "first was late":
            self.log.add(name, TurnKind.AGAIN, found.record.why)
        return found.value

    def _quickest(self, name: StepId) -> ModelRef | None:
        """Give the model of a second try, if there may be one."""
        if self.course is None or not self.course.may_try_again(name):
            return None
        return self.course.choices.models.get(self.course.quickest(name).name)

    def _chain(self, name: StepId, step: Step) -> RoleChain:
        role = self._role(step)
        if self.course is None:
            return role
        target = self.course.choices.models.get(self.course.way(name).name)
        return role if target is None else _first(role, target)

    def _role(self, step: Step) -> RoleChain:
        if self.host.roles is None:
            raise Refused(f"role {step.ask!r} was not resolved for this case")
        return self.host.roles.chain(step.ask)

    async def keep_pace(self) -> None:
        """Keep how slow this run was for the next one, which can do without."""
        if self.course is None:
            return
        made, slower = self.course.choices, self.course.slower()
        name, snapshot = self.case.blueprint.name, made.snapshot or 0
        kept = Pace(blueprint=name, definition=made.definition, snapshot=snapshot, slower=slower)
        try:
            await ask(KEEP_PACE, kept)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            log.warning("pace not kept", extra=told(why=reason(error)))

    def decided(self, *, over: bool = False) -> Decided | None:
        """Give what was decided so far; None if there is nothing to tell."""
        if self.course is not None:
            return self.course.decided(over=over)
        turns, lost = tuple(self.log.turns), self.log.lost
        return Decided(turns=turns, lost=lost) if turns else None


def _first(role: RoleChain, target: ModelRef) -> RoleChain:
    """Put a model before the others of a role."""
    others = (model for model in role.models if model != target)
    return role.model_copy(update={"models": (target, *others)})
