"""All that is said of a plan: times, limits, many runs, clusters, savings, the decision sheet."""

from insight.plan.clusters import Stage, stages
from insight.plan.contention import Contention, contention
from insight.plan.critical import Critical, critical
from insight.plan.graph import Graph
from insight.plan.montecarlo import RUNS, Simulated, simulate
from insight.plan.savings import Savings, Volume, cost, overhead, savings
from insight.plan.sheet import Sheet, sheet
from workflows.data.blueprints.plan import Plan
from workflows.data.common import Record


class Analysis(Record):
    """An analysis of one plan; `bound` is the least time it takes, in seconds.

    `free` counts the steps that can run at once with another, `usd` is what a case's models cost.
    """

    name: str
    bound: float
    critical: Critical
    contention: Contention
    simulated: Simulated
    stages: tuple[Stage, ...]
    free: int
    usd: float
    savings: Savings | None
    sheet: Sheet


def analyse(
    plan: Plan,
    *,
    volume: Volume | None = None,
    deadline: float | None = None,
    seed: int = 1,
    runs: int = RUNS,
) -> Analysis:
    """Analyse a plan; `deadline` is when a case should have ended, in seconds."""
    found, held, apart = critical(plan), contention(plan), stages(plan)
    many = simulate(plan, seed=seed, runs=runs, deadline=deadline)
    saved = None if volume is None else saved_by(plan, found, volume)
    return Analysis(
        name=plan.name,
        bound=found.bound,
        critical=found,
        contention=held,
        simulated=many,
        stages=apart,
        free=len(Graph(plan).free),
        usd=cost(plan),
        savings=saved,
        sheet=sheet(plan, found, held, apart, deadline),
    )


def saved_by(plan: Plan, found: Critical, volume: Volume) -> Savings:
    """Count what a plan's parallel work saves in a year, its machine time alone."""
    less = overhead(plan, found)
    return savings(found.machine_in_order, found.machine, volume, overhead=less, usd=cost(plan))
