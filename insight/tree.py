"""A chain of runs and the children they started, joined into one report."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from insight.graph.clocks import summed
from insight.graph.critical import flow
from insight.graph.flow import END, START, Edge, Flow, Segment, Step, Wait
from insight.graph.portions import levels, portions, utilisation
from insight.history.links import Place
from insight.history.spans import RUN, Span, WorkflowTask
from insight.report import Report, whole

_NONE = timedelta()


def join(runs: Sequence[Report], places: Sequence[Place]) -> Report:
    """Make one report of the runs of a tree, each with its place; its case began with the first.

    Ids of run k begin at k times `RUN`. A child's branches lie within that of the span that stands
    for it, and the critical path goes through the child where it went through that span.
    """
    if len(places) == 1:
        return runs[0]
    tree = _Tree(runs, places)
    first, last = tree.runs[0], tree.runs[tree.chain(0)[-1]]
    spans = tuple(span for k in range(len(places)) for span in tree.spans(k))
    return whole(
        tree.child.keys(),
        case=first.case or last.case,
        process=first.process,
        status=last.status,
        started=first.started,
        ended=last.ended,
        until=last.until,
        spans=spans,
        tasks=tuple(task for k in range(len(places)) for task in tree.tasks(k)),
        flow=tree.flow(spans),
        events=sum(run.events for run in tree.runs),
        decided=last.decided,
    )


class _Tree:
    """Runs by place, and what follows from how they hang together.

    A key is the id of a span in the whole: that in its run, plus `RUN` times the run's place.
    """

    def __init__(self, runs: Sequence[Report], places: Sequence[Place]) -> None:
        self.runs, self.places = runs, places
        self.own = [{span.id: span for span in run.spans} for run in runs]
        self.next = {place.after: k for k, place in enumerate(places) if place.after is not None}
        self.child = {
            _key(place.parent, place.span): k
            for k, place in enumerate(places)
            if place.after is None and place.parent is not None
            if place.span in self.own[place.parent]
        }
        self.prefixes: list[str] = []
        for place in places:
            self.prefixes.append(self._prefix(place))

    def _prefix(self, place: Place) -> str:
        """Name what a run's branches lie within; children of one name are numbered."""
        if place.after is not None:
            return self.prefixes[place.after]
        if place.parent is None:
            return ""
        span = self.own[place.parent].get(place.span)
        if span is None or span.branch:
            return _within(self.prefixes[place.parent], span.branch if span else "child")
        alike = [s.id for s in self.own[place.parent].values() if _alike(s, span)]
        number = f"-{alike.index(span.id) + 1}" if len(alike) > 1 else ""
        return _within(self.prefixes[place.parent], span.name + number)

    def chain(self, k: int) -> list[int]:
        """Give run k and those that go on with it."""
        found = [k]
        while found[-1] in self.next:
            found.append(self.next[found[-1]])
        return found

    def spans(self, k: int) -> Iterator[Span]:
        """Give the spans of run k as they are in the whole."""
        for span in self.runs[k].spans:
            ids = {name: _key(k, getattr(span, name)) for name in _IDS}
            branch = _within(self.prefixes[k], span.branch)
            yield span.model_copy(update={**ids, "branch": branch})

    def tasks(self, k: int) -> Iterator[WorkflowTask]:
        """Give the workflow tasks of run k as they are in the whole."""
        for task in self.runs[k].tasks:
            ids = {"id": _key(k, task.id), "completed": _key(k, task.completed)}
            yield task.model_copy(update=ids)

    def flow(self, spans: Sequence[Span]) -> Flow:
        """Join the graphs; a child that is there counts by its own work, not as one span."""
        last = self.runs[self.chain(0)[-1]]
        started, until = self.runs[0].started, last.until
        over = Segment(span=0, wait=Wait.TIMER, start=started, end=until)
        path = tuple(_laid(self._path(0), over))
        work = [s for s in spans if s.id not in self.child and s.scheduled < until]
        open_levels = levels(work, until)
        peak = max((level.open for level in open_levels), default=0)
        return Flow(
            edges=tuple(edge for k in range(len(self.runs)) for edge in self._edges(k)),
            left_out=sum(run.flow.left_out for run in self.runs),
            path=path,
            steps=tuple(self._steps(path, until - started)),
            levels=open_levels,
            peak=peak,
            utilisation=utilisation(work, peak, (started, until)),
            lower_bound=min(self._bound(), until - started),
            waits=self._waits(spans),
            on_path=summed((part.wait, part.end - part.start) for part in path),
        )

    def _path(self, k: int) -> Iterator[Segment]:
        """Give the critical path of a chain of runs, through the children on it."""
        for run in self.chain(k):
            for part in self.runs[run].flow.path:
                moved = part.model_copy(update={"span": _key(run, part.span)})
                child = self.child.get(moved.span) if part.wait is Wait.RUN else None
                yield from [moved] if child is None else _laid(self._path(child), moved)

    def _edges(self, k: int) -> Iterator[Edge]:
        """Give the edges of run k; only the end of the last run of the case is its `END`."""
        is_last = k == self.chain(0)[-1]
        for edge in self.runs[k].flow.edges:
            if edge.effect != END or is_last:
                cause = self._began(k) if edge.cause == START else _key(k, edge.cause)
                ends = {"cause": cause, "effect": _key(k, edge.effect)}
                yield edge.model_copy(update={**ends, "event": _key(k, edge.event)})

    def _began(self, k: int) -> int:
        """Give what began run k: what ended the run before it, or the span that stands for it."""
        while (before := self.places[k].after) is not None:
            ends = [e for e in self.runs[before].flow.edges if e.effect == END and e.likely]
            if ends and ends[0].cause != START:
                return _key(before, ends[0].cause)
            k = before
        place = self.places[k]
        key = _key(place.parent, place.span) if place.parent is not None else START
        return key if key in self.child else START

    def _steps(self, path: Sequence[Segment], length: timedelta) -> Iterator[Step]:
        """Give the steps; a child's may end later by its own slack and that of its span."""
        critical = summed((part.span, part.end - part.start) for part in path)
        slack: dict[int, timedelta | None] = {}
        for k, run in enumerate(self.runs):
            place = self.places[k]
            span = _key(place.parent, place.span) if place.parent is not None else START
            around = slack.get(span, _NONE)
            for step in run.flow.steps:
                key, own = _key(k, step.span), step.slack
                slack[key] = None if own is None or around is None else own + around
                spent = critical.get(key, _NONE)
                changed = {"span": key, "slack": slack[key], "critical": spent}
                share = spent / length if length else 0.0
                yield step.model_copy(update={**changed, "share": share})

    def _bound(self) -> timedelta:
        """Give the lower bound of the whole: children first, each as short as it could be."""
        bounds: dict[int, timedelta] = {}
        for k in reversed(range(len(self.runs))):
            run = self.runs[k]
            shorter = [self._shorter(k, span, bounds) for span in run.spans]
            changed = any(span is not old for span, old in zip(shorter, run.spans, strict=True))
            known = run.flow
            if changed:
                known = flow(shorter, run.tasks, known.edges, run.started, run.until)
            bounds[k] = known.lower_bound
            if (after := self.next.get(k)) is not None:
                bounds[k] += bounds[after] + max(self.runs[after].started - run.until, _NONE)
        return bounds[0]

    def _shorter(self, k: int, span: Span, bounds: dict[int, timedelta]) -> Span:
        child = self.child.get(_key(k, span.id))
        if child is None or span.started is None or span.ended is None:
            return span
        ended = min(span.ended, span.started + bounds[child])
        return span.model_copy(update={"ended": ended})

    def _waits(self, spans: Iterable[Span]) -> dict[Wait, timedelta]:
        """Sum the waits of all runs, less the time a span stood for a run that is there."""
        told = [(wait, length) for run in self.runs for wait, length in run.flow.waits.items()]
        for span in spans:
            if (child := self.child.get(span.id)) is not None:
                until = self.runs[child].until
                parts = portions(span, until)
                told += [(Wait.RUN, a - b) for wait, a, b in parts if wait is Wait.RUN]
        return summed(told)


_IDS = ("id", "task", "closing", "taken")


def _key(k: int, own: int) -> int:
    """Give the id in the whole; the nodes that are no spans keep theirs."""
    return own + k * RUN if own > 0 else own


def _within(outer: str, inner: str) -> str:
    return "/".join(name for name in (outer, inner) if name)


def _alike(one: Span, other: Span) -> bool:
    return (one.kind, one.name, one.branch) == (other.kind, other.name, other.branch)


def _laid(parts: Iterable[Segment], over: Segment) -> Iterator[Segment]:
    """Lay parts, in order, over a segment; what they leave uncovered stays its own."""
    at = over.start
    for part in parts:
        start, end = max(part.start, at), min(part.end, over.end)
        if start < end:
            if at < start:
                yield over.model_copy(update={"start": at, "end": start})
            yield part.model_copy(update={"start": start, "end": end})
            at = end
    if at < over.end:
        yield over.model_copy(update={"start": at})
