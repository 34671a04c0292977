"""Independent clusters: parts of a plan that run at once and need nothing of each other.

Steps that can run at once with no other divide a plan into stages; the clusters of a stage are
what hangs together within it.
"""

from collections.abc import Sequence

from insight.plan.graph import Graph, usual, work
from workflows.data.blueprints.plan import Plan, StepId
from workflows.data.common import Record


class Cluster(Record):
    """Steps that hang together. `length` is their longest way in seconds, `work` all of it."""

    steps: tuple[StepId, ...]
    length: float
    work: float


class Stage(Record):
    """Clusters that run at once, after the step `after` (empty: from the start).

    `balance` is their mean length over the longest: 1 if all are equally long, so that parallel
    gains most.
    """

    after: StepId | str
    clusters: tuple[Cluster, ...]
    balance: float


def stages(plan: Plan) -> tuple[Stage, ...]:
    """Find the stages of a plan that have two clusters or more."""
    graph = Graph(plan)
    free = set(graph.free)
    found: list[Stage] = []
    held: list[int] = []
    after = ""
    for step in _by_stage(graph, free):
        if step in free:
            held.append(step)
        else:
            found.append(_stage(graph, held, after))
            held, after = [], graph.steps[step].id
    found.append(_stage(graph, held, after))
    return tuple(stage for stage in found if len(stage.clusters) > 1)


def _by_stage(graph: Graph, free: set[int]) -> Sequence[int]:
    """Order steps by how many of those that divide come before; those divide behind the free."""
    spine = sum(1 << step for step in range(len(graph.steps)) if step not in free)
    return sorted(
        range(len(graph.steps)),
        key=lambda step: ((graph.before[step] & spine).bit_count(), step not in free, step),
    )


def _stage(graph: Graph, steps: Sequence[int], after: str) -> Stage:
    clusters = tuple(_cluster(graph, group) for group in _groups(graph, steps))
    lengths = [cluster.length for cluster in clusters]
    longest = max(lengths, default=0.0)
    balance = sum(lengths) / len(lengths) / longest if longest else 1.0
    return Stage(after=after, clusters=clusters, balance=balance)


def _groups(graph: Graph, steps: Sequence[int]) -> list[list[int]]:
    """Join steps that need each other within the stage."""
    group = {step: [step] for step in steps}
    for step in steps:
        for need in graph.needs[step]:
            if need in group and group[need] is not group[step]:
                joined = group[need] + group[step]
                group.update(dict.fromkeys(joined, joined))
    return [group[step] for step in steps if min(group[step]) == step]


def _cluster(graph: Graph, steps: Sequence[int]) -> Cluster:
    ends: dict[int, float] = {}
    for step in sorted(steps):
        begin = max((ends[need] for need in graph.needs[step] if need in ends), default=0.0)
        ends[step] = begin + usual(graph.steps[step])
    held = [graph.steps[step] for step in sorted(steps)]
    return Cluster(
        steps=tuple(step.id for step in held), length=max(ends.values()), work=sum(map(work, held))
    )
