"""Run random plans live, and compare how long they take with what their limits allow.

`.venv/bin/python -m bench.plans_live` (two minutes) prints a table, `--json` an object.

Each is a blueprint of steps that last a known time (gates nobody answers, on durable timers), some
of which share three places. `foreseen` is the executor's own order without any cost of the engine;
tests/patterns/test_patterns_plan.py holds that order against the optimum.
"""

import argparse
import asyncio
import json
import logging
import random
import statistics
import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from runtime import server
from runtime.logs import configure
from runtime.processes import leave
from tests.support.world import World, world
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.case import BlueprintCase
from workflows.data.blueprints.planned import plan_of
from workflows.patterns.plan.order import makespan, priorities
from workflows.patterns.plan.step import Planned, Seen, ordered

LIMITS = {"desk": 3}
Row = dict[str, float]


def drawn(seed: int, steps: int) -> Blueprint:
    """Draw a blueprint."""
    rng = random.Random(seed)  # noqa: S311 - the same plans every time
    found = {}
    for number in range(steps):
        needs = sorted({rng.randrange(number) for _ in range(rng.randint(0, 2)) if number})
        seconds = f"{rng.uniform(0.3, 2.0):.2f}s"
        gate = {"question": "?", "people": ["ana"], "deadline": seconds, "by_default": "approve"}
        found[f"s{number}"] = {
            "gate": gate,
            "takes": seconds,
            "needs": [f"s{need}" for need in needs],
            "uses": ["desk"] if rng.random() < 0.5 else [],
        }
    limits = {name: {"at_once": most} for name, most in LIMITS.items()}
    return Blueprint.model_validate({"name": f"plan-{seed}", "steps": found, "limits": limits})


async def _nothing(_: Seen) -> None:
    return None


def foreseen(blueprint: Blueprint) -> float:
    """Give the seconds its steps take in the executor's order."""
    plan = plan_of(blueprint)
    steps = ordered(
        [
            Planned(s.id, _nothing, needs=s.needs, uses=s.uses, seconds=s.modes[0].p50)
            for s in plan.steps
        ]
    )
    return makespan(steps, LIMITS, priorities(steps, LIMITS))


async def live(here: World, blueprint: Blueprint) -> Row:
    """Run it, and give its seconds beside those foreseen and those one after the other."""
    case = BlueprintCase(case=blueprint.name, blueprint=blueprint)
    begun = time.perf_counter()
    await (await here.begin("blueprint", case)).result()
    took, least = time.perf_counter() - begun, foreseen(blueprint)
    in_order = sum(mode.p50 for step in plan_of(blueprint).steps for mode in step.modes)
    return {"in order": in_order, "foreseen": least, "took": took, "of foreseen": took / least}


async def measure(plans: int, steps: int) -> list[Row]:
    """Run the plans one after the other on an embedded server of our own."""
    async with (
        server.for_a_while() as (address, data),
        world(address, data / "world") as here,
    ):
        await live(here, drawn(0, 2))  # the first case of a worker pays for its start
        return [await live(here, drawn(seed, steps)) for seed in range(1, plans + 1)]


def table(rows: Sequence[Row]) -> Table:
    """Show each plan in seconds, and the median."""
    shown = Table("plan", *rows[0])
    for number, row in enumerate(rows, 1):
        shown.add_row(str(number), *(f"{value:.3f}" for value in row.values()))
    medians = (statistics.median(row[name] for row in rows) for name in rows[0])
    shown.add_row("median", *(f"{value:.3f}" for value in medians), style="bold")
    return shown


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.plans_live", description=__doc__)
    parser.add_argument("--plans", type=int, default=20)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    configure("text", level=logging.ERROR)
    rows = asyncio.run(measure(options.plans, options.steps))
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        Console().print(table(rows))
    return 0


if __name__ == "__main__":
    leave(main())
