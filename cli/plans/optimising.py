"""A blueprint optimised: the words of the command line, and how the choices look in a terminal."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp, prod

from pydantic import ValidationError
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli import highs
from cli.errors import BadInput
from cli.plans.models import offered
from cli.plans.reading import Planned
from insight.plan.optimise.decide import Trial, decide
from insight.plan.optimise.lengths import MILLION
from insight.plan.optimise.solved import Solver
from insight.shown.words import clear, percent
from runtime.catalogue import Catalogue
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.case import digest
from workflows.data.blueprints.choices import Choices, Objective, StepChoice, Wish
from workflows.data.blueprints.plan import Plan

SOLVER = highs.solve if highs.there() else None
_TIME = re.compile(r"(\d{1,9}(?:[.]\d{1,3})?)\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Wished:
    """The words of the command line: what is wished for, and within which bounds."""

    objective: str
    deadline: str = ""
    budget: float | None = None
    quality: float | None = None


def chosen(
    of: Planned,
    catalogue: Catalogue,
    wanted: Wished,
    how: Trial,
    solver: Solver | None = SOLVER,
) -> Choices:
    """Choose for a blueprint, at today's prices, so that a case can run by it. Raises BadInput."""
    offer = offered(of, catalogue, datetime.now(UTC).date())
    plan = offer.plan
    asked = (wanted.objective, wanted.deadline, wanted.budget, wanted.quality)
    made = decide(plan, wish(*asked, of.blueprint, plan), solver, how)
    named = {way.name for step in made.steps for way in step.ways}
    models = {name: catalogue.ref(name) for name in sorted(named) if name in catalogue.models}
    several = {name: one for name, one in offer.composites.items() if name in named}
    told = {"definition": digest(of.blueprint), "models": models, "composites": several}
    return made.model_copy(update=told)


def wish(
    objective: str,
    deadline: str,
    budget: float | None,
    quality: float | None,
    blueprint: Blueprint,
    plan: Plan,
) -> Wish:
    """Read a wish; deadline and budget are the blueprint's where none is said. Raises BadInput.

    Without a quality, all shall be right as often as by the first model of each role; of `best`
    nothing is asked, as a budget may not allow even that.
    """
    if objective not in list(Objective):
        raise BadInput(f"--optimise {objective!r}: say fastest, cheapest or best")
    until = _until(deadline) if deadline else blueprint.deadline
    usd = blueprint.budget_usd if budget is None else budget
    if quality is None:
        usual = prod(step.modes[0].quality for step in plan.steps)
        quality = 0.0 if objective == Objective.BEST else usual
    try:
        return Wish(
            objective=Objective(objective),
            deadline_ms=round(until / timedelta(milliseconds=1)) if until else None,
            micro_usd=None if usd is None else round(usd * MILLION),
            quality=quality,
        )
    except ValidationError as wrong:
        said = wrong.errors()[0]["msg"].removeprefix("Value error, ")
        raise BadInput(f"--optimise {objective}: {said}") from wrong


def _until(deadline: str) -> timedelta:
    found = _TIME.fullmatch(deadline.strip())
    if found is None or not float(found[1]):
        raise BadInput(f"--deadline {deadline!r}: write a time as 45m, 90s, 2h or 3d")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


def shown(made: Choices) -> RenderableType:
    """Show choices: what to expect first, then a row for each step."""
    head = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    head.add_row("expected", f"{_time(made.p50)}, 95 % within {_time(made.p95)}")
    head.add_row("cost", f"${made.micro_usd / MILLION:.4f} on the average")
    right = exp(-sum(step.way.loss for step in made.steps) / MILLION)
    head.add_row("all of it right", percent(right))
    if made.hit is not None:
        head.add_row("within the deadline", f"{percent(made.hit)} of {made.runs} runs")
    if made.strained is not None:
        head.add_row("if half as slow again", f"{percent(made.strained)} of them")
    gap = "" if made.gap is None else f", at most {made.gap:.1%} off the best there is"
    head.add_row("planned by", f"{made.solver}{gap}, on the {made.quantile:.0%} quantile of times")
    parts: list[RenderableType] = [head, Text()]
    parts += [Text(clear(note), style="bold") for note in made.notes]
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("step", "way", "level", "begins", "ends", "critical", "why"):
        table.add_column(title, overflow="fold")
    for step in made.steps:
        table.add_row(*_row(step))
    return Group(*parts, table)


def _row(step: StepChoice) -> tuple[str, ...]:
    return (
        step.step,
        clear(step.way.name),
        str(step.level),
        _time(step.starts),
        _time(step.ends),
        percent(step.critical),
        clear(step.why),
    )


def _time(milliseconds: int) -> str:
    seconds = milliseconds / 1_000
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6_000 else f"{seconds / 3_600:.1f} h"
