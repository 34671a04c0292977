"""One round of a loop: writers draft at once, each draft is scored, and every cost is booked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from inspect import isawaitable
from math import isfinite
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic_core import to_jsonable_python

from workflows.data.refine import AttemptState, AttemptView, RoundView
from workflows.errors import Misuse, NotInStep, ScopeClosed, Unusable, reason
from workflows.patterns.bounds import NOTHING, Bounds
from workflows.patterns.checks import awaited, is_number, is_time, must_be, must_call
from workflows.patterns.clock import now
from workflows.patterns.join import Branch, join
from workflows.patterns.outcome import Outcome
from workflows.patterns.purse import Reserve, Slip
from workflows.patterns.until import all_settled, outcome
from workflows.scope import current_scope, enter_scope

T = TypeVar("T")
MERGED = "merged"
"""The writer a merged draft is attributed to."""


@dataclass(frozen=True)
class Draft(Generic[T]):
    """What a writer made, and what it cost in the budget's unit."""

    value: T
    cost: Decimal = NOTHING


@dataclass(frozen=True)
class Score:
    """What a draft is worth (more is better), why, and what finding out cost."""

    value: float
    reason: str = ""
    cost: Decimal = NOTHING


@dataclass(frozen=True)
class Scored(Generic[T]):
    """A scored draft. `reason` is the score's: what the next round should mend."""

    round: int
    writer: str
    value: T
    score: float
    reason: str
    cost: Decimal

    @property
    def name(self) -> str:
        """Which attempt of the loop it is: `round/writer`."""
        return f"{self.round}/{self.writer}"


@dataclass(frozen=True)
class Turn(Generic[T]):
    """What a writer is given: the round, from 1, and the attempt to improve, None in the first.

    Put the round into a model call as its sample, so that the same question is asked anew.
    """

    round: int
    previous: Scored[T] | None


Write: TypeAlias = Callable[[Turn[T]], Awaitable[Draft[T]]]
Rate: TypeAlias = Callable[[T], Awaitable[Score] | Score]
Merge: TypeAlias = Callable[[Sequence[Scored[T]]], Awaitable[Draft[T]]]


@dataclass(frozen=True)
class Writer(Generic[T]):
    """One of several that draft at once, as one model each. `timeout` fails its draft alone."""

    name: str
    write: Write[T]
    timeout: timedelta | None = None

    def __post_init__(self) -> None:
        must_be(str, self.name, f"the name of writer {self.name!r}", "use text, as 'openai'")
        if not self.name.strip():
            raise Misuse("a writer needs a name; its drafts stand under it")
        must_call(self.write, f"writer {self.name!r}")
        if self.timeout is not None and not is_time(self.timeout):
            raise Misuse(
                f"writer {self.name!r}: timeout={self.timeout!r} is no time; use a positive"
                " timedelta"
            )


async def drafted(made: Awaitable[Draft[T]], who: str) -> Draft[T]:
    """Wait for a draft. Raises Misuse for what is none: a bug, which no further round mends."""
    draft = await awaited(made, who)
    must_be(Draft, draft, f"what {who} gave", "return Draft(value, cost)")
    _check_cost(draft.cost, f"the draft of {who}")
    return draft


async def judged(rate: Rate[T], value: T, who: str) -> Score:
    """Have a draft's value scored. Raises Misuse for what is no Score."""
    rated = rate(value)
    score = await rated if isawaitable(rated) else rated
    must_be(Score, score, f"what {who} gave", "return Score(value, reason)")
    if not is_number(score.value):
        raise Misuse(f"{who} scored {score.value!r}, which is no number; use an int or a float")
    _check_cost(score.cost, f"the score of {who}")
    return score


def _check_cost(cost: object, whose: str) -> None:
    must_be(Decimal, cost, f"the cost {cost!r} of {whose}", "use Decimal('0.05')")


