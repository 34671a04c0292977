"""Where a run can be taken up again: finding a step by its name, what it caused, what failed."""

from collections import Counter
from collections.abc import Iterable, Sequence

from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent

from insight.graph.flow import Edge
from insight.history.drafts import attributes
from insight.history.reader import Events
from insight.history.spans import BROKEN, WORK, Span, SpanKind
from insight.shown.words import title
from workflows.data.common import Anew


class NoSuchStep(ValueError):
    """A step was named that is none, or that is several; the message lists those there are."""


def step(spans: Sequence[Span], named: str) -> Span:
    """Find a step: by event id, as `branch/call` or `branch: call`, or by the call's name.

    Raises NoSuchStep, also where several bear the name.
    """
    work = [span for span in spans if span.kind in WORK]
    if named.isdecimal():
        found = [span for span in work if span.id == int(named)]
    else:
        plain = named.replace(": ", "/")
        found = [s for s in work if f"{s.branch}/{s.name}" == plain] or [
            s for s in work if s.name == plain
        ]
    if len(found) == 1:
        return found[0]
    many = f"{len(found)} steps are called {named!r}" if found else f"there is no step {named!r}"
    near = found or [s for s in work if f"{s.branch}/".startswith(f"{named}/")] or work
    raise NoSuchStep(f"{many}; name one by its event id: {_listed(near)}")


def _listed(spans: Iterable[Span]) -> str:
    return ", ".join(f"{span.id} ({title(span)})" for span in spans) or "there are none"


def caused(edges: Iterable[Edge], first: int) -> frozenset[int]:
    """Give the spans that `first` caused, certainly or most likely, and itself."""
    following: dict[int, list[int]] = {}
    for edge in edges:
        if edge.likely:
            following.setdefault(edge.cause, []).append(edge.effect)
    found, waiting = {first}, [first]
    while waiting:
        new = [effect for effect in following.get(waiting.pop(), ()) if effect not in found]
        found.update(new)
        waiting.extend(new)
    return frozenset(found)


def anew(spans: Iterable[Span], chosen: frozenset[int]) -> tuple[Anew, ...]:
    """Say of the chosen calls and children the how many-th of its name in its branch each is."""
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for span in spans:
        if span.kind in (SpanKind.ACTIVITY, SpanKind.CHILD):
            branch = span.branch if span.kind is SpanKind.ACTIVITY else ""
            seen[branch, span.name] += 1
            if span.id in chosen:
                number = seen[branch, span.name]
                found.append(Anew(branch=branch, name=span.name, number=number))
    return tuple(found)


def to_blame(events: Events, spans: Sequence[Span]) -> Span | None:
    """Find the step whose failure ended a failed run; None where the run failed of itself.

    Its closing failure names it, or the failure was wrapped by the code: then it is the last
    failure the run's last workflow task was told of.
    """
    closing = next((e for e in reversed(events) if e.WhichOneof("attributes") == _FAILED), None)
    if closing is None:
        return None
    begun = {span.id: span for span in spans if span.kind in WORK}
    named = _named(closing.workflow_execution_failed_event_attributes.failure)
    if named in begun:
        return begun[named]
    last, before = _last_news(events, closing)
    told = [s for s in begun.values() if s.state in BROKEN and before < s.closing < last]
    return max(told, key=lambda span: span.closing, default=None)


_FAILED = "workflow_execution_failed_event_attributes"


def _named(failure: Failure) -> int:
    """Give the id of the event that scheduled what failed, from the innermost that tells."""
    found = 0
    while True:
        found = failure.activity_failure_info.scheduled_event_id or found
        found = failure.child_workflow_execution_failure_info.initiated_event_id or found
        if not failure.HasField("cause"):
            return found
        failure = failure.cause


def _last_news(events: Events, closing: HistoryEvent) -> tuple[int, int]:
    """Give the events between which the last workflow task's news arrived."""
    ended = closing.workflow_execution_failed_event_attributes.workflow_task_completed_event_id
    tasks = [e for e in events if e.HasField("workflow_task_completed_event_attributes")]
    ids = [e.event_id for e in tasks]
    before = max((i for i in ids if i < ended), default=0)
    starts = {e.event_id: attributes(e).started_event_id for e in tasks}
    return starts.get(ended, ended), starts.get(before, before)


def reset_point(events: Events, span: Span) -> int:
    """Give the event to reset a run to so that `span` and all after it are done again: the last
    completed workflow task before it was scheduled, whose decisions are then taken anew.
    """
    done = (e.event_id for e in events if e.HasField("workflow_task_completed_event_attributes"))
    return max((event for event in done if event < span.id), default=0)
