"""Runs by choices, on virtual time: they do what the optimiser's own runs did.

BRAID_SOAK=1 tries more plans.
"""

import asyncio
import os
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from bench.plans import tiered
from insight.plan.optimise.decide import Trial, decide
from insight.plan.optimise.lengths import price
from insight.plan.optimise.problem import problem
from insight.plan.optimise.simulate import Clock, Outcome, Track, drawn
from tests.patterns.asking import Label, consulted
from tests.patterns.virtual import run
from workflows.data.blueprints.choices import LEFT_OUT, Objective, Wish
from workflows.data.blueprints.decided import Decided, TurnKind
from workflows.data.blueprints.plan import Plan
from workflows.patterns.hedge import hedge
from workflows.patterns.otherwise import give_up
from workflows.patterns.outcome import Outcome as Ended
from workflows.patterns.plan.course import Course, TurnLog
from workflows.patterns.plan.run import run_plan
from workflows.patterns.plan.step import Planned, Seen
from workflows.patterns.respondents import Respondent

SEEDS = range(20 if os.environ.get("BRAID_SOAK") else 2)


class Driver:
    """Drives the executor by a course; tries last as long as the optimiser's clock says."""

    def __init__(self, track: Track, clock: Clock) -> None:
        self.track, self.clock = track, clock
        self.log, self.second = TurnLog(), set[str]()
        self.spent, self.ends = 0, dict[str, int]()
        self.course = Course(track.choices, self.log, lambda: self.spent)

    async def outcome(self) -> tuple[Outcome, Decided]:
        steps = [
            Planned(c.step, partial(self.work, c.step), needs=c.needs, when=partial(self.is_in, c))
            for c in self.track.choices.steps
        ]
        await run_plan(steps, watcher=self)
        decided = self.course.decided(over=True)
        tries = sum(turn.kind is TurnKind.AGAIN for turn in decided.turns)
        ends = tuple(self.ends[name] for name in self.track.ids)
        return Outcome(decided.took or 0, self.spent, tries, (), ends), decided

    def is_in(self, choice: Any, _seen: Seen) -> bool:
        return self.course.way(choice.step).name != LEFT_OUT

    async def work(self, name: str, _seen: Seen) -> None:
        self.course.begin(name)
        one = Respondent("first", partial(self.tries, name, self.course.way(name).name, 0))
        if not self.course.may_try_again(name):
            await one.ask()
            return
        two = Respondent("second", partial(self.tries, name, self.course.quickest(name).name, 1))
        late = partial(self.course.late, name)
        found = await hedge(name, one, two, after=late, otherwise=give_up())
        if found.record.via == "second":
            self.second.add(name)

    async def tries(self, name: str, way: str, number: int) -> Any:
        step = self.track.number[name]
        shape = self.track.problem.steps[step]
        mode = next(mode for mode in shape.modes if mode.name == way)
        self.spent += price(mode, shape)
        await asyncio.sleep(round(self.clock(mode, shape, step, number) * 1_000) / 1_000)
        return consulted(name, Label(label=way))

    def step_began(self, name: str) -> None:
        """Nothing: the work says when it begins."""

    def step_ended(self, outcome: Ended[Any]) -> None:
        self.ends[outcome.name] = self.log.at()
        self.course.end(
            outcome.name, teaches=outcome.is_success, second=outcome.name in self.second
        )


def driven(track: Track, clock: Clock) -> tuple[Outcome, Decided]:
    async def all_() -> tuple[Outcome, Decided]:
        return await Driver(track, clock).outcome()

    return run(all_())


def tracked(made: Plan, wish: Wish, **changed: Any) -> Track:
    choices = decide(made, wish, None, Trial(runs=60))
    return Track(problem(made, choices.quantile), choices.model_copy(update=changed))


def cheapest(seconds: float) -> Wish:
    return Wish(objective=Objective.CHEAPEST, deadline_ms=round(seconds * 1_000))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_does_what_the_optimiser_foresaw(seed: int) -> None:
    """Moves and second tries at the same moments, on the same luck, so the figures hold."""
    track = tracked(tiered(seed, 8), cheapest(60), hedges=3)
    moved = tries = 0
    for luck in range(4):
        clock, happens = drawn(track.problem, luck, slower=1.0 + luck % 3 / 2)
        foreseen, (did, decided) = track.run(clock, happens), driven(track, clock)
        assert (did.took, did.hedges, did.ends) == (foreseen.took, foreseen.hedges, foreseen.ends)
        moved += sum(turn.kind is TurnKind.MOVED for turn in decided.turns)
        tries += did.hedges
        assert decided.in_time == (did.took <= 60_000)
        assert all(a.at <= b.at for a, b in pairwise(decided.turns))
    print(f"seed {seed}: {moved} moves, {tries} second tries")
    assert moved > 0


def test_slow_vendors_are_made_up_for_and_at_once_if_the_last_run_met_them() -> None:
    made, slow = tiered(1, 8), range(4)
    rolling = tracked(made, cheapest(60))
    static = Track(rolling.problem, rolling.choices.model_copy(update={"rolling": False}))
    warned = Track(rolling.problem, rolling.choices.model_copy(update={"slower": 1_600}))
    kept: dict[str, list[Decided]] = {}
    for name, track in (("static", static), ("rolling", rolling), ("warned", warned)):
        clocks = [drawn(track.problem, luck, slower=1.6)[0] for luck in slow]
        kept[name] = [driven(track, clock)[1] for clock in clocks]
    hits = {name: sum(bool(one.in_time) for one in runs) for name, runs in kept.items()}
    print(hits)
    assert hits["static"] < hits["rolling"] <= hits["warned"]
    assert not any(one.turns for one in kept["static"])
    assert all(one.turns[0].at == 0 for one in kept["warned"]), "before anything began"