class Round(Generic[T]):
    """A round being played. `made` are its scored drafts, `views` what became of every writer."""

    def __init__(self, name: str, turn: Turn[T], rate: Rate[T], bounds: Bounds) -> None:
        self.name, self.turn, self.rate, self.bounds = name, turn, rate, bounds
        self.started = now()
        self.views: list[AttemptView] = []
        self.made: list[Scored[T]] = []
        self.unclear = NOTHING
        self.error: BaseException | None = None

    @property
    def is_good(self) -> bool:
        """Whether a draft of it is good enough."""
        return any(self.bounds.is_good(a.score) for a in self.made)

    @property
    def cost(self) -> Decimal:
        """What its attempts reported."""
        return sum((v.cost for v in self.views), NOTHING)

    async def compete(
        self, writers: Sequence[Writer[T]], paid: Reserve, end: datetime | None
    ) -> bool:
        """Let all draft at once until each has ended or one is good enough.

        Gives False if the time `end` came first. A writer that fails costs only its own draft.
        """
        slips = {w.name: paid.slip() for w in writers}
        branches = [
            Branch(w.name, partial(self._attempt, w, slips[w.name]), timeout=w.timeout)
            for w in writers
        ]
        outside = current_scope()
        enter_scope(outside.inside(f"{self.name} {self.turn.round}"))
        try:
            joined = await join(
                branches,
                until=all_settled() | outcome(lambda o: self.bounds.is_good(_score(o))),
                deadline=None if end is None else end - now(),
            )
        except (Exception, asyncio.CancelledError):
            self._book(slips, {})
            raise
        finally:
            enter_scope(outside)
        self._book(slips, joined.branches)
        for ended in joined.branches.values():
            if isinstance(ended.error, (Misuse, NotInStep, ScopeClosed)):
                raise ended.error
        return joined.reason != "deadline"

    def view(self, best: float | None, before: float | None) -> RoundView:
        """Write the round down; `best` and `before` are the best scores after and before it."""
        return RoundView(
            number=self.turn.round,
            given=self.turn.previous.name if self.turn.previous else "",
            attempts=tuple(self.views),
            best=best,
            gain=None if best is None or before is None else best - before,
            cost=self.cost,
            started=self.started,
            ended=now(),
        )

    async def _attempt(self, writer: Writer[T], slip: Slip) -> Scored[T]:
        name = writer.name
        draft = await drafted(writer.write(self.turn), f"writer {name!r} of loop {self.name!r}")
        slip.draft = draft.value
        slip.add(draft.cost, f"the draft of {name!r}")
        score = await judged(self.rate, draft.value, f"the rate of loop {self.name!r}")
        slip.add(score.cost, f"the score of {name!r}")
        slip.clear = True
        if not isfinite(score.value):
            raise Unusable(f"the draft of {name!r} is scored {score.value}, which is no number")
        return Scored(self.turn.round, name, draft.value, score.value, score.reason, slip.cost)

    def _book(self, slips: Mapping[str, Slip], branches: Mapping[str, Outcome[Any]]) -> None:
        """Note what each attempt cost and how it ended; one left out was cancelled from outside."""
        for name, slip in slips.items():
            ended = branches.get(name)
            self.unclear += slip.settle()
            self.views.append(_view(name, slip, ended))
            if ended is not None:
                self.error = ended.error or self.error
                if isinstance(ended.value, Scored):
                    self.made.append(ended.value)


def _score(ended: Outcome[Any]) -> float | None:
    return ended.value.score if isinstance(ended.value, Scored) else None


def _view(name: str, slip: Slip, ended: Outcome[Any] | None) -> AttemptView:
    attempt = ended.value if ended and isinstance(ended.value, Scored) else None
    error = ended.error if ended else None
    state: AttemptState = "scored" if attempt else "failed" if error else "cancelled"
    return AttemptView(
        writer=name,
        state=state,
        value=to_jsonable_python(slip.draft, fallback=lambda value: type(value).__name__),
        score=attempt.score if attempt else None,
        reason=attempt.reason if attempt else reason(error) if error else "",
        cost=slip.cost,
    )
