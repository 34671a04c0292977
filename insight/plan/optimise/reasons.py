"""What was chosen for each step, told with its reason, slack and priority."""

from bisect import bisect_left
from math import exp

from insight.plan.optimise.lengths import MILLION
from insight.plan.optimise.problem import Problem
from insight.plan.optimise.solved import Solved
from workflows.data.blueprints.choices import Choices, StepChoice, Way, Wish

LEVELS = 5
"""Levels of priority the server tells apart."""
HEDGES = 0.2
"""Second tries a run may make, of its steps."""


def choices(problem: Problem, wish: Wish, solved: Solved) -> Choices:
    """Write a solved plan as a decision record, which runs have not been asked about yet."""
    board = problem.board(solved.chosen)
    ends = board.ends()
    last = max(ends)
    latest = board.latest(last)
    slacks = [late - end for late, end in zip(latest, ends, strict=True)]
    ranks = sorted(slacks)
    steps = []
    for i, step in enumerate(problem.steps):
        way = problem.ways[i][solved.chosen[i]]
        steps.append(
            StepChoice(
                step=step.id,
                needs=tuple(problem.steps[need].id for need in problem.needs[i]),
                ways=problem.ways[i],
                chosen=solved.chosen[i],
                why=_why(way, problem.ways[i], slacks[i]),
                level=1 + LEVELS * bisect_left(ranks, slacks[i]) // len(ranks),
                starts=ends[i] - way.planned,
                ends=ends[i],
                slack=slacks[i],
                hedged=step.again and not step.effect and not step.waits,
            )
        )
    return Choices(
        wish=wish,
        steps=tuple(steps),
        feasible=solved.within,
        quantile=problem.quantile,
        p50=last,
        p95=last,
        micro_usd=board.cost(),
        solver=solved.solver,
        gap=solved.gap,
        hedges=max(1, round(HEDGES * len(steps))),
        runs=0,
        seed=0,
    )


def _why(way: Way, ways: tuple[Way, ...], slack: int) -> str:
    """Say why this way: against the cheapest one."""
    cheapest = min(ways, key=lambda one: (one.micro_usd, one.planned))
    if len(ways) == 1:
        return "the only way"
    if way == cheapest:
        return f"the cheapest; {slack / 1_000:.1f} s of slack" if slack else "the cheapest"
    extra = (way.micro_usd - cheapest.micro_usd) / MILLION
    gains = []
    if way.planned < cheapest.planned:
        gains.append(f"{(cheapest.planned - way.planned) / 1_000:.1f} s quicker")
    if way.loss < cheapest.loss:
        better = exp(-way.loss / MILLION) - exp(-cheapest.loss / MILLION)
        gains.append(f"right {better:.1%} more often")
    return f"{' and '.join(gains) or 'another limit'} than {cheapest.name}, for ${extra:.4f} more"
