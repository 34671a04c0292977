"""The models a step may ask, as ways of doing it: speed, price and quality by the catalogue."""

from datetime import date
from math import log

from cli.plans.reading import ASSUMED, Planned
from insight.plan.optimise.composites import skip, widened
from runtime.catalogue import Catalogue
from workflows.data.blueprints.plan import Mode, Plan
from workflows.data.llm import Usage

MISSED = 0.99
"""The chance that an optional step is not missed: a guess, that leaving out is not free."""
_Z95 = 1.645


def offered(of: Planned, catalogue: Catalogue, day: date) -> Plan:
    """Give the plan with a way for each model of some role, and of leaving out what is optional.

    Only what a run can do is offered, and only questions asked once may be tried a second time: not
    sources, items, rounds, nor what is limited. A model is as much slower than the one of the plan
    as the catalogue says; models without speed, quality or price are not offered.
    """
    steps = []
    for step in of.plan.steps:
        asked, more = of.blueprint.steps[step.id], []
        first = (catalogue.roles.get(asked.ask) or ("",))[0]
        if first and (usual := _usual(catalogue, first)):
            known = step.modes[0].model_copy(
                update={"name": first, "quality": catalogue.models[first].quality or 1.0}
            )
            scattered = known.spread or _spread(catalogue, first)
            step = step.model_copy(
                update={"modes": (known.model_copy(update={"spread": scattered}),)}
            )
            more = [
                mode
                for name in sorted({name for role in catalogue.roles.values() for name in role})
                if name != first
                and (mode := _mode(catalogue, name, known, usual, of.usage(step.id), day))
            ]
        if asked.optional:
            more.append(skip(MISSED))
        once = not (asked.for_each or asked.repeat or step.modes[0].limit in of.plan.limits)
        again = bool(more and asked.ask and once)
        steps.append(widened(step.model_copy(update={"again": again}), more))
    return of.plan.model_copy(update={"steps": tuple(steps)})


def _usual(catalogue: Catalogue, model: str) -> float:
    speed = catalogue.speed(model)
    return speed.seconds(ASSUMED.output_tokens) if speed else 0.0


def _spread(catalogue: Catalogue, model: str) -> float:
    speed = catalogue.speed(model)
    late = speed.p95 / _usual(catalogue, model) if speed else 1.0
    return max(0.0, log(late) / _Z95)


def _mode(
    catalogue: Catalogue, name: str, known: Mode, usual: float, usage: Usage, day: date
) -> Mode | None:
    took, entry = _usual(catalogue, name), catalogue.models[name]
    usd = catalogue.usd(name, usage, day)
    if not took or entry.quality is None or usd is None:
        return None
    return known.model_copy(
        update={
            "name": name,
            "p50": known.p50 * took / usual,
            "spread": _spread(catalogue, name),
            "usd": float(usd),
            "quality": entry.quality,
        }
    )
