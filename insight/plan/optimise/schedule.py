"""A plan in virtual time: steps begin when their needs have ended and their limit has room."""

from collections import deque
from heapq import heapify, heappop, heappush

from insight.plan.optimise.problem import Problem

MINUTE = 60_000


class Gauge:
    """The room of each limit: places taken now, and calls of the last minute."""

    def __init__(self, problem: Problem) -> None:
        self._limits = problem.plan.limits
        self._taken = dict.fromkeys(self._limits, 0)
        self._calls: dict[str, deque[tuple[int, int]]] = {name: deque() for name in self._limits}

    def free_at(self, name: str, places: int, calls: int, now: int) -> int | None:
        """Give when the limit has room, as far as its rate goes; None while places are taken."""
        limit = self._limits.get(name)
        if limit is None:
            return now
        taken = self._taken[name]
        if limit.at_once is not None and taken + places > limit.at_once:
            return None
        if limit.per_minute is None:
            return now
        window = self._calls[name]
        while window and window[0][0] <= now - MINUTE:
            window.popleft()
        over = sum(count for _, count in window) + min(calls, limit.per_minute) - limit.per_minute
        for at, count in window:
            if over <= 0:
                return now
            over -= count
            if over <= 0:
                return at + MINUTE
        return now

    def take(self, name: str, places: int, calls: int, now: int) -> None:
        """Take places, and count calls: what does not fit into a minute, in the next ones."""
        if name not in self._limits:
            return
        self._taken[name] += places
        rate = self._limits[name].per_minute
        while rate is not None and calls > 0:
            self._calls[name].append((now, min(calls, rate)))
            now, calls = now + MINUTE, calls - rate

    def give(self, name: str, places: int) -> None:
        """Give places back."""
        if name in self._limits:
            self._taken[name] -= places


def makespan(problem: Problem, chosen: list[int]) -> int:
    """Give when the last step ends, each taking the time planned, the most pressing first."""
    board = problem.board(chosen)
    latest, followers = board.latest(max(board.ends())), problem.layout.followers
    ways = [problem.ways[step][i] for step, i in enumerate(chosen)]
    gauge, missing = Gauge(problem), [len(needs) for needs in problem.needs]
    ready = [(latest[step], step) for step, count in enumerate(missing) if not count]
    heapify(ready)
    running: list[tuple[int, int]] = []
    now = 0
    while ready or running:
        waiting, next_at = [], None
        while ready:
            _, step = entry = heappop(ready)
            way = ways[step]
            places, calls = problem.places(step, way.limit), problem.steps[step].times
            at = gauge.free_at(way.limit, places, calls, now)
            if at == now:
                gauge.take(way.limit, places, calls, now)
                heappush(running, (now + way.planned, step))
            else:
                waiting.append(entry)
                next_at = min(at, next_at or at) if at is not None else next_at
        ready = waiting
        heapify(ready)
        if running and (next_at is None or running[0][0] <= next_at):
            now, step = heappop(running)
            gauge.give(ways[step].limit, problem.places(step, ways[step].limit))
            for follower in followers[step]:
                missing[follower] -= 1
                if not missing[follower]:
                    heappush(ready, (latest[follower], follower))
        elif next_at is not None:
            now = next_at
    return now
