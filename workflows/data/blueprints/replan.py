"""Re-planning while a run goes on: after each step, by whole numbers that were recorded.

The same numbers always give the same advice, on any machine: no clock, no floating point.
"""

from copy import copy
from dataclasses import dataclass

from workflows.data.blueprints.board import Board, Layout
from workflows.data.blueprints.choices import Choices, Way
from workflows.data.blueprints.pace import ONE, Pace, log2, power2, scale, told
from workflows.data.blueprints.plan import StepId

PERMILLE = 1_000
_MOST = 2 * ONE
"""No run is thought to begin more than four times as slow as learned, or as quick."""


@dataclass(slots=True)
class Began:
    """A step that began: when, which way, and when a second try began, if one did."""

    at: int
    way: int
    again: int | None = None
    teaches: bool = True
    """False of a step that waits for people: how long it takes says nothing."""


@dataclass(slots=True)
class Ended:
    """A step that ended: when it, or its second try if that came first, began and ended."""

    at: int
    took: int
    way: int
    teaches: bool = True
    """False of a step that was skipped or failed: how long it took says nothing."""


class Replanner:
    """Gives advice for one run, by its choices."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._steps = choices.steps
        self._number = {step.step: i for i, step in enumerate(choices.steps)}
        self._needs = [[self._number[need] for need in step.needs] for step in choices.steps]
        self._lanes = [[_lane(way) for way in step.ways] for step in choices.steps]
        self._scales = [[scale(way) for way in step.ways] for step in choices.steps]
        self._begun = [step.chosen for step in choices.steps]
        self._layout = Layout.of(self._needs, self._lanes)
        self._quickest = [
            min(range(len(step.ways)), key=lambda i: (step.ways[i].planned, step.ways[i].micro_usd))
            for step in choices.steps
        ]
        self._after = self._tails()
        self._before = max(-_MOST, min(_MOST, log2(choices.slower) - log2(PERMILLE)))
        self._begin()
        wish = choices.wish
        self._lost = sum(step.way.loss for step in choices.steps)
        self._least = self._lost if wish.quality or wish.objective == "best" else None

    def anew(self) -> "Replanner":
        """Begin another run of the same choices."""
        other = copy(self)
        other._begin()
        return other

    def _begin(self) -> None:
        self._board = Board(self._layout, list(self._begun))
        self._heard, self._pace = set[StepId](), Pace(self._before)
        self._known: object = None
        self._slower = PERMILLE

    @property
    def chosen(self) -> list[int]:
        """The way of each step, as of now."""
        return self._board.chosen

    def _tails(self) -> list[int]:
        """Give how long everything after each step takes at least."""
        after = [0] * len(self._steps)
        for i in reversed(range(len(self._steps))):
            length = self._lanes[i][self._quickest[i]][0] + after[i]
            for need in self._needs[i]:
                after[need] = max(after[need], length)
        return after

    def ways(
        self, now: int, began: dict[StepId, Began], ended: dict[StepId, Ended], spent: int
    ) -> dict[StepId, int]:
        """Say which way each step that has not begun should take, as of now; see `move`."""
        self.move(now, began, ended, spent)
        return {
            name: self.chosen[i]
            for name, i in self._number.items()
            if name not in began and name not in ended
        }

    def again(
        self, now: int, began: dict[StepId, Began], ended: dict[StepId, Ended]
    ) -> dict[StepId, int]:
        """Say when running steps should be tried a second time, on their quickest way."""
        late = [name for name, run in began.items() if run.again is None]
        slower = self.slower(now, began, ended) if late else PERMILLE
        return {
            name: self._again(self._number[name], now, began[name], slower)
            for name in late
            if self._steps[self._number[name]].hedged
        }

    def quickest(self, step: StepId) -> int:
        """Give the way a second try of a step takes."""
        return self._quickest[self._number[step]]

    def slower(self, now: int, began: dict[StepId, Began], ended: dict[StepId, Ended]) -> int:
        """Give how much slower this run is than learned, in thousandths.

        What has ended tells it, and what has run longer than usual.
        """
        if len(ended) > len(self._heard):
            for name in ended.keys() - self._heard:
                self._hear(name, ended[name])
        late = []
        for name, run in began.items():
            if run.teaches and run.again is None:
                i, took = self._number[name], now - run.at
                if took > self._steps[i].ways[run.way].usual:
                    late.append((i, run.way, took))
        known = (len(self._heard), late)
        if known != self._known:
            heard = [told(self._scales[i][way], took) for i, way, took in late]
            self._slower = power2(self._pace.found([one for one in heard if one]))
            self._known = known
        return self._slower

    def _hear(self, name: StepId, end: Ended) -> None:
        self._heard.add(name)
        one = told(self._scales[self._number[name]][end.way], end.took) if end.teaches else None
        if one is not None:
            self._pace.add(one)

    def move(
        self,
        now: int,
        began: dict[StepId, Began],
        ended: dict[StepId, Ended],
        spent: int,
    ) -> None:
        """Move the steps that have not begun: quicker if the deadline asks it, else cheaper.

        `now` counts from the run's begin, `began` are the steps that run, `ended` those that have
        ended, `spent` what both cost. Without a deadline nothing moves.
        """
        if (deadline := self._choices.wish.deadline_ms) is None:
            return
        slower = self.slower(now, began, ended)
        fixed: list[int | None] = [None] * len(self._steps)
        for name in ended:
            fixed[self._number[name]] = 0
        for name, run in began.items():
            if name not in ended:
                i = self._number[name]
                fixed[i] = self._left(i, now, run, slower)
        board = self._board
        board.fix(fixed)
        if not board.open:
            return
        left = max(0, deadline - now) * PERMILLE // slower
        budget, least = self._choices.wish.micro_usd, self._least
        if least is not None:
            least = max(0, self._lost_at_most(board, least))
        if board.hasten(left, None if budget is None else budget - spent, least):
            board.reclaim(left, least)

    def _lost_at_most(self, board: Board, least: int) -> int:
        opened = set(board.open)
        gone = sum(
            self._steps[i].ways[self.chosen[i]].loss
            for i in range(len(self._steps))
            if i not in opened
        )
        return least - gone

    def _left(self, step: int, now: int, run: Began, slower: int) -> int:
        """Give how much longer a running step should take, at the learned pace."""
        quickest = self._lanes[step][self._quickest[step]][0]
        if run.again is not None:
            return max(0, quickest - (now - run.again) * PERMILLE // slower)
        left = self._lanes[step][run.way][0] - (now - run.at) * PERMILLE // slower
        return max(left, 0 if left > 0 else quickest)

    def _again(self, step: int, now: int, run: Began, slower: int) -> int:
        """Give the latest safe time of a second try, and never before 85 % would have ended (or
        later, by the choices' patience).
        """
        ways, quick = self._steps[step].ways, self._quickest[step]
        deadline = self._choices.wish.deadline_ms
        if deadline is None:
            return max(now, run.at + ways[run.way].late * slower // PERMILLE)
        safe = deadline - (self._after[step] + ways[quick].late) * slower // PERMILLE
        patient = ways[run.way].patient * self._choices.patience // PERMILLE
        return max(now, safe, run.at + patient)


def _lane(way: Way) -> tuple[int, int, int]:
    return (way.planned, way.micro_usd, way.loss)
