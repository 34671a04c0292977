"""The decision sheet: in order or parallel, judged on eight dimensions, each with its reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from insight.plan.clusters import Stage
from insight.plan.contention import Contention
from insight.plan.critical import Critical
from insight.plan.graph import Graph
from insight.plan.savings import overhead
from workflows.data.blueprints.plan import Plan
from workflows.data.common import Record


class Dimension(StrEnum):
    """What is judged."""

    OBJECTIVE = "objective"
    DURATION = "duration"
    COMPLEXITY = "complexity"
    FAILURES = "failures"
    RESOURCES = "resources"
    DEBUGGING = "debugging"
    DEPENDENCIES = "dependencies"
    CHANGE = "change"


class Line(Record):
    """One dimension: from -2 (speaks for one step after the other) to 2 (speaks for parallel)."""

    dimension: Dimension
    score: int
    reason: str


class Sheet(Record):
    """Eight judgements and what follows. `gains` is false where parallel cannot gain anything."""

    lines: tuple[Line, ...]
    total: int
    gains: bool
    parallel: bool
    verdict: str


@dataclass(frozen=True)
class _Facts:
    plan: Plan
    found: Critical
    held: Contention
    apart: Sequence[Stage]
    deadline: float | None

    @property
    def saved(self) -> float:
        """What parallel saves of `of` under the limits, less coordination."""
        if self.of_machine:
            return self._machine
        took = max(self.found.bound, self.held.took)
        return self.found.in_order - took - overhead(self.plan, self.found)

    @property
    def of_machine(self) -> bool:
        """Whether machine time is judged; where none is saved, waits that overlap may be."""
        return self._machine > 0 or self.found.in_order == self.found.machine_in_order

    @property
    def _machine(self) -> float:
        waits = self.found.bound - self.found.machine
        took = max(self.found.machine, self.held.took - waits)
        return self.found.machine_in_order - took - overhead(self.plan, self.found)

    @property
    def of(self) -> float:
        """The time in order that is judged: the machine's, else all of it."""
        return self.found.machine_in_order if self.of_machine else self.found.in_order

    @property
    def of_items(self) -> tuple[str, ...]:
        """The steps that do several items at once."""
        return tuple(s.id for s in self.plan.steps if s.times > 1 and s.at_once != 1)

    @property
    def gain(self) -> str:
        """Say what is saved of what."""
        kind = "machine time" if self.of_machine else "waiting and work"
        return f"{seconds(self.saved)} of {seconds(self.of)} of {kind}"

    @property
    def share(self) -> float:
        """What is saved as a share."""
        return self.saved / self.of if self.of else 0.0


def sheet(
    plan: Plan,
    found: Critical,
    held: Contention,
    apart: Sequence[Stage],
    deadline: float | None = None,
) -> Sheet:
    """Judge whether a plan should run in parallel; without any gain, it should not."""
    facts = _Facts(plan, found, held, apart, deadline)
    lines = tuple(
        Line(dimension=dimension, score=score, reason=reason)
        for dimension, judge in _JUDGES.items()
        for score, reason in (judge(facts),)
    )
    total = sum(line.score for line in lines)
    gains = facts.saved > 0
    return Sheet(
        lines=lines,
        total=total,
        gains=gains,
        parallel=gains and total > 0,
        verdict=_verdict(facts, total),
    )


def _verdict(facts: _Facts, total: int) -> str:
    if not Graph(facts.plan).free and not facts.of_items:
        return "in order: each step needs the one before, so parallel gains nothing"
    if facts.saved <= 0:
        return "in order: what could run at once saves less than coordination costs"
    if total > 0:
        return f"parallel: saves {facts.gain}, and the eight dimensions come to {total:+d}"
    return f"in order: parallel saves {facts.gain}, but the eight dimensions come to {total:+d}"


def _objective(facts: _Facts) -> tuple[int, str]:
    wish, found = facts.deadline, facts.found
    if wish is None:
        if facts.share >= 0.2:
            return 1, "no deadline is set; the money is the same either way, the time is not"
        return 0, "no deadline is set, and the money is the same either way"
    if found.in_order <= wish:
        return 0, f"the deadline of {seconds(wish)} is kept in order too"
    if found.bound <= wish:
        return 2, f"only parallel keeps the deadline of {seconds(wish)}"
    return 1, f"neither keeps the deadline of {seconds(wish)}; parallel comes nearer"


