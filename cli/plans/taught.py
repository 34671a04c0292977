"""What past runs taught of the steps of one blueprint, out of all that was learned."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from insight.learned.estimates import Estimate
from insight.learned.steps import BLUEPRINT, COORDINATION, EACH, RUN
from insight.plan.learned import Seen
from runtime.catalogue import Catalogue
from workflows.calls import ENDPOINT
from workflows.data.blueprints.blueprint import Blueprint, Step
from workflows.data.blueprints.plan import StepId
from workflows.data.blueprints.planned import called
from workflows.data.llm import Usage
from workflows.rules.blueprints.doors import EFFECTS


@dataclass(frozen=True)
class Known:
    """What was learned by snapshot `number`."""

    number: int
    estimates: Sequence[Estimate]


class Taught:
    """Finds for each step what it should be planned with: best, what its own runs taught.

    Else a model's times are those of the role's first one, over all processes, and other times
    those of what is called, by blueprints if there are any. Of several, real before simulated ones,
    then the one that rests on most calls.
    """

    def __init__(
        self, blueprint: Blueprint, catalogue: Catalogue, known: Sequence[Estimate]
    ) -> None:
        self.blueprint, self.catalogue, self.known = blueprint, catalogue, known
        mine = f"{blueprint.name}@"
        own = [e for e in known if e.key.process == BLUEPRINT and e.key.step.startswith(mine)]
        own.sort(key=lambda e: not e.key.simulated)  # real ones are kept
        self.own = {e.key.step.removeprefix(mine): e for e in own}

    def coordination(self) -> float | None:
        """Give the seconds the engine took for each step; None if no run told."""
        return self.own[COORDINATION].p50 if COORDINATION in self.own else None

    def steps(self) -> Mapping[StepId, Seen]:
        """Give what is known of each step of which something is."""
        return {name: seen for name, step in self._all() if (seen := self._seen(name, step))}

    def tokens(self) -> Mapping[StepId, Usage]:
        """Give what a call of each step's model reads and writes, where runs told."""
        return {name: usage for name, step in self._all() if (usage := self._usage(name, step))}

    def _all(self) -> Iterator[tuple[StepId, Step]]:
        yield from self.blueprint.steps.items()

    def _usage(self, name: StepId, step: Step) -> Usage | None:
        model = self.catalogue.roles.get(step.ask, ("",))[0]
        same = [e for e in self.known if model and e.key.model == model and e.input_tokens]
        own = self.own.get(name + EACH if step.for_each else name)
        found = own if own and own.input_tokens else max(same, key=lambda e: e.n, default=None)
        if not step.ask or found is None or not found.input_tokens:
            return None
        wrote = round(found.output_tokens or 0)
        return Usage(input_tokens=round(found.input_tokens), output_tokens=wrote)

    def _seen(self, name: StepId, step: Step) -> Seen | None:
        """Say what a step's own runs taught, or what those of its model or call did."""
        runs, own = self.own.get(RUN), self.own.get(name)
        each = self.own.get(name + EACH) if step.for_each else own
        if runs is None or own is None or each is None:
            other = self._alike(step)
            return Seen(other) if other else None
        maybe = step.when or step.for_each  # of an empty list nothing happens
        chance = min(1.0, own.calls / runs.calls) if maybe else None
        return Seen(each, whole=True, chance=chance, times=max(1, round(each.calls / own.calls)))

    def _alike(self, step: Step) -> Estimate | None:
        models = self.catalogue.roles.get(step.ask, ())[:1]
        fits = [(_fit(e, step, models), e) for e in self.known]
        some = [(fit, not e.key.simulated, e.n, e) for fit, e in fits if fit]
        return max(some, key=lambda one: one[:3])[3] if some else None


def _fit(e: Estimate, step: Step, models: Sequence[str]) -> int:
    """Say how well an estimate fits a step; 0: not at all."""
    if step.ask:
        return int(e.key.model in models and not e.key.process)
    if step.gate or step.event or not (name := called(step)):
        return 0
    call = EFFECTS.get(step.effect) or (ENDPOINT if step.http else None)
    fits = e.key.step == (call.name if call else name)
    return fits + (fits and e.key.process == BLUEPRINT)
