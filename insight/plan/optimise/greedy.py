"""Plans without a solver: cheapest first, then quicker where it costs least, then reclaimed."""

from insight.plan.optimise.problem import Problem, loss_allowed
from workflows.data.blueprints.board import Board
from workflows.data.blueprints.choices import Objective, Wish

NEVER = 10**15
"""A deadline for those without one, in milliseconds."""


def greedy(problem: Problem, wish: Wish) -> list[int]:
    """Choose a way for each step; within the wish's bounds, if it finds how."""
    board = problem.board(problem.cheapest())
    deadline, budget = wish.deadline_ms or NEVER, wish.micro_usd
    allowed = loss_allowed(wish)
    if allowed is not None:
        board.improve(NEVER, budget, allowed)
    if wish.objective is Objective.FASTEST:
        board.hasten(0, budget, allowed)
        deadline = max(board.ends())
    else:
        board.hasten(deadline, budget, allowed)
    if wish.objective is Objective.BEST:
        board.improve(deadline, budget)
    else:
        board.reclaim(deadline, allowed)
    return board.chosen


def within(board: Board, wish: Wish) -> bool:
    """Say whether what is chosen keeps to the wish's bounds."""
    allowed = loss_allowed(wish)
    return (
        (wish.deadline_ms is None or max(board.ends()) <= wish.deadline_ms)
        and (wish.micro_usd is None or board.cost() <= wish.micro_usd)
        and (allowed is None or board.loss() <= allowed)
    )


def worth(board: Board, wish: Wish) -> tuple[int, int]:
    """Give what is to be small: what the objective says, then the cost."""
    first = {
        Objective.FASTEST: lambda: max(board.ends()),
        Objective.CHEAPEST: board.cost,
        Objective.BEST: board.loss,
    }[wish.objective]()
    return first, board.cost()
