"""Ladder: the cheap attempt first, a stronger one only where that will not do.

`found = await ladder("address", [Rung("rules", parse, is_whole, timeout), ...], otherwise=...)`
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from inspect import iscoroutine
from math import isfinite
from typing import Any, Generic, TypeVar, cast

from pydantic_core import to_jsonable_python

from workflows.data.ladder import RungState, RungView
from workflows.errors import DeadlinePassed, Misuse, NotInStep, ScopeClosed, Unusable, reason
from workflows.patterns.checks import awaited, is_number, is_time, listed, must_be, must_call
from workflows.patterns.clock import now
from workflows.patterns.join import Branch, join
from workflows.patterns.otherwise import Otherwise, Unmet
from workflows.patterns.outcome import Outcome
from workflows.patterns.until import all_settled

T = TypeVar("T")


@dataclass(frozen=True)
class Rung(Generic[T]):
    """One attempt. `accept` is a pure function: will this value do?

    `timeout` None says that the work's own Calls bound it. `score` ranks values that will not do.
    """

    name: str
    work: Callable[[], Awaitable[T]]
    accept: Callable[[T], bool]
    timeout: timedelta | None
    score: Callable[[T], float] | None = None

    def __post_init__(self) -> None:
        must_be(str, self.name, f"the name of rung {self.name!r}", "use text, as 'rules'")
        if not self.name.strip():
            raise Misuse("a rung needs a name; it stands in what the ladder said")
        must_call(self.work, f"the work of rung {self.name!r}")
        must_call(self.accept, f"the accept of rung {self.name!r}")
        if self.score is not None:
            must_call(self.score, f"the score of rung {self.name!r}")
        if self.timeout is not None and not is_time(self.timeout):
            raise Misuse(
                f"rung {self.name!r} has no time at all: timeout={self.timeout!r}; use a positive"
                " timedelta"
            )


@dataclass(frozen=True)
class Climbed(Generic[T]):
    """How a ladder ended: its value, the rung (or what `otherwise` did) it came via, and what
    each rung said.
    """

    value: T
    via: str
    said: tuple[RungView, ...]


async def ladder(name: str, rungs: Sequence[Rung[T]], *, otherwise: Otherwise[T]) -> Climbed[T]:
    """Climb and give the first value that will do; the arguments are those of `Ladder`."""
    return await Ladder(name, rungs, otherwise=otherwise).climb()


class Ladder(Generic[T]):
    """Rungs, cheapest first. `said` can be queried while it is climbed.

    A rung that fails or takes too long is gone past like one whose value is rejected.
    `otherwise` applies after the last.
    """

    def __init__(self, name: str, rungs: Sequence[Rung[T]], *, otherwise: Otherwise[T]) -> None:
        self.name, self.otherwise = name, otherwise
        mend = "give a list of Rung(name, work, accept, timeout)"
        self.rungs = listed(rungs, Rung, f"ladder {name!r}: rungs", mend)
        self.said: list[RungView] = []
        self._best: tuple[float, T] | None = None
        self._check()

    async def climb(self) -> Climbed[T]:
        """Climb, once. Raises Unresolved if it gives up, Unusable if a judgement is none."""
        if self.said:
            raise Misuse(f"ladder {self.name!r} was climbed before; make another")
        for rung in self.rungs:
            ended = await self._try(rung)
            if ended.error is not None:
                self._note(rung, ended, "failed", why=reason(ended.error))
            elif self._judge(rung, ended):
                return Climbed(cast(T, ended.value), rung.name, tuple(self.said))
        value = await self.otherwise.act(self._unmet())
        return Climbed(value, self.otherwise.via, tuple(self.said))

    def _check(self) -> None:
        what = f"ladder {self.name!r}: otherwise"
        must_be(Otherwise, self.otherwise, what, "call one, as give_up()")
        names = [r.name for r in self.rungs]
        if not names:
            raise Misuse(f"ladder {self.name!r} has no rung; name at least one")
        if len(set(names)) < len(names):
            raise Misuse(f"ladder {self.name!r}: rungs {', '.join(names)} must differ in name")
        if self.otherwise.kind == "take_best" and not any(r.score for r in self.rungs):
            raise Misuse(
                f"ladder {self.name!r} takes the best of values without a score;"
                " give its rungs one, or another `otherwise`"
            )

    async def _try(self, rung: Rung[T]) -> Outcome[Any]:
        async def work() -> T:
            return await awaited(rung.work(), f"rung {rung.name!r}: its work")

        branch = Branch(rung.name, work, timeout=rung.timeout)
        ended = (await join([branch], until=all_settled()))[rung.name]
        if isinstance(ended.error, (Misuse, NotInStep, ScopeClosed)):
            raise ended.error
        return ended

    def _judge(self, rung: Rung[T], ended: Outcome[Any]) -> bool:
        value = cast(T, ended.value)
        try:
            good = rung.accept(value)
            score = None if rung.score is None else rung.score(value)
        except Exception as error:
            why = f"rung {rung.name!r}: its accept or score failed: {error!r}"
            raise Unusable(why) from error
        if iscoroutine(good):
            good.close()
        ranks = score is None or (is_number(score) and isfinite(score))
        if not isinstance(good, bool) or not ranks:
            raise Unusable(
                f"rung {rung.name!r}: accept gave {good!r} and score {score!r}; accept is a plain"
                " function to True or False, score one to a finite number"
            )
        self._note(rung, ended, "accepted" if good else "rejected", score=score)
        if score is not None and (self._best is None or score > self._best[0]):
            self._best = score, value
        return good

    def _note(
        self,
        rung: Rung[T],
        ended: Outcome[Any],
        state: RungState,
        *,
        score: float | None = None,
        why: str = "",
    ) -> None:
        self.said.append(
            RungView(
                rung=rung.name,
                state="timed_out" if isinstance(ended.error, DeadlinePassed) else state,
                value=to_jsonable_python(ended.value, fallback=lambda v: type(v).__name__),
                score=score,
                why=why,
                started=ended.started or now(),
                ended=ended.ended or now(),
            )
        )

    def _unmet(self) -> Unmet[T]:
        why = "; ".join(f"{s.rung} {s.why or s.state}" for s in self.said)
        if self._best is None:
            return Unmet(self.name, why)
        score, value = self._best
        return Unmet(self.name, why, True, value, score)
