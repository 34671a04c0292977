"""Respondents: those who are asked the same question, and what asking each of them came to.

Cascade, vote, hedge and second opinions are made of them. Each `ask` consults a role or one model:

    Respondent("cheap", partial(self.consult, "cheap", prompt, Reading))
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import combinations
from typing import Any, Generic, Protocol, TypeVar

from temporalio.exceptions import is_cancelled_exception

from workflows.data.common import Record
from workflows.data.llm import Prompt, RoleChain
from workflows.data.strategies import ReplyState, ReplyView, StrategyRecord
from workflows.errors import (
    DeadlinePassed,
    Misuse,
    NotInStep,
    ScopeClosed,
    Unusable,
    reason,
    usd_of,
)
from workflows.patterns.branch import Branch
from workflows.patterns.checks import awaited, is_time, is_whole, listed, must_be, must_call
from workflows.patterns.consult import DEFAULT_TERMS, Consulted, Terms, consult
from workflows.patterns.outcome import Joined, Outcome

T = TypeVar("T", bound=Record)
V = TypeVar("V", bound=StrategyRecord)
WRONG = (Misuse, NotInStep, ScopeClosed, Unusable)
"""Errors no other respondent can make good."""


@dataclass(frozen=True)
class Respondent(Generic[T]):
    """Somebody who can be asked. `timeout` None says that the Calls behind `ask` bound it."""

    name: str
    ask: Callable[[], Awaitable[Consulted[T]]]
    timeout: timedelta | None = None

    def __post_init__(self) -> None:
        must_be(str, self.name, f"the name of respondent {self.name!r}", "use text, as 'cheap'")
        if not self.name.strip():
            raise Misuse("a respondent needs a name; it stands in the record of what was said")
        must_call(self.ask, f"the ask of respondent {self.name!r}")
        if self.timeout is not None and not is_time(self.timeout):
            raise Misuse(
                f"respondent {self.name!r} has no time at all: timeout={self.timeout!r}; use a"
                " positive timedelta"
            )


@dataclass(frozen=True)
class Decided(Generic[T, V]):
    """The value a strategy came to, and the record of how."""

    value: T
    record: V


class Consult(Protocol):
    """How a chain is asked: `consult`, or a process's `self.consult`, which adds up the cost."""

    def __call__(
        self, chain: RoleChain, prompt: Prompt, record: type[T], /, *, sample: int, terms: Terms
    ) -> Awaitable[Consulted[T]]:
        """Ask for a record. Raises ModelUnavailable, BudgetSpent."""
        ...


def models_of(
    chain: RoleChain,
    prompt: Prompt,
    record: type[T],
    *,
    ask: Consult = consult,
    terms: Terms = DEFAULT_TERMS,
    timeout: timedelta | None = None,
    patient: bool = False,
) -> list[Respondent[T]]:
    """Make a respondent of each model of a chain, in its order, under its name.

    Unless `patient`, each fails at once while its breaker is open: the others are there to be
    asked.
    """
    terms = replace(terms, patient=patient)
    alone = [RoleChain(role=chain.role, models=(model,)) for model in chain.models]
    return [
        Respondent(
            one.models[0].model,
            partial(ask, one, prompt, record, sample=0, terms=terms),
            timeout,
        )
        for one in alone
    ]


def samples_of(
    count: int,
    chain: RoleChain,
    prompt: Prompt,
    record: type[T],
    *,
    ask: Consult = consult,
    terms: Terms = DEFAULT_TERMS,
    timeout: timedelta | None = None,
) -> list[Respondent[T]]:
    """Make so many respondents of one chain, each asking it with a sample of its own."""
    if not is_whole(count) or count < 1:
        raise Misuse(f"{count!r} samples of role {chain.role!r}; ask for 1 or more")
    return [
        Respondent(
            f"sample-{n}", partial(ask, chain, prompt, record, sample=n, terms=terms), timeout
        )
        for n in range(count)
    ]


