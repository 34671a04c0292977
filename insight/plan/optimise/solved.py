"""A plan for one quantile of time: by a solver where there is one, else greedily; limits kept."""

from collections.abc import Callable
from dataclasses import dataclass

from insight.plan.optimise.bounds import bound
from insight.plan.optimise.greedy import greedy, within, worth
from insight.plan.optimise.problem import Problem
from insight.plan.optimise.program import Answer, Program, program
from insight.plan.optimise.schedule import makespan
from workflows.data.blueprints.choices import Objective, Wish

Solver = Callable[[Program], Answer | None]
NEAR = 1.01
"""How much longer than the fastest plan may take, to spend nothing off the longest path."""
TRIES = 6
"""How often a deadline is drawn in, so that what limits delay still ends by it."""


@dataclass(frozen=True)
class Solved:
    """The way of each step, whether it keeps to the wish, and how near the best it is known."""

    chosen: list[int]
    within: bool
    solver: str
    gap: float | None


def solve(problem: Problem, wish: Wish, solver: Solver | None) -> Solved:
    """Choose the ways; the times are those of the problem's quantile, and of its limits.

    Where limits delay a plan beyond its deadline, it is made anew for an earlier one.
    """
    if not problem.plan.limits or wish.deadline_ms is None:
        return _free(problem, wish, solver)
    wanted, best = wish, None
    for _ in range(TRIES):
        found = _free(problem, wanted, solver)
        took = makespan(problem, found.chosen)
        if took <= wish.deadline_ms:
            return found
        best = best or found
        deadline = (wanted.deadline_ms or 0) * wish.deadline_ms // took
        wanted = wanted.model_copy(update={"deadline_ms": max(1, deadline)})
        if not found.within:
            break
    assert best is not None  # noqa: S101
    return Solved(best.chosen, within=False, solver=best.solver, gap=best.gap)


def _free(problem: Problem, wish: Wish, solver: Solver | None) -> Solved:
    """Choose the ways as if no limit ever made a step wait."""
    quick = greedy(problem, wish)
    if solver is None:
        return _greedy(problem, wish, quick)
    fastest = wish.objective is Objective.FASTEST
    ends = max(problem.board(quick).ends())
    deadline = wish.deadline_ms or (ends if fastest else max(problem.board(quick).ends()) * 100)
    found = _asked(problem, wish, max(1, deadline), solver, quick)
    if found is None:
        return _greedy(problem, wish, quick)
    chosen, answer = found
    if fastest:
        chosen = _thriftier(problem, wish, chosen, solver)
    options = [chosen, quick]
    good = [one for one in options if within(problem.board(one), wish)] or options
    best = min(good, key=lambda one: worth(problem.board(one), wish)) if not fastest else good[0]
    keeps = within(problem.board(best), wish)
    return Solved(best, within=keeps, solver=f"highs: {answer.status}", gap=answer.gap)


def _asked(
    problem: Problem, wish: Wish, deadline: int, solver: Solver, known: list[int]
) -> tuple[list[int], Answer] | None:
    made, columns = program(problem, wish, deadline, known)
    answer = solver(made)
    if answer is None:
        return None
    values = answer.values
    return [max(range(len(c)), key=lambda i: values[c[i]]) for c in columns], answer


def _thriftier(problem: Problem, wish: Wish, chosen: list[int], solver: Solver) -> list[int]:
    """Make a fastest plan cheaper where that costs next to no time."""
    near = int(max(problem.board(chosen).ends()) * NEAR)
    if wish.deadline_ms is not None:
        near = min(near, wish.deadline_ms)
    cheap = wish.model_copy(update={"objective": Objective.CHEAPEST, "deadline_ms": near})
    found = _asked(problem, cheap, near, solver, chosen)
    if found is not None and within(problem.board(found[0]), cheap):
        return found[0]
    return chosen


def _greedy(problem: Problem, wish: Wish, chosen: list[int]) -> Solved:
    board = problem.board(chosen)
    reached, least = worth(board, wish)[0], bound(problem, wish)
    gap = max(0.0, (reached - least) / reached) if reached else 0.0
    return Solved(chosen, within=within(board, wish), solver="greedy", gap=gap)
