"""What should be settled before steps of a process run at once: three questions."""

from insight.plan.graph import Graph
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.plan import Plan, StepId
from workflows.data.blueprints.planned import changes
from workflows.data.common import Record


class Question(Record):
    """A question, whether all is well (None: only people know), and what was found."""

    asks: str
    well: bool | None
    says: str


def readiness(blueprint: Blueprint, plan: Plan) -> tuple[Question, ...]:
    """Ask what a blueprint's readers should be able to answer."""
    return (_on_call(blueprint), _undone(blueprint, plan), _watched(plan))


def _on_call(blueprint: Blueprint) -> Question:
    steps = blueprint.steps.values()
    people = [p for step in steps for p in step.on_failure.ask]
    asks = "Is someone on call when a step fails for good?"
    if people:
        named = ", ".join(dict.fromkeys(people))
        return Question(asks=asks, well=True, says=f"{named}, by on_failure")
    says = "nobody is named: give steps on_failure: {ask: [NAME]}, or say who looks at failed cases"
    return Question(asks=asks, well=None, says=says)


def _undone(blueprint: Blueprint, plan: Plan) -> Question:
    asks = "Is there an undo for every effect?"
    effects = {name: step for name, step in blueprint.steps.items() if changes(step)}
    last = _last(plan)
    open_ones = [name for name, step in effects.items() if step.undo is None and name != last]
    if not effects:
        return Question(asks=asks, well=True, says="there are no effects")
    if not open_ones:
        says = f"{last} comes last" if last in effects else "each has one"
        return Question(asks=asks, well=True, says=says)
    says = f"not for {', '.join(open_ones)}: give them undo, or let them come last"
    return Question(asks=asks, well=False, says=says)


def _last(plan: Plan) -> StepId:
    """Give the step before whose one call all else has ended; empty if there is none."""
    graph = Graph(plan)
    step, before = graph.steps[-1], graph.before[-1].bit_count()
    return step.id if before == len(graph.steps) - 1 and step.times == 1 else ""


def _watched(plan: Plan) -> Question:
    asks = "Is the graph monitored: times, waits and failures of each step?"
    wide = len(Graph(plan).free)
    says = f"{wide} steps may run at once; say who reads `stats` and `explain`, and how often"
    return Question(
        asks=asks, well=None if wide else True, says=says if wide else "nothing is parallel"
    )
