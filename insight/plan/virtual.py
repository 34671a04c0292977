"""A plan run once in virtual time, under its limits, call by call (list scheduling).

Whoever has the longest way to go begins first.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf

from insight.plan.graph import Graph, usual
from workflows.data.blueprints.plan import Limit

MINUTE = 60.0
_WAITED = -2
"""The number of an event: a step has waited long enough for what is soft."""
Items = Sequence[Sequence[float]]
"""The seconds of each item of each step; no items where a step does not happen."""


@dataclass
class Ran:
    """One run in virtual time. `bound` names the step whose end began each step, or -1.

    `calls` are its calls: step, start and end of each.
    """

    starts: list[float]
    ends: list[float]
    bound: list[int]
    calls: list[tuple[int, float, float]] = field(default_factory=list)
    waited: float = 0.0
    busy: dict[str, float] = field(default_factory=dict)

    @property
    def took(self) -> float:
        """When all had ended."""
        return max(self.ends)


@dataclass
class _Door:
    """What lets calls in: so many at once, so many in a minute."""

    places: float
    per_minute: int | None
    begun: deque[float] = field(default_factory=deque)
    waiting: list[tuple[float, int]] = field(default_factory=list)
    told: float = -1.0

    @classmethod
    def of(cls, limit: Limit) -> "_Door":
        return cls(limit.at_once or inf, limit.per_minute)

    def opens(self, now: float) -> float:
        """Say when the next call may begin, as far as the minute counts."""
        if self.per_minute is None or len(self.begun) < self.per_minute:
            return now
        return max(now, self.begun[0] + MINUTE)

    def let_in(self, now: float) -> None:
        self.places -= 1
        if self.per_minute is not None:
            self.begun.append(now)
            if len(self.begun) > self.per_minute:
                self.begun.popleft()


class _Running:
    def __init__(self, graph: Graph, items: Items, ranks: Sequence[float]) -> None:
        self.graph, self.items, self.ranks = graph, items, ranks
        count = len(graph.steps)
        self.missing = [len(needs) for needs in graph.needs]
        self.late = [len(soft) for soft in graph.soft]
        self.waits: dict[int, int] = {}
        self.next = [0] * count
        self.open = [0] * count
        self.most, self.names = graph.most, graph.limits
        self.doors = {name: _Door.of(graph.limit(name)) for name in set(self.names)}
        self.events: list[tuple[float, int, int, str]] = []
        self.touched: list[str] = []
        self.since = [0.0] * count
        self.ran = Ran(
            [0.0] * count, [0.0] * count, [-1] * count, busy=dict.fromkeys(self.names, 0.0)
        )

    def run(self) -> Ran:
        for step, missing in enumerate(self.missing):
            if not missing:
                self._needed(step, 0.0, -1)
        self._dispatch_all(0.0, -1)
        while self.events:
            now, number, step, name = heappop(self.events)
            self.touched.append(name or self.names[step])
            if number == _WAITED:
                if step in self.waits:
                    self._ready(step, now, self.waits.pop(step))
            elif step >= 0:
                self._ended(step, now)
            self._dispatch_all(now, step)
        return self.ran

    def _needed(self, step: int, now: float, cause: int) -> None:
        """Begin, or wait a moment for what is soft."""
        if not self.late[step]:
            self._ready(step, now, cause)
            return
        self.waits[step] = cause
        heappush(self.events, (now + self.graph.steps[step].soft_wait, _WAITED, step, ""))

    def _ready(self, step: int, now: float, cause: int) -> None:
        self.since[step] = self.ran.starts[step] = now
        self.ran.bound[step] = cause
        if not self.items[step]:
            heappush(self.events, (now, 0, step, ""))
            return
        heappush(self.doors[self.names[step]].waiting, (-self.ranks[step], step))
        self.touched.append(self.names[step])

    def _ended(self, step: int, now: float) -> None:
        if not self.items[step]:
            self._done(step, now)
            return
        door = self.doors[self.names[step]]
        door.places += 1
        self.open[step] -= 1
        if self.next[step] < len(self.items[step]):
            if self.open[step] == self.most[step] - 1:  # it stood back for its own items
                heappush(door.waiting, (-self.ranks[step], step))
        elif not self.open[step]:
            self._done(step, now)

    def _done(self, step: int, now: float) -> None:
        self.ran.ends[step] = now
        for follower in self.graph.followers[step]:
            self.missing[follower] -= 1
            if not self.missing[follower]:
                self._needed(follower, now, step)
        for follower in self.graph.soft_followers[step]:
            self.late[follower] -= 1
            if not self.late[follower] and self.waits.pop(follower, None) is not None:
                self._ready(follower, now, step)

    def _dispatch_all(self, now: float, cause: int) -> None:
        for name in dict.fromkeys(self.touched):
            self._dispatch(name, now, cause)
        self.touched.clear()

    def _dispatch(self, name: str, now: float, cause: int) -> None:
        door = self.doors[name]
        while door.waiting and door.places > 0:
            if (opens := door.opens(now)) > now:
                if door.told < opens:
                    door.told = opens
                    heappush(self.events, (opens, -1, -1, name))
                return
            step = door.waiting[0][1]
            self._begin(step, now, cause)
            door.let_in(now)
            if self.next[step] == len(self.items[step]) or self.open[step] == self.most[step]:
                heappop(door.waiting)

    def _begin(self, step: int, now: float, cause: int) -> None:
        number = self.next[step]
        if not number:
            self.ran.starts[step] = now
            self.ran.bound[step] = cause
        self.ran.waited += now - self.since[step]
        self.next[step] += 1
        self.open[step] += 1
        took = self.items[step][number]
        self.ran.calls.append((step, now, now + took))
        self.ran.busy[self.names[step]] += took
        heappush(self.events, (now + took, number, step, ""))


def run(graph: Graph, items: Items, ranks: Sequence[float]) -> Ran:
    """Run a plan once in virtual time; `ranks` say who begins first, the highest."""
    return _Running(graph, items, ranks).run()


def ranked(graph: Graph) -> list[float]:
    """Rank each step by the longest way from its begin to the end of all, at the median."""
    seconds = [usual(step) for step in graph.steps]
    return [s + tail for s, tail in zip(seconds, graph.tails(seconds), strict=True)]