def respondents(what: str, given: Iterable[Respondent[T]], least: int) -> list[Respondent[T]]:
    """List those of a strategy called `what`. Raises Misuse for too few, twins and like names."""
    found = listed(given, Respondent, f"{what}: whom it asks", "list Respondent(name, ask)")
    names = [r.name for r in found]
    if len(found) < least:
        raise Misuse(f"{what} asks {len(found)}; name at least {least}")
    if len(set(names)) < len(names):
        raise Misuse(f"{what}: {', '.join(names)} must differ in name")
    for a, b in combinations(found, 2):
        if _way(a.ask) == _way(b.ask):
            raise Misuse(
                f"{what}: {a.name!r} and {b.name!r} ask the very same, and would read one paid"
                " answer back; give each a `sample` of its own, or another model"
            )
    return found


def _way(ask: Callable[[], Any]) -> Any:
    return (ask.func, ask.args, ask.keywords) if isinstance(ask, partial) else ask


class Asking(Generic[T]):
    """One asking of a respondent: its work for a branch, and what is known of its cost.

    It is asked once: calling it again gives the same.
    """

    def __init__(self, respondent: Respondent[T]) -> None:
        self.respondent, self.name = respondent, respondent.name
        self.found: Consulted[T] | None = None
        self.began = self._over = False
        self._lost = Decimal(0)
        self._error: Exception | None = None

    async def __call__(self) -> T:
        """Ask, and give the value. Raises what consulting raises."""
        if self.began:
            return self._again()
        self.began = True
        what = f"respondent {self.name!r}: its ask"
        try:
            found = await awaited(self.respondent.ask(), what)
        except Exception as error:
            self._over = not is_cancelled_exception(error)
            self._lost, self._error = usd_of(error), error if self._over else None
            raise
        must_be(Consulted, found, f"what {what} gave", "return what `consult` gives")
        self.found = found
        return found.value

    def branch(self) -> Branch[T]:
        """Make it a branch of a join."""
        return Branch(self.name, self, timeout=self.respondent.timeout)

    @property
    def uncertain(self) -> bool:
        """Whether it was given up in flight: what it cost nobody knows here."""
        return self.began and self.found is None and not self._over

    def view(
        self,
        ended: Outcome[Any] | None,
        *,
        accepted: bool = False,
        says: str = "",
        confidence: float | None = None,
    ) -> ReplyView:
        """Show what became of it; `ended` is the outcome of its branch, None if there was none."""
        error = ended.error if ended else None
        return ReplyView(
            who=self.name,
            state=self._state(ended, accepted),
            model=self.model,
            value=self.found.value.model_dump(mode="json") if self.found else None,
            says=says,
            confidence=confidence,
            usd=self.usd,
            uncertain=self.uncertain,
            why=reason(error) if error is not None and self.began else "",
            started=ended.started if ended and self.began else None,
            ended=ended.ended if ended and self.began else None,
        )

    def _again(self) -> T:
        if self.found is None:
            raise self._error or DeadlinePassed(f"respondent {self.name!r} was given up")
        return self.found.value

    @property
    def usd(self) -> Decimal:
        """What it cost as far as it is known, in US dollars."""
        return self.found.usd if self.found else self._lost

    @property
    def model(self) -> str:
        """Who answered, as `vendor/model`; empty if nobody did."""
        target = self.found.answer.target if self.found else None
        return f"{target.vendor}/{target.model}" if target else ""

    def _state(self, ended: Outcome[Any] | None, accepted: bool) -> ReplyState:
        if not self.began or ended is None:
            return "not_asked"
        if self.found is not None:
            return "accepted" if accepted else "rejected"
        if isinstance(ended.error, DeadlinePassed):
            return "timed_out"
        return "failed" if ended.status == "failed" else "cancelled"


def raise_wrong(joined: Joined) -> None:
    """Raise what was put together wrongly instead of taking it for one more weak answer."""
    for outcome in joined.branches.values():
        if isinstance(outcome.error, WRONG):
            raise outcome.error


def told(replies: Sequence[ReplyView]) -> str:
    """Say in one line what became of each that was asked."""
    asked = [r for r in replies if r.state != "not_asked"]
    return "; ".join(f"{r.who} {r.why or _said(r)}" for r in asked) or "nobody was asked"


def _said(reply: ReplyView) -> str:
    sure = "" if reply.confidence is None else f" at {reply.confidence:g}"
    return f"{reply.says or reply.state}{sure}"
