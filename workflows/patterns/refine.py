"""Refine: draft, score, improve, in rounds that are bounded whatever the drafts are worth.

`text = await refine("letter", write, rate, Bounds(rounds=5, quality=0.9), otherwise=take_best())`
Several writers at once are one round; the best draft, or one merged of all, feeds the next.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

from workflows.data.refine import Meter, RefineView, RoundView, Stop
from workflows.errors import Misuse, reason
from workflows.patterns.bounds import NOTHING, Bounds
from workflows.patterns.checks import listed, must_be, must_call
from workflows.patterns.clock import now
from workflows.patterns.otherwise import Otherwise, Unmet
from workflows.patterns.purse import Purse, Reserve
from workflows.patterns.rounds import (
    MERGED,
    Draft,
    Merge,
    Rate,
    Round,
    Scored,
    Turn,
    Write,
    Writer,
)

T = TypeVar("T")
MOST_ATTEMPTS = 2_000
"""More in one loop may outgrow a history; `batches` goes on in a new one."""


@dataclass(frozen=True)
class Refined(Generic[T]):
    """How a loop ended: its value, why it stopped, the best attempt, and every round.

    `via` says where the value came from: the best attempt's name, or what `otherwise` did.
    """

    value: T
    stopped: Stop
    via: str
    best: Scored[T] | None
    rounds: tuple[RoundView, ...]
    spent: Decimal


async def refine(
    name: str,
    writers: Write[T] | Sequence[Writer[T]],
    rate: Rate[T],
    bounds: Bounds,
    *,
    otherwise: Otherwise[T],
    merge: Merge[T] | None = None,
    purse: Purse | None = None,
) -> Refined[T]:
    """Refine and give the result; the arguments are those of `Refinement`."""
    loop = Refinement(name, writers, rate, bounds, otherwise=otherwise, merge=merge, purse=purse)
    return await loop.run()


class Refinement(Generic[T]):
    """A loop that can be looked at while it runs: `view()` answers a query.

    `writers` is one function or several named ones; `merge` makes one draft of a round's, which
    is scored like any other and feeds the next round. `otherwise` applies when the loop stops
    without the quality asked for, or where none is asked for, without any draft. `purse` is a
    budget shared with other loops, in place of the bounds' own.
    """

    def __init__(
        self,
        name: str,
        writers: Write[T] | Sequence[Writer[T]],
        rate: Rate[T],
        bounds: Bounds,
        *,
        otherwise: Otherwise[T],
        merge: Merge[T] | None = None,
        purse: Purse | None = None,
    ) -> None:
        self.name, self.rate, self.bounds = name, rate, bounds
        self.otherwise, self.merge = otherwise, merge
        self.writers = _writers(name, writers)
        self._check_given(purse)
        if purse is not None and bounds.budget is not None:
            raise Misuse(f"loop {name!r} has two budgets; give it a purse or bounds with one")
        self.purse = purse or Purse(bounds.budget)
        self._check()
        self.best: Scored[T] | None = None
        self.stopped: Stop | None = None
        self.rounds: list[RoundView] = []
        self.spent = self.unclear = NOTHING
        self._error: BaseException | None = None
        self._started = False

    async def run(self) -> Refined[T]:
        """Run the loop, once. Raises Unresolved if it gives up, and whatever `otherwise` raises."""
        if self._started:
            raise Misuse(f"loop {self.name!r} was run before; make another")
        self._started = True
        try:
            self.stopped = await self._loop()
        except asyncio.CancelledError:
            self.stopped = "cancelled"
            raise
        best = self.best
        if best is not None and (self.bounds.quality is None or self.stopped == "quality"):
            return self._refined(best.value, best.name)
        return self._refined(await self.otherwise.act(self._unmet()), self.otherwise.via)

    def view(self) -> RefineView:
        """Show the loop to queries."""
        return RefineView(
            name=self.name,
            rounds=tuple(self.rounds),
            stopped=self.stopped,
            best=self.best.name if self.best else "",
            spent=self.spent,
            unclear=self.unclear,
        )

    def _check_given(self, purse: Purse | None) -> None:
        """Raise Misuse for what is not of its kind, which only the last round might notice."""
        loop = f"loop {self.name!r}"
        must_be(Bounds, self.bounds, f"{loop}: bounds", "use Bounds(rounds=...)")
        must_be(Otherwise, self.otherwise, f"{loop}: otherwise", "call one, as take_best()")
        must_call(self.rate, f"{loop}: rate")
        if self.merge is not None:
            must_call(self.merge, f"{loop}: merge")
        if purse is not None:
            must_be(Purse, purse, f"{loop}: purse", "use Purse(Budget(...))")

    def _check(self) -> None:
        """Raise Misuse for what can never play a round."""
        names = [w.name for w in self.writers]
        if not names:
            raise Misuse(f"loop {self.name!r} has no writer; name at least one")
        if len(set(names)) < len(names) or MERGED in names:
            raise Misuse(
                f"loop {self.name!r}: writers {', '.join(names)} must differ in name,"
                f" and none be called {MERGED!r}"
            )
        if self.merge is not None and len(names) < 2:
            raise Misuse(f"loop {self.name!r} merges the drafts of one writer; add another")
        if self.bounds.rounds * self._attempts > MOST_ATTEMPTS:
            raise Misuse(
                f"loop {self.name!r} may make {self.bounds.rounds * self._attempts:,} attempts,"
                f" more than {MOST_ATTEMPTS:,}; bound it closer, or use batches"
            )
        if self.purse.total is not None and self.purse.total < self.purse.price * self._attempts:
            raise Misuse(
                f"loop {self.name!r}: its budget of {self.purse.total} bears no single round of"
                f" {self._attempts} attempts at {self.purse.price}; raise it or ask fewer writers"
            )

    @property
    def _attempts(self) -> int:
        return len(self.writers) + (self.merge is not None)

    async def _loop(self) -> Stop:
        meter, turn = Meter(started=now()), Turn[T](1, None)
        end = self.bounds.end(meter)
        while (stop := self.bounds.reached(meter, now())) is None:
            time = None if end is None else end - now()
            if (paid := await self.purse.reserve(self._attempts, time)) is None:
                return "budget" if end is None or now() < end else "deadline"
            this = Round(self.name, turn, self.rate, self.bounds)
            try:
                following = await self._play(this, paid, end)
            except (Exception, asyncio.CancelledError):
                self._write_down(this, paid, meter.best)
                raise
            self._write_down(this, paid, meter.best)
            meter = self.bounds.after(meter, self.best.score if self.best else None)
            if not this.made:
                return "failed" if end is None or now() < end else "deadline"
            turn = Turn(turn.round + 1, following or self.best)
        return stop

    async def _play(self, this: Round[T], paid: Reserve, end: datetime | None) -> Scored[T] | None:
        """Play a round: every writer, then what is merged of their drafts, which is given."""
        in_time = await this.compete(self.writers, paid, end)
        drafts = tuple(this.made)
        if self.merge is None or not in_time or this.is_good or len(drafts) < 2:
            return None
        await this.compete([Writer(MERGED, _merging(self.merge, drafts))], paid, end)
        return this.made[-1] if this.made[-1].writer == MERGED else None

    def _write_down(self, this: Round[T], paid: Reserve, before: float | None) -> None:
        paid.give_back()
        for attempt in this.made:
            if self.best is None or attempt.score > self.best.score:
                self.best = attempt
        self.spent += this.cost
        self.unclear += this.unclear
        self._error = this.error or self._error
        self.rounds.append(this.view(self.best.score if self.best else None, before))

    def _refined(self, value: T, via: str) -> Refined[T]:
        assert self.stopped is not None  # noqa: S101 - the loop has ended
        return Refined(value, self.stopped, via, self.best, tuple(self.rounds), self.spent)

    def _unmet(self) -> Unmet[T]:
        why = f"stopped by {self.stopped} after {len(self.rounds)} rounds"
        if self.best is None and self._error is not None:
            why = f"{why}: {reason(self._error)}"
        if self.best is None:
            return Unmet(self.name, why)
        return Unmet(self.name, why, True, self.best.value, self.best.score)


def _writers(name: str, given: Write[T] | Sequence[Writer[T]]) -> list[Writer[T]]:
    if callable(given):
        return [Writer("draft", given)]
    mend = "give one function, or a list of Writer(name, function)"
    return listed(given, Writer, f"loop {name!r}: writers", mend)


def _merging(merge: Merge[T], drafts: Sequence[Scored[T]]) -> Write[T]:
    def write(_turn: Turn[T]) -> Awaitable[Draft[T]]:
        return merge(drafts)

    return write
