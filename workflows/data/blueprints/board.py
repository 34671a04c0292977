"""The board a plan is moved about on: whole numbers only, so that a replay moves the same.

Steps are numbered so that each comes after those it needs. A lane is (time, cost, loss): one way
of doing a step. Times count from now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

Lane = tuple[int, int, int]
_MILLION = 1_000_000


@dataclass(slots=True)
class Board:
    """Steps, what each needs, the lanes of each, and which one is `chosen`.

    `ends` fixes the end of steps that run or have ended.
    """

    needs: Sequence[Sequence[int]]
    lanes: Sequence[Sequence[Lane]]
    chosen: list[int]
    fixed: Sequence[int | None]
    open: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.open = [step for step, end in enumerate(self.fixed) if end is None]

    def followers(self) -> list[list[int]]:
        """Give which steps need each step."""
        followers: list[list[int]] = [[] for _ in self.needs]
        for step, needs in enumerate(self.needs):
            for need in needs:
                followers[need].append(step)
        return followers

    def cost(self) -> int:
        """Sum what the open steps cost."""
        return sum(self.lanes[step][self.chosen[step]][1] for step in self.open)

    def loss(self) -> int:
        """Sum what the open steps lose of quality."""
        return sum(self.lanes[step][self.chosen[step]][2] for step in self.open)

    def ends(self) -> list[int]:
        """Give when each step ends, if each begins as soon as it can."""
        ends = [end or 0 for end in self.fixed]
        for step in self.open:
            begins = 0
            for need in self.needs[step]:
                if ends[need] > begins:
                    begins = ends[need]
            ends[step] = begins + self.lanes[step][self.chosen[step]][0]
        return ends

    def latest(self, last: int) -> list[int]:
        """Give when each step must have ended at the latest, for all to end by `last`."""
        latest = [last] * len(self.needs)
        for step in reversed(self.open):
            begins = latest[step] - self.lanes[step][self.chosen[step]][0]
            for need in self.needs[step]:
                if begins < latest[need]:
                    latest[need] = begins
        return latest

    def hasten(self, deadline: int, budget: int | None = None, least: int | None = None) -> bool:
        """Speed up the longest path, each time where it costs least per time gained.

        Stops at `deadline`, or when nothing more can be had within `budget` and without losing
        more than `least`. Says whether the deadline is met.
        """
        while True:
            ends = self.ends()
            last = max(ends)
            if last <= deadline:
                return True
            latest = self.latest(last)
            spare = None if budget is None else budget - self.cost()
            room = None if least is None else least - self.loss()
            critical = [step for step in self.open if ends[step] == latest[step]]
            best = self._quicker(critical, last - deadline, spare, room)
            if best is None:
                return False
            self.chosen[best[1]] = best[2]

    def _quicker(
        self, steps: Sequence[int], wanted: int, spare: int | None, room: int | None
    ) -> tuple[int, int, int] | None:
        best: tuple[int, int, int] | None = None
        for step in steps:
            time, cost, loss = self.lanes[step][self.chosen[step]]
            for number, (other, price, worse) in enumerate(self.lanes[step]):
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
        while True:
            ends, latest = self.ends(), self.latest(deadline)
            room = None if least is None else least - self.loss()
            best: tuple[int, int, int] | None = None
            for step in self.open:
                time, cost, loss = self.lanes[step][self.chosen[step]]
                longest = time + latest[step] - ends[step]
                for number, (other, price, worse) in enumerate(self.lanes[step]):
                    if (
                        other > longest
                        or price >= cost
                        or (room is not None and worse - loss > room)
                    ):
                        continue
                    if best is None or cost - price > best[0]:
                        best = (cost - price, step, number)
            if best is None:
                return
            self.chosen[best[1]] = best[2]

    def improve(self, deadline: int, budget: int | None, wanted: int = 0) -> None:
        """Take better lanes until no more than `wanted` is lost: most gained per cost first.

        Keeps to the deadline and the budget.
        """
        while (lost := self.loss()) > wanted:
            ends, latest = self.ends(), self.latest(deadline)
            spare = None if budget is None else budget - self.cost()
            best: tuple[int, int, int] | None = None
            for step in self.open:
                time, cost, loss = self.lanes[step][self.chosen[step]]
                longest = time + latest[step] - ends[step]
                for number, (other, price, worse) in enumerate(self.lanes[step]):
                    if worse >= loss or other > longest:
                        continue
                    if spare is not None and price - cost > spare:
                        continue
                    rate = (price - cost) * _MILLION // min(loss - worse, lost - wanted)
                    if best is None or rate < best[0]:
                        best = (rate, step, number)
            if best is None:
                return
            self.chosen[best[1]] = best[2]
