"""A plan run many times in virtual time: how long it takes at p50, p95 and p99, and what binds it.

Where limits are declared, each run is scheduled under them, call by call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from pydantic import Field

from insight.plan.draws import Drawn, drawn, length
from insight.plan.graph import Graph, mode
from insight.plan.passes import backward, forward
from insight.plan.virtual import Items, ranked, run
from workflows.data.blueprints.plan import Plan, Share, StepId
from workflows.data.common import Record

RUNS = 1_000
MOST_CALLS = 2_000_000
"""Calls drawn in all: a plan of very many gets fewer runs, which its Monte Carlo errors tell."""
LEAST_RUNS = 50


class Guess(Record):
    """A figure from many runs, and its standard error."""

    value: float
    error: float


class Binding(Record):
    """How much a step binds the plan.

    `criticality` is the share of runs in which it lay on the critical path, `cruciality` how its
    length and the plan's go together (correlation, -1 to 1), `ssi` the criticality times how much
    the step's length scatters against the plan's. `slack_p10` is the slack in seconds that 90 %
    of runs left it, without limits.
    """

    step: StepId
    criticality: Share
    cruciality: float
    ssi: float
    slack_p10: float


class Simulated(Record):
    """What many runs came to; times in seconds.

    `works` is the share of runs in which every step worked at last. `usage` is the share of each
    limit's places that was busy, `waited` the share of calls' time that was waiting for a place.
    `times_faster` compares with one call after the other; `efficiency` is the critical path as a
    share of what it took: below 1 only where limits hold steps back. `in_time` is the share of
    runs within the deadline, where there is one.
    """

    runs: int
    seed: int
    mean: Guess
    p50: Guess
    p95: Guess
    p99: Guess
    works: Share
    in_time: Guess | None
    times_faster: float
    efficiency: float
    waited: Share
    usage: Mapping[str, float] = Field(default_factory=dict)
    bindings: tuple[Binding, ...]


@dataclass
class _Runs:
    """All runs by column: of each step, one figure a run."""

    lengths: list[list[float]]
    took: list[float]
    unheld: list[float]
    slacks: list[list[float]]
    critical: list[int]
    waited: float
    busy: Mapping[str, float]


def simulate(
    plan: Plan, *, seed: int = 1, runs: int = RUNS, deadline: float | None = None
) -> Simulated:
    """Run a plan many times; the same seed gives the same figures."""
    graph = Graph(plan)
    calls = sum(step.times for step in graph.steps)
    runs = max(min(runs, MOST_CALLS // calls), min(runs, LEAST_RUNS))
    draws = [drawn(step, runs, seed) for step in graph.steps]
    known = _columns(graph, draws)
    if any(mode(step).limit in plan.limits for step in graph.steps):
        _hold(graph, draws, known)
    took = sorted(known.took)
    work = sum(sum(map(sum, one.items)) for one in draws)
    total = sum(known.took)
    return Simulated(
        runs=runs,
        seed=seed,
        mean=Guess(value=total / runs, error=_deviation(took) / sqrt(runs)),
        p50=_quantile(took, 0.5),
        p95=_quantile(took, 0.95),
        p99=_quantile(took, 0.99),
        works=sum(map(all, zip(*(one.works for one in draws), strict=True))) / runs,
        in_time=None if deadline is None else _share(sum(t <= deadline for t in took), runs),
        times_faster=work / total if total else 1.0,
        efficiency=sum(known.unheld) / total if total else 1.0,
        waited=known.waited / (known.waited + work) if known.waited else 0.0,
        usage=_usage(graph, known, total),
        bindings=_bindings(graph, known),
    )


def _columns(graph: Graph, draws: Sequence[Drawn]) -> _Runs:
    """Go forward and backward through the graph, all runs at once, as if nothing held it back."""
    lengths = [
        [length(items, step.at_once) for items in one.items]
        for step, one in zip(graph.steps, draws, strict=True)
    ]
    ends = forward(graph, lengths)
    took = list(map(max, zip(*ends, strict=True)))
    latest = backward(graph, lengths, ends, took)
    slacks = [
        [until - end for until, end in zip(*both, strict=True)]
        for both in zip(latest, ends, strict=True)
    ]
    near = [t * 1e-9 for t in took]
    critical = [
        sum(s <= n and some > 0 for s, n, some in zip(slack, near, lengths[step], strict=True))
        for step, slack in enumerate(slacks)
    ]
    return _Runs(lengths, took, list(took), slacks, critical, 0.0, {})


def _hold(graph: Graph, draws: Sequence[Drawn], known: _Runs) -> None:
    """Do every run again under the limits; what bound each is followed back from its end."""
    ranks = ranked(graph)
    known.critical = [0] * len(draws)
    busy: dict[str, float] = {}
    for number, one in enumerate(zip(*(draw.items for draw in draws), strict=True)):
        items: Items = one
        ran = run(graph, items, ranks)
        known.took[number] = ran.took
        known.waited += ran.waited
        for name, seconds in ran.busy.items():
            busy[name] = busy.get(name, 0.0) + seconds
        step = max(range(len(ran.ends)), key=ran.ends.__getitem__)
        while step >= 0:
            known.critical[step] += ran.ends[step] > ran.starts[step]
            step = ran.bound[step]
    known.busy = busy


def _usage(graph: Graph, known: _Runs, total: float) -> Mapping[str, float]:
    found = {}
    for name, busy in known.busy.items():
        if (places := graph.limit(name).at_once) and total:
            found[name] = busy / (places * total)
    return found


def _bindings(graph: Graph, known: _Runs) -> tuple[Binding, ...]:
    runs, spread = len(known.took), _deviation(known.took)
    found = []
    for step, record in enumerate(graph.steps):
        criticality, lengths = known.critical[step] / runs, known.lengths[step]
        scatter = _deviation(lengths)
        found.append(
            Binding(
                step=record.id,
                criticality=criticality,
                cruciality=_together(lengths, scatter, known.took, spread),
                ssi=criticality * scatter / spread if spread else 0.0,
                slack_p10=max(0.0, sorted(known.slacks[step])[runs // 10]),
            )
        )
    return tuple(found)


def _deviation(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def _together(one: Sequence[float], a: float, other: Sequence[float], b: float) -> float:
    """Give the correlation of two columns with their deviations; 0 where one does not scatter."""
    if a <= 1e-12 or b <= 1e-12:
        return 0.0
    middle, mean = sum(one) / len(one), sum(other) / len(other)
    shared = sum((x - middle) * (y - mean) for x, y in zip(one, other, strict=True))
    return max(-1.0, min(1.0, shared / (len(one) * a * b)))


def _quantile(ordered: Sequence[float], p: float) -> Guess:
    """Give a quantile of values in order; its error by the binomial spread of its rank."""
    count = len(ordered)
    reach = sqrt(count * p * (1 - p))
    low, middle, high = (
        ordered[min(count - 1, max(0, int(count * p + off)))] for off in (-reach, 0.0, reach)
    )
    return Guess(value=middle, error=(high - low) / 2)


def _share(part: int, of: int) -> Guess:
    """Give a share; its error by the rule of succession, so that it is never none."""
    guess = (part + 1) / (of + 2)
    return Guess(value=part / of, error=sqrt(guess * (1 - guess) / of))
