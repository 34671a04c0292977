"""What is foreseen of a plan is what the executor does, both in virtual time."""

import asyncio
import os
from collections.abc import Mapping
from datetime import timedelta

import pytest

from insight.plan.contention import contention
from insight.plan.critical import critical
from insight.plan.graph import mode
from insight.plan.montecarlo import simulate
from tests.patterns.virtual import elapsed, run
from tests.plans.made import drawn, plan, step
from workflows.data.blueprints.plan import Plan, PlanStep
from workflows.patterns.plan.run import run_plan
from workflows.patterns.plan.step import Each, Planned, Seen

SOAK = bool(os.environ.get("BRAID_SOAK"))


def planned(of: PlanStep) -> Planned:
    async def work(_seen: Seen) -> None:
        await asyncio.sleep(mode(of).p50)

    each = Each(lambda _seen: range(of.times), at_once=of.at_once) if of.times > 1 else None
    wait = timedelta(seconds=of.soft_wait)
    return Planned(of.id, work, of.needs, of.soft, wait, each=each, seconds=mode(of).p50)


def executed(made: Plan) -> float:
    async def all_() -> float:
        await run_plan([planned(step) for step in made.steps])
        return elapsed()

    return run(all_())


@pytest.mark.parametrize("seed", range(200 if SOAK else 3))
def test_waits_for_what_is_soft_are_foreseen(seed: int) -> None:
    made = drawn(seed, 14, held=False, soft=True)
    took = executed(made)
    assert critical(made).bound == pytest.approx(took)
    assert contention(made).took == pytest.approx(took)
    assert simulate(made, runs=50).p50.value == pytest.approx(took)
    for place in critical(made).places:
        assert executed(longer(made, place.step, place.slack)) == pytest.approx(took), place


def longer(made: Plan, name: str, more: float) -> Plan:
    """Let a step take so much longer: by a step of its own behind it that all wait for instead."""
    behind: Mapping[str, str] = {name: f"{name}_late"}
    steps = [
        one.model_copy(
            update={
                "needs": tuple(behind.get(need, need) for need in one.needs),
                "soft": tuple(behind.get(need, need) for need in one.soft),
            }
        )
        for one in made.steps
    ]
    return plan(*steps, step(behind[name], more, name))
