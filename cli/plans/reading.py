"""A blueprint as a plan to be analysed: its file checked, models priced, durations as learned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import log
from pathlib import Path

from cli.blueprints.auditing import audited
from cli.blueprints.reading import read_blueprint
from cli.errors import BadInput
from cli.learning import steps
from insight.learned.estimates import Estimate, estimates
from insight.plan.learned import Z95, with_learned
from runtime.catalogue import Catalogue
from runtime.settings import Settings
from store.database import Store
from store.estimates import Estimates
from workflows.calls import ENDPOINT
from workflows.data.blueprints.blueprint import Blueprint, Step
from workflows.data.blueprints.plan import Plan, PlanStep, StepId
from workflows.data.blueprints.planned import called, plan_of
from workflows.data.llm import Usage
from workflows.rules.blueprints.doors import EFFECTS

BLUEPRINT = "blueprint"
"""The workflow type of every blueprint."""
ASSUMED = Usage(input_tokens=1_500, output_tokens=400)
"""What a model call is taken to read and write when it is priced."""


@dataclass(frozen=True)
class Known:
    """What was learned by snapshot `number`."""

    number: int
    estimates: Sequence[Estimate]


@dataclass(frozen=True)
class Planned:
    """A blueprint and its plan; `learned` names the steps whose durations were learned."""

    blueprint: Blueprint
    plan: Plan
    learned: frozenset[StepId] = frozenset()
    snapshot: int | None = None


def planned(path: Path, catalogue: Catalogue, known: Known | None = None) -> Planned:
    """Read a blueprint and plan it. Raises BadInput with each mistake the audit finds."""
    source = read_blueprint(path)
    if wrong := [placed.line() for placed in audited(source) if placed.is_error]:
        raise BadInput("\n".join(wrong))
    return of(source.blueprint, catalogue, known)


def of(blueprint: Blueprint, catalogue: Catalogue, known: Known | None = None) -> Planned:
    """Plan a blueprint that is sound."""
    plan = plan_of(blueprint)
    day = datetime.now(UTC).date()
    named = tuple(_named(s, blueprint.steps[s.id], catalogue, day) for s in plan.steps)
    plan = plan.model_copy(update={"steps": named})
    if known is None:
        return Planned(blueprint, plan)
    found = _matched(blueprint, catalogue, known.estimates)
    return Planned(blueprint, with_learned(plan, found), frozenset(found), known.number)


def _named(step: PlanStep, of: Step, catalogue: Catalogue, day: date) -> PlanStep:
    """Give a step its model's price and scatter, and count what it calls though it is unlimited."""
    mode = step.modes[0]
    known: dict[str, object] = {"limit": mode.limit or ("" if step.waits else called(of))}
    if models := catalogue.roles.get(of.ask):
        known["usd"] = float(catalogue.usd(models[0], ASSUMED, day) or 0)
        known["spread"] = spread(catalogue, models[0])
    return step.model_copy(update={"modes": (mode.model_copy(update=known),)})


def spread(catalogue: Catalogue, model: str) -> float:
    """Say how a model's times scatter by the catalogue: the deviation of their logarithm."""
    if (speed := catalogue.speed(model)) is None:
        return 0.0
    return max(0.0, log(speed.p95 / speed.seconds(ASSUMED.output_tokens)) / Z95)


async def learned(settings: Settings) -> Known:
    """Read what was learned, as `starter.py estimates` shows it. Raises BadInput if nothing was."""
    mend = "run some cases, then `starter.py estimates --learn`; or plan with --durations given"
    if not (settings.data / "store.db").exists():
        raise BadInput(f"nothing was learned yet: {settings.data} holds no store; {mend}")
    async with Store.opened(settings.database) as store:
        kept = Estimates(store)
        if (snapshot := await kept.snapshot()) is None:
            raise BadInput(f"nothing was learned yet; {mend}")
        return Known(snapshot.number, estimates(steps(await kept.rows(snapshot.number))))


def _matched(
    blueprint: Blueprint, catalogue: Catalogue, known: Iterable[Estimate]
) -> Mapping[StepId, Estimate]:
    """Find for each step the estimate it should be planned with.

    For a model that of the role's first model, over all processes; else that of what is called,
    by blueprints if there is one. Of several, real before simulated ones, then the one that rests
    on most calls.
    """
    held, found = list(known), {}
    for name, step in blueprint.steps.items():
        models = catalogue.roles.get(step.ask, ())[:1]
        fits = [(_fit(e, step, models), e) for e in held]
        if some := [(fit, not e.key.simulated, e.n, e) for fit, e in fits if fit]:
            found[name] = max(some, key=lambda one: one[:3])[3]
    return found


def _fit(e: Estimate, step: Step, models: Sequence[str]) -> int:
    """Say how well an estimate fits a step; 0: not at all."""
    if step.ask:
        return int(e.key.model in models and not e.key.process)
    if step.gate or step.event or not (name := called(step)):
        return 0
    call = EFFECTS.get(step.effect) or (ENDPOINT if step.http else None)
    fits = e.key.step == (call.name if call else name)
    return fits + (fits and e.key.process == BLUEPRINT)
