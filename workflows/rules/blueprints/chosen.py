"""Whether a case can run by the choices it was given: said before anything runs."""

from collections.abc import Mapping

from workflows.data.blueprints.case import BlueprintCase
from workflows.data.blueprints.choices import LEFT_OUT, PLANNER, Choices
from workflows.data.blueprints.plan import StepId
from workflows.data.blueprints.planned import GIVEN
from workflows.data.blueprints.references import Needs


def unfit(case: BlueprintCase, needs: Mapping[StepId, Needs]) -> str:
    """Say why a case cannot run by its choices, and the mend; empty if it can, or has none.

    `needs` are those of its steps.
    """
    chosen = case.choices
    if chosen is None:
        return ""
    if chosen.planner != PLANNER:
        return f"its choices are of planner {chosen.planner!r}, this one is {PLANNER!r}; plan anew"
    if chosen.definition != case.sha256:
        return "its choices were made for another definition of the blueprint; plan anew"
    return _strange(case, chosen, needs)


def _strange(case: BlueprintCase, chosen: Choices, needs: Mapping[StepId, Needs]) -> str:
    steps = case.blueprint.steps
    if {choice.step for choice in chosen.steps} != set(steps):
        return "its choices are not of these steps; plan anew"
    for choice in chosen.steps:
        step = steps[choice.step]
        said = {"vote": step.vote, "cascade": step.cascade}
        known = {name for name, made in chosen.composites.items() if said[made.kind]}
        known |= {GIVEN, *(chosen.models if step.ask else ())}
        if step.optional:
            known.add(LEFT_OUT)
        if strange := [way.name for way in choice.ways if way.name not in known]:
            return f"step {choice.step!r} has no way {strange[0]!r}; plan anew"
        if set(choice.needs) != set(needs[choice.step].hard):
            return f"step {choice.step!r} waits for others than was planned; plan anew"
        if choice.hedged and (not step.ask or step.for_each or step.repeat):
            return f"step {choice.step!r} cannot be tried twice at once; plan anew"
    return ""
