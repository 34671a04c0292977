"""A plan ready to be walked: its steps by number, each after those it needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, inf

from workflows.data.blueprints.plan import Limit, Mode, Plan, PlanStep, in_order

_NONE = Limit()


@dataclass(frozen=True)
class Graph:
    """The steps of a plan in order, with what each waits for. Each is done by its first mode."""

    plan: Plan

    @cached_property
    def steps(self) -> tuple[PlanStep, ...]:
        """The steps, each after those it needs; all else here goes by their numbers.

        Also after those it waits a moment for, unless such waits go in a circle.
        """
        steps = self.plan.steps
        try:
            order = in_order(tuple(_waiting(step) for step in steps))
        except ValueError:
            return in_order(steps)
        by_id = {step.id: step for step in steps}
        return tuple(by_id[step.id] for step in order)

    @cached_property
    def needs(self) -> tuple[tuple[int, ...], ...]:
        """What each step waits for; what is soft binds nothing."""
        number = {step.id: place for place, step in enumerate(self.steps)}
        return tuple(
            tuple(number[need] for need in dict.fromkeys(step.needs)) for step in self.steps
        )

    @cached_property
    def soft(self) -> tuple[tuple[int, ...], ...]:
        """What each step waits a moment for: none where it takes what is there."""
        number = {step.id: place for place, step in enumerate(self.steps)}
        return tuple(
            tuple(number[soft] for soft in dict.fromkeys(step.soft)) if step.soft_wait else ()
            for step in self.steps
        )

    @cached_property
    def soft_followers(self) -> tuple[tuple[int, ...], ...]:
        """Who waits a moment for each step."""
        return _turned(self.soft)

    @cached_property
    def followers(self) -> tuple[tuple[int, ...], ...]:
        """Who waits for each step."""
        return _turned(self.needs)

    @cached_property
    def before(self) -> tuple[int, ...]:
        """All that must have ended before each step begins, as the bits of a number."""
        found: list[int] = []
        for needs in self.needs:
            bits = 0
            for need in needs:
                bits |= found[need] | 1 << need
            found.append(bits)
        return tuple(found)

    @property
    def joins(self) -> int:
        """How many steps wait for several others of which none waits for another."""
        return sum(
            sum(not any(self.before[m] >> n & 1 for m in needs) for n in needs) > 1
            for needs in self.needs
        )

    @cached_property
    def related(self) -> tuple[int, ...]:
        """The step itself, and all that can never run at once with it, as bits."""
        found = [bits | 1 << step for step, bits in enumerate(self.before)]
        for step, bits in enumerate(self.before):
            for other in range(step):
                if bits >> other & 1:
                    found[other] |= 1 << step
        return tuple(found)

    @property
    def free(self) -> tuple[int, ...]:
        """The steps that may run at once with at least one other."""
        return tuple(s for s, bits in enumerate(self.related) if bits.bit_count() < len(self.steps))

    @cached_property
    def limits(self) -> tuple[str, ...]:
        """The limit each step takes places of; empty for none."""
        return tuple(mode(step).limit for step in self.steps)

    @cached_property
    def most(self) -> tuple[float, ...]:
        """How many items each step does at once."""
        return tuple(step.at_once or inf for step in self.steps)

    def limit(self, name: str) -> Limit:
        """What is known of a limit."""
        return self.plan.limits.get(name, _NONE)

    def tails(self, seconds: Sequence[float]) -> list[float]:
        """Give the longest way from the end of each step to the end of all."""
        found = [0.0] * len(seconds)
        for step in reversed(range(len(seconds))):
            found[step] = max((seconds[f] + found[f] for f in self.followers[step]), default=0.0)
        return found


def _waiting(step: PlanStep) -> PlanStep:
    needs = (*step.needs, *step.soft)
    return step.model_copy(update={"needs": needs}) if step.soft_wait else step


def _turned(edges: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    found: list[list[int]] = [[] for _ in edges]
    for step, needs in enumerate(edges):
        for need in needs:
            found[need].append(step)
    return tuple(map(tuple, found))


def mode(step: PlanStep) -> Mode:
    """Give the way a step is done: the first."""
    return step.modes[0]


def usual(step: PlanStep) -> float:
    """Give the seconds a step lasts at the median, as many of its items at once as it allows."""
    return mode(step).p50 * ceil(step.times / (step.at_once or step.times))


def work(step: PlanStep) -> float:
    """Give the seconds a step lasts with its items one after the other, at the median."""
    return mode(step).p50 * step.times
