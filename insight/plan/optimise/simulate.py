"""Runs of a plan in virtual time: stragglers, retries, limits, second tries, and re-planning."""

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from random import Random

from insight.plan.optimise.lengths import length, price
from insight.plan.optimise.problem import Problem
from insight.plan.optimise.schedule import Gauge
from workflows.data.blueprints.choices import Choices
from workflows.data.blueprints.plan import Mode, PlanStep
from workflows.data.blueprints.replan import Began, Ended, Replanner

Clock = Callable[[Mode, PlanStep, int, int], float]
"""Gives how long a try takes in seconds: of a mode, for the step's number, first (0) or second."""


@dataclass(frozen=True)
class Outcome:
    """One run: when all had ended, what it cost, and how many second tries it made."""

    took: int
    micro_usd: int
    hedges: int
    begins: tuple[int, ...]
    ends: tuple[int, ...]


def drawn(problem: Problem, seed: int, slower: float = 1.0) -> tuple[Clock, tuple[bool, ...]]:
    """Draw one run: how long every try would take on any way, and which steps happen.

    People are never slower. A try's luck is the same on every way, so that plans are compared on
    the same runs.
    """
    random = Random(seed)  # noqa: S311
    luck = [(random.random(), random.random()) for _ in problem.steps]
    happens = tuple(random.random() < step.chance for step in problem.steps)

    def clock(mode: Mode, step: PlanStep, number: int, attempt: int) -> float:
        limit = problem.limit(mode.limit)
        pace = 1.0 if step.waits else slower
        return pace * length(mode, step, luck[number][attempt], limit)

    return clock, happens


class Track:
    """What all runs of the same choices share."""

    def __init__(self, problem: Problem, choices: Choices) -> None:
        self.problem, self.choices = problem, choices
        self.planner = Replanner(choices)
        self.ids = [step.step for step in choices.steps]
        self.number = {name: i for i, name in enumerate(self.ids)}
        self.followers = problem.layout.followers
        self.modes = [
            [next(m for m in step.modes if m.name == way.name) for way in choice.ways]
            for step, choice in zip(problem.steps, choices.steps, strict=True)
        ]

    def run(self, clock: Clock, happens: tuple[bool, ...]) -> Outcome:
        """Run once, to the end."""
        return Run(self, clock, happens).outcome()


