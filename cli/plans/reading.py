"""A blueprint as a plan to be analysed: its file checked, models priced, durations as learned."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from math import log
from pathlib import Path

from cli.blueprints.auditing import audited
from cli.blueprints.reading import read_blueprint
from cli.errors import BadInput
from cli.learning import steps
from cli.plans.taught import Known, Taught
from insight.learned.estimates import estimates
from insight.plan.learned import Z95, Seen, with_learned
from runtime.catalogue import Catalogue
from runtime.settings import Settings
from store.database import Store
from store.estimates import Estimates
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.plan import COORDINATION, Plan, PlanStep, StepId
from workflows.data.blueprints.planned import assumed, called, plan_of
from workflows.data.llm import Usage

ASSUMED = Usage(input_tokens=1_500, output_tokens=400)
"""What a model call is taken to read and write when it is priced."""


@dataclass(frozen=True)
class Planned:
    """A blueprint and its plan. `learned` names the steps of which runs taught something, `tokens`
    what a call of them reads and writes; `assumed` is what was taken for granted, a line each.
    """

    blueprint: Blueprint
    plan: Plan
    learned: frozenset[StepId] = frozenset()
    snapshot: int | None = None
    tokens: Mapping[StepId, Usage] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()

    def usage(self, step: StepId) -> Usage:
        """Say what a call of a step's model is taken to read and write."""
        return self.tokens.get(step, ASSUMED)


def planned(path: Path, catalogue: Catalogue, known: Known | None = None) -> Planned:
    """Read a blueprint and plan it. Raises BadInput with each mistake the audit finds."""
    source = read_blueprint(path)
    if wrong := [placed.line() for placed in audited(source) if placed.is_error]:
        raise BadInput("\n".join(wrong))
    return of(source.blueprint, catalogue, known)


def of(blueprint: Blueprint, catalogue: Catalogue, known: Known | None = None) -> Planned:
    """Plan a blueprint that is sound."""
    found = Taught(blueprint, catalogue, known.estimates if known else ())
    plan = plan_of(blueprint)
    if (took := found.coordination()) is not None:
        plan = plan.model_copy(update={"coordination": took})
    seen = found.steps()
    made = Planned(
        blueprint=blueprint,
        plan=plan,
        learned=frozenset(seen),
        snapshot=known.number if known else None,
        tokens=found.tokens(),
        assumed=(*_assumed(blueprint, seen), *_in_all(blueprint, found)),
    )
    day = datetime.now(UTC).date()
    named = tuple(_named(s, made, catalogue, day) for s in plan.steps)
    plan = with_learned(plan.model_copy(update={"steps": named}), seen)
    return replace(made, plan=plan)


def _assumed(blueprint: Blueprint, seen: Mapping[StepId, Seen]) -> Iterator[str]:
    """Say what is taken for granted of single steps."""
    for name, step in blueprint.steps.items():
        if name not in seen or not seen[name].whole:
            yield from (f"{name}: {what}" for what in assumed(step))


def _in_all(blueprint: Blueprint, found: Taught) -> Iterator[str]:
    """Say what is taken for granted of all steps alike."""
    asks = [name for name, step in blueprint.steps.items() if step.ask]
    if strange := [name for name in asks if name not in found.tokens()]:
        which = "a model" if len(strange) == len(asks) else f"the model of {', '.join(strange)}"
        said = f"{ASSUMED.input_tokens:,} tokens and writes {ASSUMED.output_tokens:,}"
        yield f"a call of {which} reads {said}"
    if found.coordination() is None:
        yield f"coordination takes {COORDINATION:g} s a step"


def _named(step: PlanStep, made: Planned, catalogue: Catalogue, day: date) -> PlanStep:
    """Give a step its model's price and scatter, and count what it calls though it is unlimited."""
    mode, asked = step.modes[0], made.blueprint.steps[step.id]
    known: dict[str, object] = {"limit": mode.limit or ("" if step.waits else called(asked))}
    if models := catalogue.roles.get(asked.ask):
        known["usd"] = float(catalogue.usd(models[0], made.usage(step.id), day) or 0)
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
    if not settings.has_store:
        raise BadInput(f"nothing was learned yet: {settings.data} holds no store; {mend}")
    async with Store.opened(settings.database) as store:
        kept = Estimates(store)
        if (snapshot := await kept.snapshot()) is None:
            raise BadInput(f"nothing was learned yet; {mend}")
        return Known(snapshot.number, estimates(steps(await kept.rows(snapshot.number))))
