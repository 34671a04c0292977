"""What is foreseen of a plan is what the executor does, both in virtual time."""

import asyncio
import os
from collections.abc import Mapping
from datetime import timedelta
from random import Random

import pytest

from insight.plan.contention import contention
from insight.plan.critical import critical
from insight.plan.graph import mode, usual
from insight.plan.montecarlo import simulate
from tests.patterns.virtual import elapsed, run
from tests.plans.made import drawn, plan, step
from workflows.data.blueprints.plan import Limit, Plan, PlanStep
from workflows.patterns.plan.run import run_plan
from workflows.patterns.plan.step import Each, Planned, Seen

SOAK = bool(os.environ.get("BRAID_SOAK"))


def planned(of: PlanStep) -> Planned:
    async def work(_seen: Seen) -> None:
        await asyncio.sleep(mode(of).p50)

    each = Each(lambda _seen: range(of.times), at_once=of.at_once) if of.times > 1 else None
    wait = timedelta(seconds=of.soft_wait)
    uses, took = (mode(of).limit,), usual(of)
    return Planned(of.id, work, of.needs, of.soft, wait, each=each, uses=uses, seconds=took)


def executed(made: Plan) -> float:
    async def all_() -> float:
        await run_plan([planned(step) for step in made.steps], limits=made.limits)
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


@pytest.mark.parametrize("seed", range(200 if SOAK else 4))
def test_calls_in_a_minute_are_held_as_foreseen(seed: int) -> None:
    """Steps that are all alike, so that order hardly matters."""
    random = Random(seed)  # noqa: S311
    most, count = random.randint(1, 4), random.randint(5, 14)
    limit = Limit(per_minute=most, at_once=random.choice([None, 1, 2]))
    seconds = random.choice([1.0, 25.0, 70.0])
    calls = [step(f"s{number}", seconds, limit="crm") for number in range(count)]
    each = step("each", seconds, limit="crm", times=3, at_once=random.choice([None, 2]))
    made = plan(*calls, each, crm=limit)
    assert executed(made) == pytest.approx(contention(made).took), made.limits
    assert contention(made).bound <= contention(made).took + 1e-9


def test_the_minute_of_one_limit_holds_nobody_else_back() -> None:
    wide = [step(f"a{n}", 1, limit="a") for n in range(4)]
    after = step("b0", 30, limit="b"), step("b1", 1, limit="b"), step("free", 5, "a0")
    made = plan(*wide, *after, a=Limit(per_minute=2), b=Limit(per_minute=1, at_once=1))
    assert executed(made) == contention(made).took == 61
    alone = plan(*wide, a=Limit(per_minute=1))
    assert executed(alone) == contention(alone).took == 181
