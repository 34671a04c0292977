"""The models a step may ask, as ways of doing it: speed, price and quality by the catalogue."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import log

from cli.plans.reading import ASSUMED, Planned
from insight.plan.optimise.composites import cascade, skip, vote, widened
from runtime.catalogue import Catalogue
from workflows.data.blueprints.blueprint import Step
from workflows.data.blueprints.choices import Composite
from workflows.data.blueprints.plan import Mode, Plan, PlanStep
from workflows.data.llm import Usage

MISSED = 0.99
"""The chance that an optional step is not missed: a guess, that leaving out is not free."""
_Z95 = 1.645
_CHECKED = Mode(name="said by the answer", p50=0)
"""What checking an answer takes that says itself how sure it is."""


@dataclass(frozen=True)
class Offer:
    """A plan with the ways of each step, and what those that ask several are made of."""

    plan: Plan
    composites: Mapping[str, Composite]


def offered(of: Planned, catalogue: Catalogue, day: date) -> Offer:
    """Offer a way for each model of some role, votes and cascades a step says, and leaving out what
    is optional.

    Only what a run can do is offered, and only questions asked once may be tried a second time: not
    sources, items, rounds, ways of several, nor what is limited or optional. A model is as much
    slower than the one of the plan as the catalogue says; models without speed, quality or price
    are not offered.
    """
    steps, composites = [], dict[str, Composite]()
    for step in of.plan.steps:
        asked = of.blueprint.steps[step.id]
        models = _models(step, asked.ask, catalogue, of.usage(step.id), day)
        limited = step.modes[0].limit in of.plan.limits
        several = dict(_several(asked, models, catalogue, limited=limited))
        composites |= {mode.name: made for mode, made in several.values()}
        once = not (asked.for_each or asked.repeat or asked.optional or limited or several)
        ways = [*models, *(mode for mode, _ in several.values())]
        if asked.optional:
            ways.append(skip(MISSED))
        told = {"again": once and len(models) > 1, **({"modes": tuple(ways[:1])} if models else {})}
        steps.append(widened(step.model_copy(update=told), ways))
    return Offer(of.plan.model_copy(update={"steps": tuple(steps)}), composites)


def _models(step: PlanStep, role: str, catalogue: Catalogue, usage: Usage, day: date) -> list[Mode]:
    """Give a way for each model, that of the plan first; none where its speed is not known."""
    first = (catalogue.roles.get(role) or ("",))[0]
    if not first or not (usual := _usual(catalogue, first)):
        return []
    known = step.modes[0].model_copy(
        update={"name": first, "quality": catalogue.models[first].quality or 1.0}
    )
    scattered = known.spread or _spread(catalogue, first)
    others = sorted({name for chain in catalogue.roles.values() for name in chain} - {first})
    modes = (_mode(catalogue, name, known, usual, usage, day) for name in others)
    return [known.model_copy(update={"spread": scattered}), *(mode for mode in modes if mode)]


def _several(
    asked: Step, models: Sequence[Mode], catalogue: Catalogue, *, limited: bool
) -> Iterator[tuple[str, tuple[Mode, Composite]]]:
    """Give the ways that ask several: votes of each model, one cheap before the role's own."""
    if (how := asked.vote) and not limited:
        for mode in models:
            made = vote(mode, how.voters, how.voters, how.alike)
            ref = catalogue.ref(mode.name)
            yield made.name, (made, Composite(kind="vote", models=(ref,)))
    if (plan := asked.cascade) and models:
        name = (catalogue.roles.get(plan.first) or ("",))[0]
        strong = models[0]
        for cheap in (mode for mode in models[1:] if mode.name == name):
            made = cascade(cheap, _CHECKED, strong, plan.accepted, plan.right)
            both = catalogue.ref(cheap.name), catalogue.ref(strong.name)
            yield made.name, (made, Composite(kind="cascade", models=both))


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
