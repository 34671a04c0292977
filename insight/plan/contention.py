"""What its limits do to a plan: who waits how long, and bounds no schedule can beat."""

from collections.abc import Mapping, Sequence
from math import ceil

from insight.plan.graph import Graph, mode, usual, work
from insight.plan.virtual import MINUTE, Items, ranked, run
from workflows.data.blueprints.plan import Plan
from workflows.data.common import Record


class Demand(Record):
    """What a limit is asked for.

    `peak` counts the calls under way at once at the worst moment if nothing held them back;
    `busy` are the seconds of all calls, `calls` their number.
    """

    limit: str
    at_once: int | None
    per_minute: int | None
    peak: int
    calls: int
    busy: float


class Contention(Record):
    """A plan under its limits, at the median; times in seconds.

    `took` is what the schedule takes, `bound` what none can beat, and `bound_by` the limit that
    makes it so; empty where the critical path does. `waited` sums what calls waited for a place.
    """

    took: float
    bound: float
    bound_by: str
    waited: float
    demands: tuple[Demand, ...]


def contention(plan: Plan) -> Contention:
    """Schedule a plan under its limits, at the median, and say what they cost."""
    graph = Graph(plan)
    items = [[mode(step).p50] * step.times for step in graph.steps]
    ran = run(graph, items, ranked(graph))
    bound, by = _bound(graph)
    return Contention(
        took=ran.took, bound=bound, bound_by=by, waited=ran.waited, demands=_demands(graph, items)
    )


def _bound(graph: Graph) -> tuple[float, str]:
    """Give the largest of the lower bounds: critical path, places, and calls in a minute."""
    seconds = [usual(step) for step in graph.steps]
    tails = graph.tails(seconds)
    heads: list[float] = []
    for needs in graph.needs:
        heads.append(max((heads[n] + seconds[n] for n in needs), default=0.0))
    bounds = [(max(h + s for h, s in zip(heads, seconds, strict=True)), "")]
    for name, steps in _by_limit(graph).items():
        limit, found = graph.limit(name), [graph.steps[step] for step in steps]
        around = min(heads[step] for step in steps) + min(tails[step] for step in steps)
        if limit.at_once:
            bounds.append((around + sum(map(work, found)) / limit.at_once, name))
        if limit.per_minute:
            rounds = ceil(sum(step.times for step in found) / limit.per_minute) - 1
            shortest = min(mode(step).p50 for step in found)
            bounds.append((around + rounds * MINUTE + shortest, name))
    return max(bounds, key=lambda bound: bound[0])


def _by_limit(graph: Graph) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, step in enumerate(graph.steps):
        if mode(step).limit:
            found.setdefault(mode(step).limit, []).append(number)
    return found


def _demands(graph: Graph, items: Items) -> tuple[Demand, ...]:
    """Count what each limit would be asked for if there were none."""
    free = run(Graph(graph.plan.model_copy(update={"limits": {}})), items, ranked(graph))
    found = []
    for name, steps in _by_limit(graph).items():
        limit, held = graph.limit(name), [graph.steps[step] for step in steps]
        found.append(
            Demand(
                limit=name,
                at_once=limit.at_once,
                per_minute=limit.per_minute,
                peak=_peak([(free.starts[s], free.ends[s], _most(graph, s)) for s in steps]),
                calls=sum(step.times for step in held),
                busy=sum(map(work, held)),
            )
        )
    return tuple(sorted(found, key=lambda demand: -demand.peak))


def _most(graph: Graph, number: int) -> int:
    """Give how many items of a step are under way at most: of one item, as many as it allows, as
    the items of a blueprint are not known before it runs.
    """
    step = graph.steps[number]
    most = step.at_once or step.times
    return most if step.times == 1 else min(step.times, most)


def _peak(spans: Sequence[tuple[float, float, int]]) -> int:
    """Count how many are open at the worst moment; what ends as others begin makes room first."""
    news = [
        (at, change)
        for start, end, many in spans
        if end > start
        for at, change in ((start, many), (end, -many))
    ]
    level = peak = 0
    for _, change in sorted(news):
        level += change
        peak = max(peak, level)
    return peak
