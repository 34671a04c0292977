"""Bounds of a loop: without a hard one no loop can be written."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite

from workflows.data.refine import Meter, Stop
from workflows.errors import Misuse
from workflows.patterns.checks import is_number, is_time, is_whole, must_be

MOST_ROUNDS = 1_000_000
"""More is no bound any more."""
HAIR = 1e-9
"""Two scores closer than this are the same."""
NOTHING = Decimal(0)


@dataclass(frozen=True)
class Stall:
    """No gain of at least `min_gain` in the best score for so many rounds."""

    rounds: int
    min_gain: float

    def __post_init__(self) -> None:
        sound = is_whole(self.rounds) and is_number(self.min_gain)
        if not (sound and self.rounds >= 1 and isfinite(self.min_gain) and self.min_gain > 0):
            raise Misuse(
                f"Stall(rounds={self.rounds}, min_gain={self.min_gain}) never or always holds;"
                " use 1 round or more and a positive gain"
            )


@dataclass(frozen=True)
class Budget:
    """What a loop may cost in all, and the most that one attempt with its score may cost.

    Any unit, as US dollars. `per_attempt` is set aside before an attempt starts.
    """

    total: Decimal
    per_attempt: Decimal

    def __post_init__(self) -> None:
        for amount in (self.total, self.per_attempt):
            must_be(Decimal, amount, f"an amount of a budget, {amount!r},", "use Decimal('0.35')")
        if not (self.total.is_finite() and self.per_attempt.is_finite()):
            raise Misuse("a budget is a finite amount; leave it out for no budget")
        if not NOTHING < self.per_attempt <= self.total:
            raise Misuse(
                f"a budget of {self.total} bears no attempt at {self.per_attempt};"
                " per_attempt is above 0 and at most the total"
            )


@dataclass(frozen=True)
class Bounds:
    """When a loop stops at the latest (`rounds`, obligatory) and when before.

    `quality` is the score that is good enough, `deadline` counts from the loop's start.
    """

    rounds: int
    deadline: timedelta | None = None
    quality: float | None = None
    budget: Budget | None = None
    stall: Stall | None = None

    def __post_init__(self) -> None:
        if not is_whole(self.rounds) or not 1 <= self.rounds <= MOST_ROUNDS:
            raise Misuse(
                f"Bounds(rounds={self.rounds}) does not bound a loop; use 1 to {MOST_ROUNDS:,}"
            )
        if self.deadline is not None and not is_time(self.deadline):
            raise Misuse(
                f"deadline={self.deadline!r}: a loop's deadline must lie ahead; use a positive"
                " timedelta or None"
            )
        if self.quality is not None and not (is_number(self.quality) and isfinite(self.quality)):
            raise Misuse(f"quality={self.quality!r} can never be reached; use a finite score")
        if self.budget is not None:
            must_be(Budget, self.budget, "a loop's budget", "use Budget(total, per_attempt)")
        if self.stall is None:
            return
        must_be(Stall, self.stall, "a loop's stall", "use Stall(rounds, min_gain)")
        if self.stall.rounds >= self.rounds:
            raise Misuse(
                f"a stall of {self.stall.rounds} rounds is never seen within {self.rounds};"
                " lower it or allow more rounds"
            )

    @property
    def need_score(self) -> bool:
        """Whether a bound looks at scores."""
        return self.quality is not None or self.stall is not None

    def end(self, meter: Meter) -> datetime | None:
        """Give the time of the deadline, None without one."""
        return None if self.deadline is None else meter.started + self.deadline

    def is_good(self, score: float | None) -> bool:
        """Say whether a score reaches the quality asked for; False if none is."""
        return self.quality is not None and score is not None and score >= self.quality - HAIR

    def reached(self, meter: Meter, at: datetime) -> Stop | None:
        """Give the bound that is reached; of several the first of this order."""
        end = self.end(meter)
        if self.is_good(meter.best):
            return "quality"
        if end is not None and at >= end:
            return "deadline"
        if self.stall is not None and meter.dry >= self.stall.rounds:
            return "stall"
        return "rounds" if meter.rounds >= self.rounds else None

    def after(self, meter: Meter, best: float | None) -> Meter:
        """Count a round after which `best` is the best score."""
        gain = self.stall.min_gain if self.stall is not None else 0.0
        reference, dry = meter.reference, meter.dry + 1
        if best is not None and (reference is None or best >= reference + gain - HAIR):
            reference, dry = best, 0
        change = {"rounds": meter.rounds + 1, "best": best, "reference": reference, "dry": dry}
        return meter.model_copy(update=change)
