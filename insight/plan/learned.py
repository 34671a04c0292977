"""Plans with what was learned: estimates of past calls in place of what was given."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from insight.learned.estimates import Estimate
from workflows.data.blueprints.plan import Mode, Plan, PlanStep, StepId

ATTEMPTS = 5
"""How often a call is tried where the step does not say (workflows/calls.py)."""
PAUSE = 0.5
"""Seconds before a call is tried again, at first (`retry_pause` in runtime/settings.py)."""
Z95 = 1.645
"""Standard deviations by which the p95 of a normal distribution lies above its middle."""
_WIDEST = 3.0


@dataclass(frozen=True)
class Seen:
    """What runs taught of one step: its times, how often it happens, and how many items it has.

    `whole`: the times are those of the step with its tries, not of one call.
    """

    estimate: Estimate
    whole: bool = False
    chance: float | None = None
    times: int | None = None


def learned_mode(mode: Mode, known: Estimate, attempts: int = ATTEMPTS) -> Mode:
    """Give a way of doing a step with learned times, chances and stragglers; the price stays."""
    late = known.p95.value / known.p50 if known.p50 > 0 else 1.0
    return mode.model_copy(
        update={
            "p50": known.p50,
            "spread": min(_WIDEST, max(0.0, log(late) / Z95)) if late > 0 else 0.0,
            "stragglers": known.stragglers,
            "straggler_times": max(1.0, known.straggler_times),
            "fails": min(0.99, max(0.0, 1 - known.success.value)),
            "attempts": max(mode.attempts, attempts),
            "pause": mode.pause or PAUSE,
        }
    )


def with_learned(plan: Plan, known: Mapping[StepId, Seen]) -> Plan:
    """Give the plan with the first way of each known step as learned; the others stay."""
    steps = tuple(
        _learned(step, known[step.id]) if step.id in known else step for step in plan.steps
    )
    return plan.model_copy(update={"steps": steps})


def _learned(step: PlanStep, seen: Seen) -> PlanStep:
    mode = step.modes[0]
    if seen.whole and seen.estimate.n:
        mode = learned_mode(mode.model_copy(update={"attempts": 1}), seen.estimate, attempts=1)
    elif seen.estimate.n:
        mode = learned_mode(mode, seen.estimate)
    return step.model_copy(
        update={
            "modes": (mode, *step.modes[1:]),
            "chance": step.chance if seen.chance is None else seen.chance,
            "times": seen.times or step.times,
        }
    )