class Run:
    """One run going on."""

    def __init__(self, track: Track, clock: Clock, happens: tuple[bool, ...]) -> None:
        self.problem, self.choices, self.modes = track.problem, track.choices, track.modes
        self.ids, self.number, self.followers = track.ids, track.number, track.followers
        self.clock, self.happens = clock, happens
        self.rolling = track.choices.rolling
        self.planner = track.planner.anew()
        self.now, self.spent, self.hedges = 0, 0, 0
        self.events: list[tuple[int, int, int]] = []
        self.ready: list[tuple[int, int, int]] = []
        self.gauge = Gauge(self.problem)
        self.chosen = self.planner.chosen
        self.missing = [len(needs) for needs in self.problem.needs]
        self.began: dict[str, Began] = {}
        self.ended: dict[str, Ended] = {}
        self.begins = [0] * len(self.ids)

    def outcome(self) -> Outcome:
        """Run to the end."""
        for step, count in enumerate(self.missing):
            if not count:
                self._ready(step)
        due, again = self._start(), self._again()
        while self.events or self.ready:
            ends = self.events[0][0] if self.events else None
            hedge = self._hedge(again, ends)
            if hedge is not None:  # a step tried again tells nothing of the pace any more
                left = again.keys() - {hedge}
                again = {name: at for name, at in self._again().items() if name in left}
                continue
            if due is not None and (ends is None or due < ends):
                self.now = due
            elif not self.events or not self._end(*heappop(self.events)):
                continue
            due, again = self._start(), self._again()
        return Outcome(
            took=max(end.at for end in self.ended.values()),
            micro_usd=self.spent,
            hedges=self.hedges,
            begins=tuple(self.begins),
            ends=tuple(self.ended[name].at for name in self.ids),
        )

    def _hedge(self, again: dict[str, int], ends: int | None) -> str | None:
        """Try the step again whose time has come before the next end; None if there is none."""
        if ends is None or not again:
            return None
        at, name = min((at, name) for name, at in again.items())
        at = max(at, self.now)
        if at >= ends:
            return None
        self.now = at
        if self._room(name):
            self._try_again(name)
        return name

    def _replan(self) -> None:
        if self.rolling:
            self.planner.move(self.now, self.began, self.ended, self.spent)

    def _ready(self, step: int) -> None:
        choice = self.choices.steps[step]
        heappush(self.ready, (choice.level, choice.slack, step))

    def _start(self) -> int | None:
        """Begin what can begin; give when a limit lets the next one begin, if time alone does."""
        waiting, due = [], None
        while self.ready:
            entry = heappop(self.ready)
            step = entry[2]
            if not self.happens[step]:
                self._skip(step)
                continue
            mode = self.modes[step][self.chosen[step]]
            shape = self.problem.steps[step]
            places = self.problem.places(step, mode.limit)
            at = self.gauge.free_at(mode.limit, places, shape.times, self.now)
            if at == self.now:
                self._begin(step, mode, places)
            else:
                waiting.append(entry)
                due = at if due is None else min(due, at or due)
        self.ready = waiting
        heapify(self.ready)
        return due

    def _skip(self, step: int) -> None:
        self.begins[step] = self.now
        self.ended[self.ids[step]] = Ended(self.now, 0, self.chosen[step], teaches=False)
        self._free(step)

    def _begin(self, step: int, mode: Mode, places: int) -> None:
        shape = self.problem.steps[step]
        self.gauge.take(mode.limit, places, shape.times, self.now)
        self.began[self.ids[step]] = Began(self.now, self.chosen[step], teaches=not shape.waits)
        self.begins[step] = self.now
        self.spent += price(mode, shape)
        took = round(self.clock(mode, shape, step, 0) * 1_000)
        heappush(self.events, (self.now + took, step, 0))

    def _again(self) -> dict[str, int]:
        if not self.rolling or self.hedges >= self.choices.hedges:
            return {}
        return self.planner.again(self.now, self.began, self.ended)

    def _room(self, name: str) -> bool:
        if self.hedges >= self.choices.hedges:
            return False
        step = self.number[name]
        limit = self.modes[step][self.planner.quickest(name)].limit
        places = self.problem.places(step, limit)
        times = self.problem.steps[step].times
        return self.gauge.free_at(limit, places, times, self.now) == self.now

    def _try_again(self, name: str) -> None:
        step = self.number[name]
        mode, shape = self.modes[step][self.planner.quickest(name)], self.problem.steps[step]
        places = self.problem.places(step, mode.limit)
        self.gauge.take(mode.limit, places, shape.times, self.now)
        self.began[name].again = self.now
        self.hedges += 1
        self.spent += price(mode, shape)
        took = round(self.clock(mode, shape, step, 1) * 1_000)
        heappush(self.events, (self.now + took, step, 1))

    def _end(self, at: int, step: int, attempt: int) -> bool:
        """End a try; say whether it was the first of its step to end."""
        name = self.ids[step]
        began = self.began.pop(name, None)
        if began is None:
            return False
        self.now = at
        quick = self.planner.quickest(name)
        tries = [(began.way, began.at)]
        if began.again is not None:
            tries.append((quick, began.again))
        for way, _ in tries:
            limit = self.modes[step][way].limit
            self.gauge.give(limit, self.problem.places(step, limit))
        way, since = tries[attempt]
        self.ended[name] = Ended(at, at - since, way, teaches=not self.problem.steps[step].waits)
        self._free(step)
        self._replan()
        return True

    def _free(self, step: int) -> None:
        for follower in self.followers[step]:
            self.missing[follower] -= 1
            if not self.missing[follower]:
                self._ready(follower)
