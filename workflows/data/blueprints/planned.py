"""A blueprint as a plan: its graph, with the one way of doing each step that `takes` gives."""

from collections.abc import Iterator, Mapping
from math import ceil

from workflows.data.blueprints.blueprint import Blueprint, Step
from workflows.data.blueprints.plan import Limit, Mode, Plan, PlanStep, StepId
from workflows.data.blueprints.references import Needs, needs_of

GIVEN = "given"
"""The name of that one mode."""
USUAL: Mapping[str, float] = {
    "ask": 6.0,
    "source": 2.0,
    "effect": 1.0,
    "http": 1.0,
    "gate": 4 * 3600.0,
    "event": 3600.0,
    "run": 60.0,
    "give": 0.0,
}
"""Seconds a step is taken to last by its kind, when `takes` says nothing. Guesses: runs teach."""


def plan_of(blueprint: Blueprint) -> Plan:
    """Give a blueprint's plan. `takes` is a step's whole time, with its items and rounds.

    Where `items` or `chance` say nothing, a step is taken to be done once, and always. Raises
    BadTemplate for a template not taken, ValueError for a need that is no step, or for a loop.
    """
    needs = needs_of(blueprint)
    steps = blueprint.steps.items()
    return Plan(
        name=blueprint.name,
        steps=tuple(_step(name, step, needs[name], blueprint.limits) for name, step in steps),
        limits=blueprint.limits,
    )


def seconds(step: Step) -> float:
    """How long a step is taken to last until runs have taught better."""
    return step.takes.total_seconds() if step.takes else USUAL[step.kind]


def changes(step: Step) -> bool:
    """Tell whether a step changes the outside world."""
    return bool(step.effect) or bool(step.http and step.http.method == "POST")


def called(step: Step) -> str:
    """The name of what a step calls: role, source, effect, endpoint or process; else empty."""
    if step.http:
        return step.http.endpoint
    return step.ask or step.source or step.effect or step.run


def assumed(step: Step) -> Iterator[str]:
    """Say what is taken for granted of a step, as its number of calls is not known."""
    if step.for_each and step.items is None:
        yield "for_each is counted as one item (say items)"
    if step.when and step.chance is None:
        yield "when is taken to hold always (say chance)"
    if step.repeat:
        yield "repeat is counted as one round"


def _step(name: StepId, step: Step, needs: Needs, limits: Mapping[str, Limit]) -> PlanStep:
    limit = next((used for used in (called(step), *step.uses) if used in limits), "")
    times = step.items or 1
    each = seconds(step) / ceil(times / (step.at_once or times))
    return PlanStep(
        id=name,
        modes=(Mode(name=GIVEN, p50=each, attempts=step.attempts or 1, limit=limit),),
        needs=needs.hard,
        soft=needs.soft,
        soft_wait=step.soft_wait.total_seconds() if needs.soft else 0.0,
        chance=1.0 if step.chance is None else step.chance,
        times=times,
        at_once=step.at_once,
        uses=step.uses,
        effect=changes(step),
        waits=step.kind in ("gate", "event"),
    )
