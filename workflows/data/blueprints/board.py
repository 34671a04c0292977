"""The board a plan is moved about on: whole numbers only, so that a replay moves the same.

Steps are numbered so that each comes after those it needs. A lane is (time, cost, loss): one way
of doing a step. Times count from now.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop
from typing import Self

Lane = tuple[int, int, int]
_MILLION = 1_000_000


Thrift = tuple[int, int, int, int, int]
"""A cheaper lane of a step, in the order they are taken in: what less it costs, below 0; the step;
the lane's number, its time, and what more it loses."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What never changes of a plan: what each step needs, what needs it, and its lanes.

    `thrifts` are, for each lane of each step, the cheaper ones.
    """

    needs: Sequence[Sequence[int]]
    lanes: Sequence[Sequence[Lane]]
    followers: Sequence[Sequence[int]]
    thrifts: Sequence[Sequence[Sequence[Thrift]]]

    @classmethod
    def of(cls, needs: Sequence[Sequence[int]], lanes: Sequence[Sequence[Lane]]) -> Self:
        """Lay out steps by what each needs, and the lanes it has."""
        followers: list[list[int]] = [[] for _ in needs]
        for step, before in enumerate(needs):
            for need in before:
                followers[need].append(step)
        thrifts = [[_cheaper(i, lane, step) for lane in step] for i, step in enumerate(lanes)]
        return cls(needs, lanes, followers, thrifts)


def _cheaper(step: int, lane: Lane, lanes: Sequence[Lane]) -> list[Thrift]:
    _, cost, loss = lane
    return [
        (price - cost, step, number, time, worse - loss)
        for number, (time, price, worse) in enumerate(lanes)
        if price < cost
    ]


class Board:
    """Steps laid out, which lane of each is `chosen`, and which are `open`: not begun.

    Whoever sets `chosen` from outside makes a new board.
    """

    def __init__(self, layout: Layout, chosen: list[int]) -> None:
        self.layout, self.chosen = layout, chosen
        self._takes = [lanes[lane][0] for lanes, lane in zip(layout.lanes, chosen, strict=True)]
        self.fix([None] * len(chosen))

    def fix(self, ends: Sequence[int | None]) -> None:
        """Say when steps end that run or have ended; None of the open ones."""
        self._fixed = ends
        self.open = [step for step, end in enumerate(ends) if end is None]
        self._ends: list[int] | None = None
        self._after: list[int] | None = None

    def cost(self) -> int:
        """Sum what the open steps cost."""
        return sum([self.layout.lanes[step][self.chosen[step]][1] for step in self.open])

    def loss(self) -> int:
        """Sum what the open steps lose of quality."""
        return sum([self.layout.lanes[step][self.chosen[step]][2] for step in self.open])

    def ends(self) -> list[int]:
        """Give when each step ends, if each begins as soon as it can."""
        if self._ends is None:
            self._ends = [end or 0 for end in self._fixed]
            self._set_ends(self._ends, self.open)
        return self._ends

    def _set_ends(self, ends: list[int], steps: Sequence[int]) -> None:
        needs, takes = self.layout.needs, self._takes
        for step in steps:
            begins = 0
            for need in needs[step]:
                if ends[need] > begins:
                    begins = ends[need]
            ends[step] = begins + takes[step]

    def latest(self, last: int) -> list[int]:
        """Give when each step must have ended at the latest, for all to end by `last`."""
        return [last - after for after in self._follows()]

    def hasten(self, deadline: int, budget: int | None = None, least: int | None = None) -> bool:
        """Speed up the longest path, each time where it costs least per time gained.

        Stops at `deadline`, or when nothing more can be had within `budget` and without losing
        more than `least`. Says whether the deadline is met.
        """
        while (last := max(self.ends())) > deadline:
            spare = None if budget is None else budget - self.cost()
            room = None if least is None else least - self.loss()
            best = self._quicker(self._critical(last), last - deadline, spare, room)
            if best is None:
                return False
            self._move(best[1], best[2])
        return True

    def _critical(self, last: int) -> list[int]:
        """Give the open steps of all paths that take longest, in order."""
        ends = self.ends()
        found = [step for step in self.open if ends[step] == last]
        seen = set(found)
        for step in found:
            begins = ends[step] - self._takes[step]
            for need in self.layout.needs[step]:
                if ends[need] == begins and need not in seen and self._fixed[need] is None:
                    seen.add(need)
                    found.append(need)
        return sorted(found)

    def _quicker(
        self, steps: Sequence[int], wanted: int, spare: int | None, room: int | None
    ) -> tuple[int, int, int] | None:
        best: tuple[int, int, int] | None = None
        for step in steps:
            lanes = self.layout.lanes[step]
            time, cost, loss = lanes[self.chosen[step]]
            for number, (other, price, worse) in enumerate(lanes):
                if other >= time or (spare is not None and price - cost > spare):
                    continue
                if room is not None and worse - loss > room:
                    continue
                rate = (price - cost) * _MILLION // min(time - other, wanted)
                if best is None or rate < best[0]:
                    best = (rate, step, number)
        return best

    def reclaim(self, deadline: int, least: int | None = None) -> None:
        """Take cheaper lanes where there is time for them, the largest saving first."""
        room = None if least is None else least - self.loss()
        todo = self._fitting(self.open, deadline)
        heapify(todo)
        while todo:
            one = heappop(todo)
            _, step, number, time, worse = one
            took = self._takes[step]
            stays = one in self._fitting((step,), deadline)
            if not stays or (room is not None and worse > room):
                continue
            self._move(step, number)
            room = None if room is None else room - worse
            if time < took or worse < 0:  # what did not fit may fit now
                todo = self._fitting(self.open, deadline)
            else:
                todo = [other for other in todo if other[1] != step]
                todo += self._fitting((step,), deadline)
            heapify(todo)

    def _fitting(self, steps: Iterable[int], deadline: int) -> list[Thrift]:
        """Give the cheaper lanes there is time for, each on its own."""
        ends, after, takes = self.ends(), self._follows(), self._takes
        return [
            one
            for step in steps
            for one in self.layout.thrifts[step][self.chosen[step]]
            if one[3] <= takes[step] + deadline - after[step] - ends[step]
        ]

    def improve(self, deadline: int, budget: int | None, wanted: int = 0) -> None:
        """Take better lanes until no more than `wanted` is lost: most gained per cost first.

        Keeps to the deadline and the budget.
        """
        while (lost := self.loss()) > wanted:
            ends, latest = self.ends(), self.latest(deadline)
            spare = None if budget is None else budget - self.cost()
            best: tuple[int, int, int] | None = None
            for step in self.open:
                lanes = self.layout.lanes[step]
                time, cost, loss = lanes[self.chosen[step]]
                longest = time + latest[step] - ends[step]
                for number, (other, price, worse) in enumerate(lanes):
                    if worse >= loss or other > longest:
                        continue
                    if spare is not None and price - cost > spare:
                        continue
                    rate = (price - cost) * _MILLION // min(loss - worse, lost - wanted)
                    if best is None or rate < best[0]:
                        best = (rate, step, number)
            if best is None:
                return
            self._move(best[1], best[2])

    def _follows(self) -> list[int]:
        """Give how long what follows on each step takes."""
        if self._after is None:
            needs, takes = self.layout.needs, self._takes
            self._after = [0] * len(needs)
            for step in reversed(self.open):
                long = self._after[step] + takes[step]
                for need in needs[step]:
                    if long > self._after[need]:
                        self._after[need] = long
        return self._after

    def _move(self, step: int, lane: int) -> None:
        """Take another lane; set right the ends from there on: most of them move."""
        self.chosen[step], self._takes[step] = lane, self.layout.lanes[step][lane][0]
        self._set_ends(self.ends(), self.open[bisect_left(self.open, step) :])
        self._after = None
