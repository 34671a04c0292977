"""The problem a solver is given: steps in order, the ways of each in whole numbers, and limits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

from insight.plan.optimise.lengths import FREE, MILLION, at_once, kept, way
from workflows.data.blueprints.board import Board, Layout
from workflows.data.blueprints.choices import Way, Wish
from workflows.data.blueprints.plan import Limit, Plan, PlanStep, in_order


@dataclass(frozen=True)
class Problem:
    """Steps, each after those it needs, and their ways for one quantile of time."""

    plan: Plan
    steps: tuple[PlanStep, ...]
    needs: tuple[tuple[int, ...], ...]
    ways: tuple[tuple[Way, ...], ...]
    quantile: float

    def board(self, chosen: Sequence[int]) -> Board:
        """Lay the steps out, none of them begun."""
        return Board(self.layout, list(chosen))

    @cached_property
    def layout(self) -> Layout:
        """The steps as a board takes them."""
        lanes = [[(w.planned, w.micro_usd, w.loss) for w in ways] for ways in self.ways]
        return Layout.of(self.needs, lanes)

    def cheapest(self) -> list[int]:
        """Choose the cheapest way of each step; of equals the quickest."""
        return [_least(ways, lambda w: (w.micro_usd, w.planned)) for ways in self.ways]

    def quickest(self) -> list[int]:
        """Choose the quickest way of each step; of equals the cheapest."""
        return [_least(ways, lambda w: (w.planned, w.micro_usd)) for ways in self.ways]

    def limit(self, name: str) -> Limit:
        """Give what is known to limit a way."""
        return self.plan.limits.get(name, FREE)

    def places(self, step: int, name: str) -> int:
        """Give how many places of a limit a step takes while it lasts."""
        return at_once(self.steps[step], self.limit(name))


def _least(ways: Sequence[Way], key: Callable[[Way], tuple[int, int]]) -> int:
    return min(range(len(ways)), key=lambda i: key(ways[i]))


def problem(plan: Plan, quantile: float) -> Problem:
    """State a plan as a problem, each time being what the share `quantile` of tries keeps to."""
    steps = in_order(plan.steps)
    number = {step.id: i for i, step in enumerate(steps)}
    return Problem(
        plan=plan,
        steps=steps,
        needs=tuple(tuple(sorted({number[need] for need in step.needs})) for step in steps),
        ways=tuple(
            kept(
                [
                    way(mode, step, quantile, plan.limits.get(mode.limit, FREE))
                    for mode in step.modes
                ]
            )
            for step in steps
        ),
        quantile=quantile,
    )


def loss_allowed(wish: Wish) -> int | None:
    """Give what the whole plan may lose of quality, in millionths of ln; None for no floor."""
    return round(-log(wish.quality) * MILLION) if wish.quality else None
