"""How long an analysis takes: 200 steps, 1,000 runs in virtual time, without and with limits.

.venv/bin/python -m bench.plan_analysis
"""

from random import Random
from time import perf_counter

from insight.plan.montecarlo import simulate
from workflows.data.blueprints.plan import Limit, Mode, Plan, PlanStep

STEPS, RUNS, SEED = 200, 1_000, 1


def plan(*, held: bool) -> Plan:
    """Make a plan of steps that need up to two of the twenty before; a third of them a vendor."""
    random = Random(SEED)  # noqa: S311 - a simulation
    steps = []
    for number in range(STEPS):
        near = range(max(0, number - 20), number)
        mode = Mode(
            name="given",
            p50=random.uniform(1, 9),
            spread=0.45,
            stragglers=0.03,
            straggler_times=6,
            fails=0.02,
            attempts=3,
            limit=f"vendor_{number % 3}",
        )
        needs = tuple(f"s{n}" for n in random.sample(near, min(len(near), 2)))
        steps.append(PlanStep(id=f"s{number}", modes=(mode,), needs=needs))
    limit = Limit(at_once=3, per_minute=30)
    limits = {f"vendor_{n}": limit for n in range(3)} if held else {}
    return Plan(name="bench", steps=tuple(steps), limits=limits)


def main() -> None:
    """Measure and print."""
    for held in (False, True):
        made, begun = plan(held=held), perf_counter()
        found = simulate(made, runs=RUNS, seed=SEED)
        took = perf_counter() - begun
        error = found.p95.error / found.p95.value
        limits = "three limits" if held else "no limits"
        print(f"{STEPS} steps, {RUNS:,} runs, {limits}: {took:.2f} s; p95 ± {error:.1%}")


if __name__ == "__main__":
    main()
