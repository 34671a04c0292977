"""What each kind of step does: a model asked, a source, an effect, a gate, an event, a child."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio import workflow

from workflows.calls import ENDPOINT, ENDPOINT_VIEW, Call, ask
from workflows.data.blueprints.blueprint import EventStep, GateStep, HttpCall, Step, Undo
from workflows.data.blueprints.case import BlueprintCase, BlueprintResult
from workflows.data.blueprints.shapes import record_name, shape
from workflows.data.blueprints.templates import Known
from workflows.data.common import JSON, CostView, Record, Verdict
from workflows.data.llm import FreeText, Prompt
from workflows.data.sources import SourceAnswer, SourceState
from workflows.errors import DeadlinePassed, SourceSilent
from workflows.patterns.gate import ANYBODY, GateSpec
from workflows.patterns.process import Process
from workflows.patterns.reminders import by_chat
from workflows.patterns.saga import current_saga
from workflows.rules.blueprints.doors import EFFECTS, PROCESSES, SOURCES
from workflows.scope import current_scope
from workflows.steps.blueprints.costs import cost_in
from workflows.steps.blueprints.filling import fill, names, plain, request, text
from workflows.steps.blueprints.steering import Steering

NO_DEADLINE, DAILY = timedelta(days=366), timedelta(days=1)
SILENT = (SourceState.UNAVAILABLE, SourceState.REJECTED)
BLUEPRINT = "blueprint"
"""The workflow type of every blueprint."""


class Doing:
    """Does the steps of one case; what a step gives is JSON."""

    def __init__(self, host: Process, case: BlueprintCase, steering: Steering) -> None:
        self.host, self.case, self.steering = host, case, steering
        self.remind = by_chat(f"{case.blueprint.name} {case.case}")

    async def do(self, name: str, step: Step, known: Known, number: int) -> JSON:
        """Do a step once. `number` tells rounds apart: each asks a model anew."""
        match step.kind:
            case "ask":
                return await self._ask(name, step, known, number)
            case "source":
                return await self._source(name, step, known)
            case "effect":
                return await self._effect(name, step, known)
            case "http":
                assert step.http is not None  # noqa: S101 - of this kind
                return await self._http(name, step, step.http, known, number)
            case "gate":
                assert step.gate is not None  # noqa: S101 - of this kind
                return await self._gate(name, step, step.gate, known)
            case "event":
                assert step.event is not None  # noqa: S101 - of this kind
                return await self._event(name, step.event)
            case "run":
                return await self._run(name, step, known)
            case _:
                return fill(f"steps.{name}.give", step.give, known)

    async def _ask(self, name: str, step: Step, known: Known, number: int) -> JSON:
        simpler = await self.steering.simpler(name, step)
        if simpler and not simpler.ask:
            return fill(f"steps.{name}.simpler.give", simpler.give, known)
        record: type[Record] = shape(record_name(name), step.gives) if step.gives else FreeText
        prompt = Prompt(
            name=f"{self.case.blueprint.name}.{name}",
            version=1,
            system="",
            user=text(f"steps.{name}.prompt", step.prompt, known),
            answer=record_name(name) if step.gives else "",
            gives=step.gives,
        )
        if simpler:
            found = await self.host.consult(simpler.ask, prompt, record, sample=number)
            return _json(found.value)
        return _json(await self.steering.ask(name, step, prompt, record, number))

    async def _source(self, name: str, step: Step, known: Known) -> JSON:
        call = SOURCES[step.source]
        answer = await ask(call, request(f"steps.{name}.with", call.input, step.given, known))
        if isinstance(answer, SourceAnswer) and answer.state in SILENT:
            why = answer.error.code if answer.error else answer.state
            raise SourceSilent(f"step {name!r}: source {step.source!r} gave no answer: {why}")
        return _json(answer)

    async def _effect(self, name: str, step: Step, known: Known) -> JSON:
        call = EFFECTS[step.effect]
        order = request(f"steps.{name}.with", call.input, step.given, known)
        return await self._done(name, step, known, call, order)

    async def _http(self, name: str, step: Step, http: HttpCall, known: Known, number: int) -> JSON:
        """Call an endpoint; what a POST is answered with is a receipt, a GET gives the answer."""
        given: dict[str, JSON] = {"endpoint": http.endpoint, "path": http.path}
        where = f"steps.{name}.http"
        if http.method == "GET":
            seen: Any = await _asked(
                ENDPOINT_VIEW, request(where, ENDPOINT_VIEW.input, given, known)
            )
            return _json(seen["body"])
        which = f"{_here()}#{number}" if number else _here()
        given |= {"step": which, "body": dict(step.given)}
        return await self._done(
            name, step, known, ENDPOINT, request(where, ENDPOINT.input, given, known)
        )

    async def _done(
        self, name: str, step: Step, known: Known, call: Call[Any, Any], order: Record
    ) -> JSON:
        """Have an effect, and register its undo with the case."""
        done: dict[str, JSON] = {name: None}

        async def do() -> JSON:
            done[name] = await _asked(call, order)
            return done[name]

        if step.undo is None or (saga := current_saga()) is None:
            return await do()
        undo = partial(self._undo, name, step.undo, known, done)
        return await saga.step(name, do, undo, again=True)

    async def _undo(self, name: str, undo: Undo, known: Known, done: Mapping[str, JSON]) -> None:
        steps = known["steps"]
        given = {**known, "steps": {**(steps if isinstance(steps, dict) else {}), **done}}
        call = EFFECTS[undo.effect]
        await ask(call, request(f"steps.{name}.undo.with", call.input, undo.given, given))

    async def _gate(self, name: str, step: Step, gate: GateStep, known: Known) -> JSON:
        supplies = step.gives and Verdict.SUPPLY in gate.verdicts
        people = names(f"steps.{name}.gate.people", gate.people, known)
        spec = GateSpec(
            name=_gate_name(name),
            question=text(f"steps.{name}.gate.question", gate.question, known),
            proposal="",
            people={person: frozenset() for person in people},
            needs=(ANYBODY,),
            deadline=gate.deadline or NO_DEADLINE,
            remind_every=min(DAILY, gate.deadline / 2) if gate.deadline else DAILY,
            verdicts=gate.verdicts,
            supplies=shape(record_name(name), step.gives) if supplies else None,
        )
        said = (await self.host.gate(spec, self.remind)).last
        if said is None and gate.by_default is None:
            raise DeadlinePassed(f"gate {spec.name!r}: nobody decided within {gate.deadline}")
        if said is None:
            return {"verdict": gate.by_default, "by": "", "comment": "", "value": None}
        value = {"comment": said.comment, "value": said.value}
        return {"verdict": said.verdict, "by": said.by, **value}

    async def _event(self, name: str, event: EventStep) -> JSON:
        came = await self.host.inbox.wait(event.name, deadline=event.deadline)
        if not came.complete:
            told = f"step {name!r}: no event {event.name!r} came within {event.deadline}"
            raise DeadlinePassed(told)
        self.host.inbox.forget(*came.events)
        return came.events[0].event.body

    async def _run(self, name: str, step: Step, known: Known) -> JSON:
        where = f"steps.{name}.with"
        if (other := self.case.others.get(step.run)) is None:
            order = request(where, PROCESSES[step.run], step.given, known)
            ended: Any = await workflow.execute_child_workflow(step.run, order, id=_here())
            self._count(name, cost_in(ended))
            return _json(ended)
        values = fill(where, dict(step.given), known)
        given = self.case.model_copy(update={"blueprint": other, "values": values, "choices": None})
        result: BlueprintResult = await workflow.execute_child_workflow(
            BLUEPRINT, given, id=_here(), result_type=BlueprintResult
        )
        self._count(name, result.cost)
        return dict(result.result)

    def _count(self, name: str, cost: CostView) -> None:
        """Add what a child's models cost, as this step's."""
        self.host.add_cost(cost.model_copy(update={"by_branch": {name: cost.usd}}))


def _here() -> str:
    """Name where we are: workflow and step, with the item's number; children differ by it."""
    return f"{workflow.info().workflow_id}/{current_scope().name}"


def _gate_name(step: str) -> str:
    """Name a step's gate; of one for each item, with the item's number."""
    return current_scope().name.replace("/", "-") or step


async def _asked(call: Call[Any, Any], order: Record) -> JSON:
    return _json(await ask(call, order))


def _json(value: Any) -> JSON:
    """Give an answer as the JSON later steps read."""
    found: JSON = plain(value)
    return found
