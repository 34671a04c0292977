"""A blueprint as a plan: its graph, with the one way of doing each step that `takes` gives."""

from collections.abc import Mapping

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

    Every step is taken to happen (a bound: `when` may leave it out). Raises BadTemplate for a
    template not taken, ValueError for a need that is no step, or for a loop.
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


def _step(name: StepId, step: Step, needs: Needs, limits: Mapping[str, Limit]) -> PlanStep:
    limit = next((used for used in (called(step), *step.uses) if used in limits), "")
    return PlanStep(
        id=name,
        modes=(Mode(name=GIVEN, p50=seconds(step), attempts=step.attempts or 1, limit=limit),),
        needs=needs.hard,
        soft=needs.soft,
        soft_wait=step.soft_wait.total_seconds() if needs.soft else 0.0,
        at_once=step.at_once,
        uses=step.uses,
        effect=changes(step),
        waits=step.kind in ("gate", "event"),
    )