def _duration(facts: _Facts) -> tuple[int, str]:
    found = facts.found
    if facts.saved <= 0:
        why = ": coordination and limits cost it" if found.machine < found.machine_in_order else ""
        return -2, f"nothing is saved of {seconds(facts.of)}{why}"
    said = f"{facts.gain} saved ({facts.share:.0%})"
    return (2 if facts.share >= 0.4 else 1 if facts.share >= 0.1 else -1), said


def _complexity(facts: _Facts) -> tuple[int, str]:
    joins = Graph(facts.plan).joins
    maybe = sum(step.chance < 1 for step in facts.plan.steps)
    size = joins + maybe
    said = f"{_many(len(facts.plan.steps), 'step')}, {_many(joins, 'join')}"
    said += f", {maybe} that may not happen" if maybe else ""
    return (0 if size <= 3 else -1 if size <= 12 else -2), said


def _failures(facts: _Facts) -> tuple[int, str]:
    graph = Graph(facts.plan)
    effects = [graph.steps[s].id for s in graph.free if graph.steps[s].effect]
    if effects:
        return -1, f"other steps may fail while these change the world: {_named(effects)}"
    if facts.apart:
        parts = sum(len(stage.clusters) for stage in facts.apart)
        return 1, f"what fails in one of {parts} independent parts leaves the others running"
    return 0, "a failure stops what comes after it, either way"


def _resources(facts: _Facts) -> tuple[int, str]:
    tight = [d for d in facts.held.demands if d.at_once and d.peak > d.at_once]
    asked = ", ".join(f"{d.limit} {d.peak} of {d.at_once}" for d in tight)
    if facts.held.took > facts.found.bound * 1.01:
        slower = seconds(facts.held.took - facts.found.bound)
        return (-2 if facts.saved <= 0 else -1), f"limits add {slower}" + (
            f": {asked}" if asked else ""
        )
    if not facts.held.demands or not any(d.at_once or d.per_minute for d in facts.held.demands):
        return 0, "no limits are declared, so what providers bear is not known"
    return 1, "all that runs at once fits the limits"


def _debugging(facts: _Facts) -> tuple[int, str]:
    wide = width(facts.found)
    if wide <= 1 and not facts.of_items:
        return -1, "one thing happens at a time: nothing to tell apart"
    what = f"{wide} steps" if wide > 1 else f"all items of {_named(facts.of_items)}"
    said = f"up to {what} at once; `explain` tells them apart by name and cause"
    return (0 if wide <= 8 else -1), said


def _dependencies(facts: _Facts) -> tuple[int, str]:
    graph = Graph(facts.plan)
    free, count = len(graph.free), len(graph.steps)
    if not free and facts.of_items:
        return 1, f"each step needs the one before; items go at once of {_named(facts.of_items)}"
    if not free:
        return -2, "each step needs the one before"
    said = f"{free} of {count} steps can run beside another"
    return (2 if free * 2 >= count else 1), said


def _change(facts: _Facts) -> tuple[int, str]:
    graph = Graph(facts.plan)
    uses = [use for s in graph.free for use in graph.steps[s].uses]
    if shared := sorted({use for use in uses if uses.count(use) > 1}):
        return -1, f"steps that run at once share {_named(shared)}: a change to one is felt"
    if facts.apart:
        most = max(len(stage.clusters) for stage in facts.apart)
        return 1, f"{most} parts may be changed without a look at each other"
    return 0, "a step can be changed only with a look at what follows"


_JUDGES: dict[Dimension, Callable[[_Facts], tuple[int, str]]] = {
    Dimension.OBJECTIVE: _objective,
    Dimension.DURATION: _duration,
    Dimension.COMPLEXITY: _complexity,
    Dimension.FAILURES: _failures,
    Dimension.RESOURCES: _resources,
    Dimension.DEBUGGING: _debugging,
    Dimension.DEPENDENCIES: _dependencies,
    Dimension.CHANGE: _change,
}


def width(found: Critical) -> int:
    """Give the most steps that run at once if each begins as early as it can."""
    news = [  # rounded, or a step would begin a rounding error before the one it needs has ended
        (round(at, 6), change)
        for p in found.places
        if p.seconds
        for at, change in ((p.start, 1), (p.end, -1))
    ]
    level = most = 0
    for _, change in sorted(news):
        level += change
        most = max(most, level)
    return most


def seconds(time: float) -> str:
    """Write a time briefly: 14 s, 3.5 min, 2.1 h, 4 d."""
    for unit, size in (("d", 172_800.0), ("h", 3_600.0), ("min", 120.0)):
        if time >= size:
            return f"{time / {'d': 86_400, 'h': 3_600, 'min': 60}[unit]:.3g} {unit}"
    return f"{time:.3g} s"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"
