"""A blueprint's steps as the executor takes them: conditions and policies filled in."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from workflows.data.blueprints.blueprint import Step
from workflows.data.blueprints.case import BlueprintCase
from workflows.data.blueprints.filters import BadTemplate
from workflows.data.blueprints.planned import called, seconds
from workflows.data.blueprints.references import (
    Needs,
    Read,
    needs_from,
    reads_in,
    result_templates,
    templates,
)
from workflows.data.blueprints.shapes import Supplied, record_name, shape
from workflows.data.blueprints.templates import Known, prepare
from workflows.data.common import JSON
from workflows.errors import Misuse
from workflows.patterns.branch import Branch
from workflows.patterns.clock import pause
from workflows.patterns.failure import Policy, ask, fallback, skip
from workflows.patterns.gate import GateResult, GateSpec, OpenGate, task_gate
from workflows.patterns.plan.step import Again, Each, Planned, Seen
from workflows.steps.blueprints.doing import DAILY, Doing
from workflows.steps.blueprints.filling import condition, fill, items, names, plain

PATIENCE = timedelta(days=30)
"""How long people asked about a failed step are waited for."""
MOST_READ, EACH = 30_000, 60
"""Characters of templates read in one workflow task, and how many each is worth at least: 0.2 s of
work. One that works for five seconds outlasts what the server gives it, and is begun anew."""
NEXT_TASK = timedelta(milliseconds=1)
Knowing = Callable[[Seen], Known]


class Planning:
    """Makes the plan of one case."""

    def __init__(self, case: BlueprintCase, doing: Doing, open_gate: OpenGate) -> None:
        self.case, self.doing, self.open_gate = case, doing, open_gate
        self.seen: dict[str, Seen] = {}
        self.needs: dict[str, Needs] = {}
        self._read = 0

    async def steps(self) -> list[Planned]:
        """Give every step. Raises Misuse for a template that cannot be taken."""
        steps = self.case.blueprint.steps
        try:
            for name, step in steps.items():
                found = [r for at, text in templates(step) for r in await self._reads(at, text)]
                self.needs[name] = needs_from(name, step, found)
            for at, text in result_templates(self.case.blueprint):
                await self._reads(at, text)
        except BadTemplate as error:
            raise Misuse(f"blueprint {self.case.blueprint.name!r}: {error}") from None
        return [self._step(n, s, self.needs[n]) for n, s in steps.items()]

    async def _reads(self, where: str, text: str) -> list[Read]:
        """Read one template, and make it ready; a workflow task reads only so many."""
        if "{" not in text:
            return []
        if self._read and self._read + len(text) > MOST_READ:
            await pause(NEXT_TASK, "reading templates")
            self._read = 0
        self._read += len(text) + EACH
        found = [*reads_in(where, text)]
        prepare(text)
        return found

    def known(self, step: Step | None, seen: Seen, soft: Sequence[str] = ()) -> Known:
        """Give what templates of a step may read; soft steps that are not there are empty."""
        steps = dict.fromkeys(soft) | {name: plain(v) for name, v in seen.steps.items()}
        known: dict[str, JSON] = {"input": dict(self.case.values), "steps": steps}
        if step and step.for_each:
            known["item"] = seen.item
        if step and step.repeat:
            known["last"] = seen.last
        return known

    def _step(self, name: str, step: Step, needs: Needs) -> Planned:
        known = partial(self.known, step, soft=needs.soft)

        async def work(seen: Seen) -> JSON:
            self.seen[name] = seen
            self.doing.steering.begin(name, step)
            return await self.doing.do(name, step, known(seen), seen.round)

        return Planned(
            name=name,
            work=work,
            needs=needs.hard,
            soft=needs.soft,
            soft_wait=step.soft_wait,
            when=self._happens(name, step, known),
            each=_each(name, step, known),
            again=_again(name, step, known),
            attempts=step.attempts or 1,
            timeout=step.timeout,
            on_failure=self._policy(name, step, known),
            uses=(called(step), *step.uses),
            seconds=seconds(step),
        )

    def _happens(self, name: str, step: Step, known: Knowing) -> Callable[[Seen], bool] | None:
        """Read `when`; an optional step may be left out besides."""
        when = _if(f"steps.{name}.when", step.when, known) if step.when else None
        if not step.optional:
            return when
        leaves_out = self.doing.steering.leaves_out
        return lambda seen: (when is None or when(seen)) and not leaves_out(name)

    def _policy(self, name: str, step: Step, known: Knowing) -> Policy | None:
        failure = step.on_failure
        if failure.skip:
            return skip()
        if failure.ask:
            supplies = shape(record_name(name), step.gives) if step.gives else Supplied
            question = f"Step {name} failed. Try it again, go on without it, or say what it gives?"
            spec = task_gate(
                *(f"{name}-failed", question, _seated(failure.ask)),
                deadline=PATIENCE,
                remind_every=DAILY,
                supplies=supplies,
            )

            async def opened(spec: GateSpec) -> GateResult:
                read = known(self.seen.get(name, Seen()))
                people = names(f"steps.{name}.on_failure.ask", failure.ask, read)
                return await self.open_gate(replace(spec, people=_seated(people)))

            return ask(spec, opened)
        if failure.fail or failure.default is None:
            return None

        async def stand_in() -> JSON:
            where = f"steps.{name}.on_failure.default"
            return fill(where, failure.default, known(self.seen.get(name, Seen())))

        return fallback(Branch("default", stand_in))


def _seated(people: Sequence[str]) -> dict[str, frozenset[str]]:
    return {person: frozenset() for person in people}


def _if(where: str, template: str, known: Knowing) -> Callable[[Seen], bool]:
    return lambda seen: condition(where, template, known(seen))


def _each(name: str, step: Step, known: Knowing) -> Each | None:
    if not step.for_each:
        return None
    where, template = f"steps.{name}.for_each", step.for_each
    return Each(
        lambda seen: items(where, template, known(seen)),
        at_once=step.at_once,
        enough=step.enough,
        tolerate=step.tolerate,
    )


def _again(name: str, step: Step, known: Knowing) -> Again | None:
    """Read `until`, which may name the step itself as well as `last`."""
    if step.repeat is None:
        return None
    repeat, where = step.repeat, f"steps.{name}.repeat.until"

    def until(seen: Seen) -> bool:
        with_own = replace(seen, steps={**seen.steps, name: seen.last})
        return condition(where, repeat.until, known(with_own))

    return Again(until, repeat.at_most)
