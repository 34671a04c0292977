"""Which step goes first where several want one place: foreseen by the time each usually takes."""

from bisect import insort
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from math import inf

from workflows.patterns.plan.step import Planned, ranks

TRIES, WORK = 200, 12_000
"""Orders that are looked at, and steps in all of them: a workflow's turn must stay short."""
WIDTH = 0.8
"""How far a try moves a step's rank, as a share of the greatest."""
_GOLDEN = 0.6180339887498949
_NEAR = 1e-9


def priorities(steps: Sequence[Planned], limits: Mapping[str, int]) -> dict[str, float]:
    """Give, of steps in order, how much each matters; the highest takes a free place first.

    That is what follows on a step in seconds, or another order of those tried that ends earlier.
    No order makes a place wait for a step to come.
    """
    given = ranks(steps)
    if not any(name in limits for step in steps for name in step.uses):
        return given
    search = _Search(_Laid(steps, limits), max([*given.values(), *_loads(steps, limits)]))
    first = [given[step.name] for step in steps]
    search.near(first)
    span, number = WIDTH * max(first), 0
    while not search.over():
        number += 1
        search.near(
            [
                rank + span * ((number * (place + 1) * _GOLDEN) % 1 - 0.5)
                for place, rank in enumerate(first)
            ]
        )
    line = sorted(range(len(steps)), key=lambda i: (-search.best[i], i))  # no two alike
    return {steps[i].name: float(len(line) - place) for place, i in enumerate(line)}


def makespan(
    steps: Sequence[Planned], limits: Mapping[str, int], priority: Mapping[str, float]
) -> float:
    """Foresee how many seconds the steps take together, begun in this order of priority."""
    return max(_Laid(steps, limits).ends([priority[step.name] for step in steps]), default=0.0)


class _Laid:
    """Steps by number: what each waits for and lets begin, how long it lasts, which places."""

    def __init__(self, steps: Sequence[Planned], limits: Mapping[str, int]) -> None:
        number = {step.name: i for i, step in enumerate(steps)}
        place = {name: i for i, name in enumerate(limits)}
        self.most = list(limits.values())
        self.seconds = [step.seconds for step in steps]
        self.uses = [tuple({place[n] for n in step.uses if n in place}) for step in steps]
        self.needs = [[number[need] for need in set(step.needs)] for step in steps]
        self.followers: list[list[int]] = [[] for _ in steps]
        for step, needs in enumerate(self.needs):
            for need in needs:
                self.followers[need].append(step)

    def ends(self, ranks: Sequence[float], *, back: bool = False) -> list[float]:
        """Give when each step ends, the highest rank first; `back`: from the end to the begin."""
        before, after = (self.needs, self.followers)[:: -1 if back else 1]
        missing, free = [len(needs) for needs in before], list(self.most)
        # What takes no place begins at once.
        keys = [(-rank if self.uses[i] else -inf, i) for i, rank in enumerate(ranks)]
        ready = sorted(key for key, open_ in zip(keys, missing, strict=True) if not open_)
        running: list[tuple[float, int]] = []
        ends = [0.0] * len(missing)
        while ready or running:
            now = running[0][0] if running else 0.0
            while running and running[0][0] == now:
                _, ended = heappop(running)
                for place in self.uses[ended]:
                    free[place] += 1
                for step in after[ended]:
                    missing[step] -= 1
                    if not missing[step]:
                        insort(ready, keys[step])
            ready = self._begun(ready, now, free, running, ends)
        return ends

    def _begun(
        self,
        ready: list[tuple[float, int]],
        now: float,
        free: list[int],
        running: list[tuple[float, int]],
        ends: list[float],
    ) -> list[tuple[float, int]]:
        """Begin what finds its places free; give what waits on."""
        waiting: list[tuple[float, int]] = []
        for number, entry in enumerate(ready):
            step = entry[1]
            if self.uses[step] and not any(free):
                return waiting + ready[number:]
            if not all(free[place] for place in self.uses[step]):
                waiting.append(entry)
                continue
            for place in self.uses[step]:
                free[place] -= 1
            ends[step] = now + self.seconds[step]
            heappush(running, (ends[step], step))
        return waiting


class _Search:
    """The best order so far, and whether to look on: no order ends before `least` seconds."""

    def __init__(self, laid: _Laid, least: float) -> None:
        self.laid, self.least = laid, least
        self.left = min(TRIES, max(1, WORK // len(laid.seconds)))
        self.best: list[float] = []
        self.shortest = inf

    def over(self) -> bool:
        """Say whether there is nothing to be found, or no more turns to find it in."""
        return self.left <= 0 or self.shortest <= self.least + _NEAR

    def near(self, ranks: list[float]) -> None:
        """Try an order; then, as long as it helps, the order in which steps may begin latest."""
        last = inf
        while True:
            self.left -= 1
            ends = self.laid.ends(ranks)
            took = max(ends)
            if took < self.shortest - _NEAR:
                self.best, self.shortest = ranks, took
            if took >= last - _NEAR or self.over():
                return
            last = took
            self.left -= 1
            ranks = self.laid.ends(ends, back=True)


def _loads(steps: Sequence[Planned], limits: Mapping[str, int]) -> list[float]:
    """Give the seconds each limit needs for its steps, whatever their order."""
    return [sum(s.seconds for s in steps if name in s.uses) / most for name, most in limits.items()]
