"""What a case of a blueprint is to run by: solved once, before it starts."""

import asyncio

from cli.errors import BadInput
from cli.plans.optimising import SOLVER, Wished, chosen
from cli.plans.reading import learned, of
from insight.plan.optimise.decide import Trial
from insight.plan.optimise.solved import Solver
from runtime.settings import Settings
from store.database import Store
from store.paces import Paces
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.choices import Choices

TRIAL = Trial()


def decided_on(
    blueprint: Blueprint,
    wanted: Wished,
    durations: str,
    settings: Settings,
    how: Trial = TRIAL,
    solver: Solver | None = SOLVER,
) -> Choices:
    """Choose for a case. Raises BadInput for a wish that no plan fulfils: nothing runs then."""
    if durations not in ("given", "learned"):
        raise BadInput(f"--durations {durations!r}: say given or learned")
    known = asyncio.run(learned(settings)) if durations == "learned" else None
    planned = of(blueprint, settings.models, known)
    made = chosen(planned, settings.models, wanted, how._replace(snapshot=planned.snapshot), solver)
    if not made.feasible:
        raise BadInput("; ".join(made.notes) or "no plan keeps to this budget and quality")
    return made


async def at_last_pace(made: Choices, blueprint: str, settings: Settings) -> Choices:
    """Let a run begin with the pace the last one came to, on the same times."""
    async with Store.opened(settings.database) as store:
        kept = Paces(store, simulated=not settings.live)
        slower = await kept.slower(blueprint, made.definition, made.snapshot or 0)
    return made.model_copy(update={"slower": slower})
