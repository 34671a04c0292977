"""How good and how quick the optimiser is, on seeded plans in virtual time.

`.venv/bin/python -m bench.plans [RUNS [FACTOR ...]]` (4,000 runs a cell take about ten minutes).
Deadlines are FACTOR times the median of the standard tier everywhere. Without factors, the order of
the executor, the audit (both bench.plan_checks), the time to solve and to decide come first.
Tiers of a step: flex (half the price; median 1.6 times, sigma 0.8, 5 % stragglers of 6 times),
standard (sigma 0.45, 3 %), priority (twice the price; median 0.6 times, sigma 0.25, 0.5 %).
Runs are drawn from those distributions themselves, not from the points plans are tried on.
"""

import sys
from collections.abc import Sequence
from functools import partial
from math import exp, log, sqrt
from random import Random
from statistics import fmean, median
from time import process_time

from bench.plan_checks import auditing, ordering
from cli.highs import SECONDS, in_process, there
from insight.plan.optimise.decide import Trial, decide
from insight.plan.optimise.greedy import greedy
from insight.plan.optimise.problem import Problem, problem
from insight.plan.optimise.reasons import choices
from insight.plan.optimise.simulate import Clock, Track
from insight.plan.optimise.solved import Solved, solve
from workflows.data.blueprints.choices import Choices, Objective, Wish
from workflows.data.blueprints.plan import Mode, Plan, PlanStep

TIERS = (
    ("flex", 0.5, 1.6, 0.8, 0.05),
    ("standard", 1.0, 1.0, 0.45, 0.03),
    ("priority", 2.0, 0.6, 0.25, 0.005),
)
GRAPHS, STEPS = 6, 50
FAMILIES = ("layered", "map-reduce", "random")


def graph(random: Random, family: str, number: int) -> list[int]:
    """Give what a step needs: two of the layer before, the ends of its block, or a few before."""
    if family == "layered":
        layer = number // 5
        return sorted(random.sample(range(layer * 5 - 5, layer * 5), 2)) if layer else []
    if family == "map-reduce":
        block, place = divmod(number, 10)
        first = block * 10
        if place == 0:
            return [first - 1] if block else []
        return [first] if place < 9 else list(range(first + 1, first + 9))
    few = range(random.randint(1, 3))
    return sorted({random.randrange(max(0, number - 12), number) for _ in few}) if number else []


def tiered(seed: int, steps: int = STEPS) -> Plan:
    """Give a plan of steps of about six seconds, each in three tiers."""
    random, made = Random(seed), []  # noqa: S311
    for number in range(steps):
        needs = tuple(f"s{need}" for need in graph(random, FAMILIES[seed % 3], number))
        usual = random.lognormvariate(log(6), 0.6)
        usd = usual * random.uniform(0.002, 0.006)
        modes = tuple(
            Mode(
                name=name,
                p50=usual * times,
                spread=spread,
                stragglers=late,
                straggler_times=6,
                usd=usd * price,
            )
            for name, price, times, spread, late in TIERS
        )
        made.append(PlanStep(id=f"s{number}", needs=needs, modes=modes))
    return Plan(name=f"tiered-{seed}", steps=tuple(made))


def traded(seed: int, steps: int, modes: int) -> Plan:
    """Give a plan whose ways trade time for money, each a little differently: the hard kind."""
    random, made = Random(seed), []  # noqa: S311
    for number in range(steps):
        needs = tuple(f"s{need}" for need in graph(random, FAMILIES[seed % 3], number))
        time, usd = random.uniform(1, 20), random.uniform(0.01, 0.1)
        ways = tuple(
            Mode(
                name=f"way{way}",
                p50=time * random.uniform(0.8, 1.2) * (1 - 0.15 * way),
                usd=usd * random.uniform(0.8, 1.2) * (1 + way) ** 1.5,
                quality=1 - random.uniform(0, 0.1),
            )
            for way in range(modes)
        )
        made.append(PlanStep(id=f"s{number}", needs=needs, modes=ways))
    return Plan(name=f"traded-{seed}", steps=tuple(made))


def truth(plan: Plan, seed: int, slower: float = 1.0) -> Clock:
    """Draw one run from the distributions themselves."""
    random = Random(f"{plan.name}/{seed}")  # noqa: S311
    luck = [[(random.gauss(0, 1), random.random()) for _ in range(2)] for _ in plan.steps]

    def clock(mode: Mode, _: PlanStep, number: int, attempt: int) -> float:
        normal, straggles = luck[number][attempt]
        late = mode.straggler_times if straggles < mode.stragglers else 1.0
        return slower * mode.p50 * exp(mode.spread * normal) * late

    return clock


