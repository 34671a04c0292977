"""Which runs belong together: a run, those that continue it, and the children it started."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from temporalio.api.enums.v1 import ContinueAsNewInitiator, EventType

from insight.history.drafts import attributes
from insight.history.reader import Events

Execution = tuple[str, str]
"""Workflow id and run id; the run id alone tells runs apart."""


@dataclass(frozen=True)
class Links:
    """What a history tells of other runs; a run id is empty where there is none.

    `children` are the runs begun by a span, by its id. A cron schedule's next run is a case of its
    own: `before` and `after` are runs that go on with the same work.
    """

    run: str
    before: str
    after: str
    children: Mapping[int, Execution]


def links(events: Events) -> Links:
    """Read the links of one run. Its own id is not that of a run begun by a reset."""
    first: Any = next((attributes(e) for e in events if e.event_type == _STARTED), None)
    cron = ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE
    resumes = first is not None and first.initiator != cron
    return Links(
        run=first.original_execution_run_id if first is not None else "",
        before=first.continued_execution_run_id if resumes else "",
        after=_after(events, cron),
        children=_children(events),
    )


_STARTED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED


def _after(events: Events, cron: int) -> str:
    """Give the run that goes on: continued as new, or tried again after a failure."""
    last: Any = attributes(events[-1]) if events else None
    scheduled = getattr(last, "initiator", 0) == cron or hasattr(last, "result")
    return "" if scheduled else str(getattr(last, "new_execution_run_id", ""))


def _children(events: Events) -> dict[int, Execution]:
    begun = EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED
    found: dict[int, Execution] = {}
    for event in events:
        if event.event_type == begun:
            child = event.child_workflow_execution_started_event_attributes
            run = child.workflow_execution
            found[child.initiated_event_id] = run.workflow_id, run.run_id
    return found


@dataclass(frozen=True)
class Place:
    """Where a run stands in a tree: `parent` and `after` are places of other runs in it.

    `span` is the id of the span in the parent that stands for it; a run that goes on with another
    has the same parent and span as that one.
    """

    history: int
    parent: int | None = None
    span: int = 0
    after: int | None = None


def trees(found: Sequence[Links]) -> tuple[tuple[Place, ...], ...]:
    """Put runs into trees, by their links; each once, a run after what it belongs to."""
    known = {link.run: place for place, link in reversed(list(enumerate(found))) if link.run}
    above: dict[int, tuple[int, int]] = {}
    before: dict[int, int] = {}
    for place, link in enumerate(found):
        if (successor := known.get(link.after, place)) != place:
            before[successor] = place
        for span, (_, run) in link.children.items():
            if (child := known.get(run, place)) != place:
                above[child] = place, span
    after = {old: new for new, old in before.items()}
    below: dict[int, list[tuple[int, int]]] = {}
    for child, (parent, span) in above.items():
        below.setdefault(parent, []).append((span, child))
    seen: set[int] = set()
    roots = [p for p in range(len(found)) if p not in above and p not in before]
    grown = (_tree(root, after, below, seen) for root in [*roots, *range(len(found))])
    return tuple(tree for tree in grown if tree)


def _tree(
    root: int,
    after: Mapping[int, int],
    below: Mapping[int, Sequence[tuple[int, int]]],
    seen: set[int],
) -> tuple[Place, ...]:
    """Grow one tree, chains before children; what was seen elsewhere is left there."""
    places: list[Place] = []
    waiting: list[tuple[int, int | None, int]] = [(root, None, 0)]
    for first, parent, span in waiting:  # it grows under way
        run, previous = first, None
        while run not in seen:
            seen.add(run)
            places.append(Place(run, parent, span, previous))
            previous = len(places) - 1
            waiting += [(child, previous, key) for key, child in sorted(below.get(run, ()))]
            run = after.get(run, run)
    return tuple(places)
