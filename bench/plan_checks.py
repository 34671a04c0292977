"""How near the optimum the executor's order comes, and how much the audit finds; all seeded.

`.venv/bin/python -m bench.plan_checks` (half a minute). The optimum is the best of every order, and
may leave a place empty for a step that comes later; the executor never does, as it cannot know
that the step will come. The best order that never idles is the most it could reach.
"""

from collections.abc import Mapping
from itertools import permutations
from random import Random
from statistics import fmean

from insight.plan.audit.audit import audit
from tests.blueprints.making import PLANTED, Data, clean
from tests.patterns.test_patterns_plan import best
from workflows.data.blueprints.blueprint import Blueprint
from workflows.patterns.plan.order import makespan, priorities
from workflows.patterns.plan.step import Planned, Seen

SEED, PLANS, STEPS, PLACES = 11, 1_000, 6, 2
LIMITS = {"desk": PLACES}
BLUEPRINTS = 500
Graph = list[tuple[int, tuple[int, ...]]]


async def _nothing(_: Seen) -> None:
    return None


def tight(random: Random) -> Graph:
    """Draw a plan whose steps all want one of two places: seconds and needs of each."""
    return [
        (
            random.randint(1, 9),
            tuple({random.randrange(n) for _ in range(random.randint(0, 2)) if n}),
        )
        for n in range(STEPS)
    ]


def without_idling(steps: list[Planned]) -> float:
    """Give the shortest makespan of all orders that leave no place empty."""
    orders = permutations(range(STEPS))
    ranked: list[Mapping[str, float]] = [
        {steps[number].name: -place for place, number in enumerate(order)} for order in orders
    ]
    return min(makespan(steps, LIMITS, ranks) for ranks in ranked)


def ordering() -> None:
    """Print how much longer than the optimum the executor's order takes."""
    random = Random(SEED)  # noqa: S311
    found: dict[str, list[float]] = {"the executor": [], "never idle, at best": []}
    for _ in range(PLANS):
        graph = tight(random)
        steps = [
            Planned(
                f"s{n}",
                _nothing,
                needs=tuple(f"s{d}" for d in needs),
                uses=("desk",),
                seconds=seconds,
            )
            for n, (seconds, needs) in enumerate(graph)
        ]
        optimum, ranks = best(graph, PLACES), priorities(steps, LIMITS)
        found["the executor"].append(makespan(steps, LIMITS, ranks) / optimum)
        found["never idle, at best"].append(without_idling(steps) / optimum)
    print(
        f"{PLANS:,} plans of {STEPS} steps for {PLACES} places, seed {SEED}, against the optimum:"
    )
    for name, ratios in found.items():
        within = fmean(ratio <= 1.03 for ratio in ratios)
        print(
            f"{name}: mean {fmean(ratios) - 1:.2%} over, {within:.1%} within 3 %, "
            f"worst {max(ratios) - 1:.0%}",
            flush=True,
        )


def auditing() -> None:
    """Print how many planted flaws are found, and how many are found where there is none."""
    kinds = list(PLANTED)
    hits = sum(_finds(seed, kinds[seed % len(kinds)]) for seed in range(BLUEPRINTS))
    false = sum(bool(_audited(clean(_random(seed)))) for seed in range(BLUEPRINTS))
    print(
        f"audit, seeds 0 to {BLUEPRINTS - 1}: of {BLUEPRINTS} planted flaws of {len(kinds)} kinds"
    )
    print(f"{hits} found; of {BLUEPRINTS} clean blueprints {false} with a finding")


def _finds(seed: int, kind: str) -> bool:
    """Say whether the flaw of this kind is found, and no other."""
    random = _random(seed)
    return _audited(PLANTED[kind](clean(random), random)) == {kind}


def _audited(made: Data) -> set[str]:
    return {finding.code.value for finding in audit(Blueprint.model_validate(made))}


def _random(seed: int) -> Random:
    return Random(seed)  # noqa: S311


def main() -> None:
    """Print both."""
    ordering()
    auditing()


if __name__ == "__main__":
    main()