def all_of(stated: Problem, name: str) -> Track:
    """Give the plan that takes one tier everywhere, and never re-plans."""
    chosen = [[way.name for way in ways].index(name) for ways in stated.ways]
    made = choices(stated, Wish(objective=Objective.FASTEST), Solved(chosen, True, "", None))
    return Track(stated, made.model_copy(update={"rolling": False}))


def solving() -> None:
    """Print how long 200 steps of 5 ways take to plan, and how near the best that is."""
    took, gaps, greed, behind = [], [], [], []
    for seed in range(24):
        stated = problem(traded(seed, 200, 5), 0.9)
        ends = [max(stated.board(c).ends()) for c in (stated.quickest(), stated.cheapest())]
        deadline = int(ends[0] + (ends[1] - ends[0]) * (0.2, 0.4, 0.6, 0.8)[seed % 4])
        wish = Wish(objective=Objective.CHEAPEST, deadline_ms=deadline)
        start = process_time()
        quick = greedy(stated, wish)
        middle = process_time()
        found = solve(stated, wish, partial(in_process, seconds=SECONDS))
        took.append(process_time() - middle)
        greed.append(middle - start)
        gaps.append(found.gap or 0.0)
        behind.append(stated.board(quick).cost() / stated.board(found.chosen).cost() - 1)
    print(f"24 plans of 200 steps x 5 ways, seeds 0 to 23, CPU time: median {median(took):.2f} s,")
    print(f"longest {max(took):.2f} s; gap: median {median(gaps):.2%}, worst {max(gaps):.2%}")
    print(f"greedy: median {median(greed) * 1_000:.0f} ms; dearer by {fmean(behind):.1%} on the")
    print(f"average, {max(behind):.1%} at worst")


def deciding() -> None:
    """Print what the runs cost that plans are tried by: greedy ones, so that none is solved."""
    for steps in (50, 100):
        plan = tiered(0, steps)
        quickest = problem(plan, 0.9)
        deadline = max(quickest.board(quickest.quickest()).ends()) * 17 // 10
        wish = Wish(objective=Objective.CHEAPEST, deadline_ms=deadline)
        start = process_time()
        made = decide(plan, wish, None, Trial(runs=100))
        print(
            f"{steps} steps in three tiers, 100 runs a quantile: {process_time() - start:.1f} s of"
        )
        print(f"CPU time to decide; quantile {made.quantile}, kept {made.hit}")


def promising(runs: int, factors: Sequence[float]) -> None:
    """Print how often deadlines are kept, and at what cost against the standard tier everywhere."""
    each = runs // GRAPHS + 1
    print(
        f"{GRAPHS} plans of {STEPS} steps, seeds 0 to {GRAPHS - 1}, {each} runs each; target 95 %"
    )
    print("deadline  vendors   kept   at least   cost   second tries")
    plans = []
    for seed in range(GRAPHS):
        plan = tiered(seed)
        standard = all_of(problem(plan, 0.5), "standard")
        happens = (True,) * STEPS
        seen = [standard.run(truth(plan, -1 - run), happens) for run in range(500)]
        cost = fmean(one.micro_usd for one in seen)
        plans.append((plan, median(one.took for one in seen), cost))
    for factor in factors:
        made = [(plan, _decided(plan, factor * usual), cost) for plan, usual, cost in plans]
        for slower in (1.0, 1.5):
            kept, costs, tries = 0, [], []
            for plan, chosen, cost in made:
                track = Track(problem(plan, chosen.quantile), chosen)
                for run in range(each):
                    one = track.run(truth(plan, run, slower), (True,) * STEPS)
                    kept += one.took <= (chosen.wish.deadline_ms or 0)
                    costs.append(one.micro_usd / cost)
                    tries.append(one.hedges)
            share, n = kept / len(costs), len(costs)
            least = share - 1.96 * sqrt(share * (1 - share) / n)
            print(
                f"{factor:7.1f}x {slower:7.1f}x {share:7.1%} {least:8.1%} {fmean(costs):9.3f}"
                f" {fmean(tries):8.2f}   " + " ".join(f"{c.quantile:.2f}" for _, c, _ in made),
                flush=True,
            )


def _decided(plan: Plan, deadline: float) -> Choices:
    wish = Wish(objective=Objective.CHEAPEST, deadline_ms=int(deadline))
    return decide(plan, wish, partial(in_process, seconds=SECONDS))


def main() -> None:
    """Print all tables."""
    if not there():
        sys.exit("this needs HiGHS: .venv/bin/python -m pip install highspy")
    factors = [float(word) for word in sys.argv[2:]]
    if not factors:
        ordering()
        auditing()
        solving()
        deciding()
    promising(int(sys.argv[1]) if len(sys.argv) > 1 else 4_000, factors or (1.0, 1.3, 1.8))


if __name__ == "__main__":
    main()
