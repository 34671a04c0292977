"""The graph of a run, walked: critical path, slack, waits, and a lower bound."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from insight.graph.clocks import summed, total
from insight.graph.flow import END, Edge, Flow, Segment, Step, Wait
from insight.graph.network import FIRST, Network, Point
from insight.graph.portions import awaited, levels, portions, retry_cost, utilisation
from insight.graph.slack import Slacks, slacks
from insight.history.spans import WORK, Span, SpanKind, SpanState, WorkflowTask

KEPT = frozenset({Wait.RUN, Wait.TIMER, Wait.PERSON, Wait.EVENT})
"""What a run would still have taken without false waits."""
LATER = timedelta(seconds=0.1)
"""Without such a wish, a first workflow task is scheduled within 30 ms of the start."""
_NONE = timedelta()


def flow(
    spans: Sequence[Span],
    tasks: Sequence[WorkflowTask],
    edges: Sequence[Edge],
    started: datetime,
    until: datetime,
    times: Mapping[int, datetime] | None = None,
    left_out: int = 0,
) -> Flow:
    """Say what follows from the causes of one run, between `started` and `until`.

    `times` gives when events were, by id; only a request to cancel needs it. `left_out` counts
    edges that are not given. Without workflow tasks or edges there still is a path: each span
    follows the last news before it.
    """
    network = Network(spans, edges, started, times or {}, tasks)
    path = critical_path(network, tasks, until)
    on_path = summed((s.wait, s.end - s.start) for s in path)
    critical = summed((s.span, s.end - s.start) for s in path)
    slack = slacks(network, until, frozenset(critical))
    open_levels = levels(spans, until)
    peak = max((level.open for level in open_levels), default=0)
    return Flow(
        edges=tuple(edges),
        left_out=left_out,
        path=path,
        steps=tuple(_steps(spans, slack, critical, until - started)),
        levels=open_levels,
        peak=peak,
        utilisation=utilisation(spans, peak, (started, until)),
        lower_bound=lower_bound(network, tasks, until),
        waits=_at_least(on_path, _waits(network, tasks, until, slack)),
        on_path=on_path,
    )


def _steps(
    spans: Iterable[Span], slack: Slacks, critical: Mapping[int, timedelta], whole: timedelta
) -> Iterator[Step]:
    for span in spans:
        left, join = slack.get(span.id, (None, _NONE))
        spent = critical.get(span.id, _NONE)
        share = spent / whole if whole else 0.0
        yield Step(
            span=span.id,
            slack=left,
            join=join,
            critical=spent,
            share=share,
            retry=retry_cost(span),
        )


def critical_path(
    network: Network, tasks: Sequence[WorkflowTask], until: datetime
) -> tuple[Segment, ...]:
    """Walk back from the end through likely causes; the segments touch and are the whole run.

    A run that is open, or that the server ended, is walked from the work begun last.
    """
    back = _Back(network.started, until)
    point = network.end() or _unended(network, tasks, back)
    while point is not None and point.event > FIRST:
        back.add(0, Wait.TASK, point.at)
        wait, before = network.message(point), network.before(point)
        if wait is not None:
            back.add(0, wait, before.at if before else network.started)
        else:
            back.span(network.spans[point.cause], point.at)
        point = before
    back.add(0, Wait.TASK, begun(network, tasks))
    back.add(0, Wait.TIMER, network.started)
    return tuple(reversed(back.found))


def _unended(network: Network, tasks: Sequence[WorkflowTask], back: "_Back") -> Point | None:
    """Begin the walk where no command ended the run: with what was waited for last."""
    left = last_open(network)
    if left is None:
        point = network.latest(_PAST, network.moved)
        back.add(0, Wait.TASK, stuck(tasks, back.cursor))
        back.add(0, Wait.EVENT, point.at if point else network.started)
        return point
    if left.kind is SpanKind.TIMER and awaited(left.branch) is Wait.PERSON:
        back.add(0, Wait.PERSON, left.scheduled)  # the timer only reminds
    else:
        back.span(left, back.cursor)
    return network.cause(left.id)


def stuck(tasks: Sequence[WorkflowTask], until: datetime) -> datetime:
    """Give since when the workflow has not taken notice of what is new; `until` if it has."""
    for task in reversed(tasks):
        if task.completed:
            break
        until = min(until, task.scheduled)
    return until


def last_open(network: Network) -> Span | None:
    """Give the work begun last of what never ended; without any, the timer begun last."""
    left = [s for s in network.spans.values() if s.state in (SpanState.OPEN, SpanState.ABANDONED)]
    for kinds in (WORK, {SpanKind.TIMER}):
        if held := [span for span in left if span.kind in kinds]:
            return max(held, key=lambda span: span.id)
    return None


def begun(network: Network, tasks: Sequence[WorkflowTask]) -> datetime:
    """Give when a run was to begin: later than it was started if it was asked to wait."""
    first = tasks[0].scheduled if tasks and tasks[0].id == FIRST + 1 else network.started
    return first if first - network.started > LATER else network.started


class _Back:
    """A path under way from its end; times that run backwards make no stretch."""

    def __init__(self, started: datetime, until: datetime) -> None:
        self.started, self.cursor = started, until
        self.found: list[Segment] = []

    def add(self, span: int, wait: Wait, start: datetime) -> None:
        start = max(start, self.started)
        if start < self.cursor:
            self.found.append(Segment(span=span, wait=wait, start=start, end=self.cursor))
            self.cursor = start

    def span(self, span: Span, until: datetime) -> None:
        for wait, start, _ in reversed(portions(span, until)):
            self.add(span.id, wait, start)


_PAST = 1 << 62


def lower_bound(network: Network, tasks: Sequence[WorkflowTask], until: datetime) -> timedelta:
    """Give the length of the run without false waits, at most what it was.

    News comes as early as what led to it and the time kept of its own allow. Work whose end led
    to nothing counts as awaited by what was begun next.
    """
    done: dict[int, timedelta] = {}
    ready: dict[int, timedelta] = {}
    delay, held = begun(network, tasks) - network.started, _NONE
    for key, point in network.points.items():
        first = key <= FIRST
        done[key] = delay if first else _done(network, point, done, ready)
        if effects := network.effects.get(key):
            ready |= dict.fromkeys(effects, max(done[key], held))
            held = _NONE
        elif network.awaited(point):
            held = max(held, done[key])
    if END in ready:
        return min(ready[END], until - network.started)
    left = last_open(network)
    last = network.cause(left.id) if left else network.latest(_PAST, network.moved)
    since = (done[last.event], last.at) if last else (_NONE, network.started)
    waited = max(stuck(tasks, until) - since[1], _NONE)
    longest = since[0] + (_kept(left, until) if left else waited)
    return min(max(longest, held), until - network.started)


def _done(
    network: Network, point: Point, done: Mapping[int, timedelta], ready: Mapping[int, timedelta]
) -> timedelta:
    before = network.before(point)
    earliest = done[before.event] if before else _NONE
    if network.message(point) is not None:
        since = before.at if before else network.started
        return earliest + max(point.at - since, _NONE)
    span = network.spans[point.cause]
    return ready.get(span.id, earliest) + _kept(span, point.at)


def _kept(span: Span, until: datetime) -> timedelta:
    return total((a, min(b, until)) for wait, a, b in portions(span, until) if wait in KEPT)


def _at_least(
    part: Mapping[Wait, timedelta], sums: Mapping[Wait, timedelta]
) -> Mapping[Wait, timedelta]:
    """Count what lies on the path in: a message waited for still is in no span."""
    return {wait: max(sums.get(wait, _NONE), part.get(wait, _NONE)) for wait in (*sums, *part)}


def _waits(
    network: Network, tasks: Sequence[WorkflowTask], until: datetime, slack: Slacks
) -> Mapping[Wait, timedelta]:
    """Sum time by what it was spent on: spans, joins, workflow tasks, waits for messages."""
    spent = [(wait, b - a) for s in network.spans.values() for wait, a, b in portions(s, until)]
    spent += [(Wait.JOIN, join) for key, (_, join) in slack.items() if network.works(key)]
    spent += [(Wait.TASK, (task.ended or until) - task.scheduled) for task in tasks]
    spent.append((Wait.TIMER, begun(network, tasks) - network.started))
    for key, point in network.points.items():
        wait = network.message(point)
        if wait is not None and network.effects.get(key):
            before = network.before(point)
            since = before.at if before else network.started
            spent.append((wait, min(point.at, until) - since))
    return summed((wait, max(length, _NONE)) for wait, length in spent)
