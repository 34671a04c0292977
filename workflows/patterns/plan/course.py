"""The course of a run: it begins with its choices, and changes them as steps end.

Whole milliseconds of workflow time and recorded numbers only, so a replay decides the same.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from workflows.data.blueprints.choices import Choices, Composite, StepChoice, Way
from workflows.data.blueprints.decided import MOST_TURNS, Decided, Turn, TurnKind
from workflows.data.blueprints.plan import StepId
from workflows.data.blueprints.replan import PERMILLE, Began, Ended, Replanner
from workflows.patterns.clock import now, wait_any

MS = timedelta(milliseconds=1)
MILLION = 1_000_000


class TurnLog:
    """What a run decided on its way, and the time since it began."""

    def __init__(self) -> None:
        self.since = now()
        self.turns: list[Turn] = []
        self.lost = 0

    def at(self) -> int:
        """Give the time since the run began."""
        return max(0, (now() - self.since) // MS)

    def note(self, kind: TurnKind, step: StepId, way: str, why: str, before: str = "") -> None:
        """Keep a turn."""
        if len(self.turns) == MOST_TURNS:
            self.lost += 1
            return
        turn = Turn(at=self.at(), kind=kind, step=step, way=way, before=before, why=why)
        self.turns.append(turn)

    def add(self, step: StepId, kind: TurnKind, more: str) -> None:
        """Add to why the last turn of this kind of a step was taken what came of it."""
        for place in reversed(range(len(self.turns))):
            turn = self.turns[place]
            if (turn.step, turn.kind) == (step, kind):
                told = turn.model_copy(update={"why": f"{turn.why}; {more}"})
                self.turns[place] = told
                return


class Course:
    """Keeps one run to its choices. `spent` gives what answers have cost by now."""

    def __init__(self, choices: Choices, log: TurnLog, spent: Callable[[], int]) -> None:
        self.choices = choices
        self.log, self._spent = log, spent
        self._steps = {step.step: step for step in choices.steps}
        self._planner = Replanner(choices)
        self._chosen = {step.step: step.chosen for step in choices.steps}
        self._began: dict[StepId, Began] = {}
        self._ended: dict[StepId, Ended] = {}
        self._tries = 0
        self._due: dict[StepId, int] = {}
        self._stale = False
        self._armed: dict[StepId, tuple[int | None, asyncio.Event]] = {}
        if choices.rolling and choices.slower != PERMILLE:
            self._replan()

    # ---- what a step asks ------------------------------------------------------------------

    def choice(self, step: StepId) -> StepChoice:
        """Give what was chosen for a step when the run began."""
        return self._steps[step]

    def way(self, step: StepId) -> Way:
        """Give the way a step goes, as of now; once it has begun it stays."""
        return self._steps[step].ways[self._chosen[step]]

    def composite(self, step: StepId) -> Composite | None:
        """Give what a step's way is made of; None of one that asks one model, or none."""
        return self.choices.composites.get(self.way(step).name)

    def quickest(self, step: StepId) -> Way:
        """Give the way a second try takes."""
        return self._steps[step].ways[self._planner.quickest(step)]

    def may_try_again(self, step: StepId) -> bool:
        """Say whether a step may be tried a second time while it runs."""
        return self.choices.rolling and self._steps[step].hedged and self.choices.hedges > 0

    def slower(self) -> int:
        """Give how many thousandths of the learned times the steps of this run take."""
        return self._planner.slower(self.log.at(), self._began, self._ended)

    # ---- what a step tells -----------------------------------------------------------------

    def begin(self, step: StepId, *, teaches: bool = True) -> None:
        """Hear that a step begins, on the way it has now; told again, it stays with the first."""
        if step not in self._began and step not in self._ended:
            self._began[step] = Began(self.log.at(), self._chosen[step], teaches=teaches)
            self._stale = True  # many begin at once: foreseen when the first asks

    def end(self, step: StepId, *, teaches: bool = True, second: bool = False) -> None:
        """Hear that a step ended, by its second try or not, and plan the rest anew."""
        at, began = self.log.at(), self._began.pop(step, None)
        self._armed.pop(step, None)
        if began is None:
            self._ended[step] = Ended(at, 0, self._chosen[step], teaches=False)
        elif second and began.again is not None:
            way = self._planner.quickest(step)
            self._ended[step] = Ended(at, at - began.again, way, teaches=teaches)
        else:
            taught = teaches and began.teaches
            self._ended[step] = Ended(at, at - began.at, began.way, teaches=taught)
        if self.choices.rolling:
            self._replan()
        self._foresee()

    # ---- second tries ----------------------------------------------------------------------

    async def late(self, step: StepId, failed: asyncio.Event) -> bool:
        """Wait until a second try of a running step is due, and count it.

        The moment moves as other steps end. Says whether the first try failed before.
        """
        while not failed.is_set():
            if self._stale:
                self._foresee()
            due = self._due.get(step) if self._tries < self.choices.hedges else None
            if due is not None and due <= self.log.at():
                self._try_again(step)
                return False
            sooner = asyncio.Event()
            self._armed[step] = due, sooner
            left = None if due is None else (due - self.log.at()) * MS
            await wait_any((failed, sooner), left, f"{step}: second try")
        return True

    def _try_again(self, step: StepId) -> None:
        self._tries += 1
        began = self._began[step]
        began.again = self.log.at()
        took, way = (began.again - began.at) / PERMILLE, self._steps[step].ways[began.way]
        why = f"takes {took:.1f} s, {way.usual / PERMILLE:.1f} s are usual"
        if self.choices.wish.deadline_ms is not None:
            why += "; waiting longer endangers the deadline"
        self.log.note(TurnKind.AGAIN, step, self.quickest(step).name, why, way.name)
        self._foresee()

    def _foresee(self) -> None:
        """Say anew when running steps are due for a second try, and wake whom that makes sooner."""
        self._stale = False
        if not self.choices.rolling:
            return
        self._due = self._planner.again(self.log.at(), self._began, self._ended)
        for step, (armed, sooner) in self._armed.items():
            due = self._due.get(step)
            if due is not None and (armed is None or due < armed):
                sooner.set()

    # ---- the plan --------------------------------------------------------------------------

    def _replan(self) -> None:
        """Move steps that have not begun, and keep which moved."""
        running = [self._steps[s].ways[b.way] for s, b in self._began.items()]
        running += [self.quickest(s) for s, b in self._began.items() if b.again is not None]
        spent = self._spent() + sum(way.micro_usd for way in running)
        moved = self._planner.ways(self.log.at(), self._began, self._ended, spent)
        for step, number in moved.items():
            if number != (before := self._chosen[step]):
                self._chosen[step] = number
                ways = self._steps[step].ways
                why = self._why(ways[before], ways[number])
                self.log.note(TurnKind.MOVED, step, ways[number].name, why, ways[before].name)

    def _why(self, old: Way, new: Way) -> str:
        pace = f"steps take {self.slower() / PERMILLE:.2f} times as long as learned"
        gained, usd = (old.planned - new.planned) / PERMILLE, new.micro_usd - old.micro_usd
        if gained > 0:
            price = f" for ${usd / MILLION:.4f} more" if usd > 0 else ""
            return f"{pace}; {gained:.1f} s quicker{price}"
        return f"{pace}; there is time for {-gained:.1f} s more, which saves ${-usd / MILLION:.4f}"

    def decided(self, *, over: bool = False) -> Decided:
        """Give the decision record so far; `over` of a run that ended now."""
        gone = {step: run.way for step, run in self._began.items()}
        gone |= {step: end.way for step, end in self._ended.items()}
        took, limit = self.log.at() if over else None, self.choices.wish.deadline_ms
        return Decided(
            wish=self.choices.wish,
            planner=self.choices.planner,
            snapshot=self.choices.snapshot,
            ways={step: self._steps[step].ways[way].name for step, way in gone.items()},
            turns=tuple(self.log.turns),
            lost=self.log.lost,
            slower=self.slower(),
            took=took,
            in_time=None if took is None or limit is None else took <= limit,
        )
