"""The graph of a blueprint for people: what may run at once, and what waits for what."""

from collections.abc import Iterator, Mapping

from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.plan import PlanStep, in_order
from workflows.data.blueprints.planned import called, plan_of
from workflows.data.common import JSON


def stages(blueprint: Blueprint) -> list[list[PlanStep]]:
    """Give the steps by how many must end before each, one after the other.

    Steps of one stage may run at once; none waits for a stage, only for what it needs.
    Raises BadTemplate, ValueError for a need that is no step, or for a loop.
    """
    depth: dict[str, int] = {}
    found: list[list[PlanStep]] = []
    for step in in_order(plan_of(blueprint).steps):
        depth[step.id] = 1 + max((depth[need] for need in step.needs), default=-1)
        found += [[]] * (depth[step.id] == len(found))
        found[depth[step.id]] = [*found[depth[step.id]], step]
    return found


def drawn(blueprint: Blueprint) -> Iterator[str]:
    """Give the graph as lines of text."""
    for number, stage in enumerate(stages(blueprint), 1):
        yield f"{number}. {'at once' if len(stage) > 1 else 'then' if number > 1 else 'first'}"
        for step in stage:
            kind = blueprint.steps[step.id].kind
            what = " ".join(filter(None, (kind, called(blueprint.steps[step.id]))))
            waits = [*step.needs, *(f"{soft} (if in time)" for soft in step.soft)]
            after = f"; after {', '.join(waits)}" if waits else ""
            yield f"   {step.id}: {what}{after}"


def mermaid(blueprint: Blueprint) -> Iterator[str]:
    """Give the graph in Mermaid's words; dotted arrows are soft."""
    yield "graph LR"
    for stage in stages(blueprint):
        for step in stage:
            yield f"  {step.id}[{step.id}: {blueprint.steps[step.id].kind}]"
            yield from (f"  {need} --> {step.id}" for need in step.needs)
            yield from (f"  {soft} -.-> {step.id}" for soft in step.soft)


def plain(blueprint: Blueprint) -> Mapping[str, JSON]:
    """Give the graph as JSON: stages of steps, and what each waits for."""
    found = stages(blueprint)
    return {
        "name": blueprint.name,
        "stages": [[step.id for step in stage] for stage in found],
        "needs": {step.id: list(step.needs) for stage in found for step in stage},
        "soft": {step.id: list(step.soft) for stage in found for step in stage if step.soft},
    }
