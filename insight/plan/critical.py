"""The least time a plan can take, its critical path, and by how much each step may be late.

A bound, by what steps usually last: no limits, no failures, every step happens. What is soft binds
for as long as it is waited for. Waiting for people and events is told apart from work.
"""

from collections.abc import Sequence

from insight.plan.graph import Graph, usual, work
from insight.plan.passes import backward, forward
from workflows.data.blueprints.plan import Plan, StepId
from workflows.data.common import Record


class Place(Record):
    """Where a step lies in time, in seconds from the start.

    `slack` is by how much it may end later without the plan ending later, `free` without any
    other step beginning later. `critical` steps have no slack.
    """

    step: StepId
    seconds: float
    start: float
    end: float
    latest: float
    slack: float
    free: float
    critical: bool
    waits: bool


class Critical(Record):
    """What the graph alone says. Times in seconds.

    `bound` is the least time the plan takes, `waiting` the part of it in which people or events
    are waited for along `path`. `machine` is the bound if those answered at once. `in_order` and
    `machine_in_order` are the same with one step after the other.
    """

    bound: float
    waiting: float
    machine: float
    in_order: float
    machine_in_order: float
    path: tuple[StepId, ...]
    places: tuple[Place, ...]

    @property
    def times_faster(self) -> float:
        """How many times faster the machine's part is than in order; 1 if there is none."""
        return self.machine_in_order / self.machine if self.machine else 1.0


def critical(plan: Plan) -> Critical:
    """Find the critical path; of several equally long ones the one that comes first."""
    graph = Graph(plan)
    seconds = [usual(step) for step in graph.steps]
    ends = _ends(graph, seconds)
    bound = max(ends)
    path = _path(graph, seconds, ends)
    works = [0.0 if step.waits else s for step, s in zip(graph.steps, seconds, strict=True)]
    return Critical(
        bound=bound,
        waiting=sum(seconds[step] for step in path if graph.steps[step].waits),
        machine=max(_ends(graph, works)),
        in_order=sum(map(work, graph.steps)),
        machine_in_order=sum(work(step) for step in graph.steps if not step.waits),
        path=tuple(graph.steps[step].id for step in path),
        places=_places(graph, seconds, ends),
    )


def _ends(graph: Graph, seconds: Sequence[float]) -> list[float]:
    return [end for (end,) in forward(graph, [[length] for length in seconds])]


def _path(graph: Graph, seconds: Sequence[float], ends: Sequence[float]) -> list[int]:
    """Walk back from the first of the last steps, each time to what ended last before it began."""
    path = [max(range(len(ends)), key=lambda step: ends[step])]
    while causes := _causes(graph, path[-1], ends):
        path.append(max(causes, key=lambda step: ends[step]))
    # Steps that take no time and wait for nobody say nothing on a path.
    told = [step for step in reversed(path) if seconds[step]]
    return told or path[:1]


def _causes(graph: Graph, step: int, ends: Sequence[float]) -> Sequence[int]:
    """Give the needs of a step, or what is soft if it was waited for longer and came in time."""
    needs, soft = graph.needs[step], graph.soft[step]
    ready = max((ends[need] for need in needs), default=0.0)
    there = max((ends[s] for s in soft), default=0.0)
    return soft if ready < there <= ready + graph.steps[step].soft_wait else needs


def _places(graph: Graph, seconds: Sequence[float], ends: Sequence[float]) -> tuple[Place, ...]:
    near = max(ends) * 1e-9
    found = []
    columns = [[length] for length in seconds], [[end] for end in ends]
    for step, (latest,) in enumerate(backward(graph, *columns, [max(ends)])):
        end, next_ = ends[step], (*graph.followers[step], *graph.soft_followers[step])
        starts = [ends[f] - seconds[f] for f in next_ if ends[f] - seconds[f] >= end - near]
        slack = latest - end if latest - end > near else 0.0
        found.append(
            Place(
                step=graph.steps[step].id,
                seconds=seconds[step],
                start=end - seconds[step],
                end=end,
                latest=latest,
                slack=slack,
                free=min(slack, max(0.0, min(starts, default=max(ends)) - end)),
                critical=slack == 0,
                waits=graph.steps[step].waits,
            )
        )
    return tuple(found)
