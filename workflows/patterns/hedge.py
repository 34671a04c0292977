"""Hedge: a second request for one that takes longer than most; the first usable answer wins.

first, second, after = hedged_chain(book, "analyst", prompt, Reading)
found = await hedge("reading", first, second, after=after, otherwise=give_up())
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Generic, TypeVar

from temporalio.exceptions import is_cancelled_exception

from workflows.calls import refusing
from workflows.data.common import Record
from workflows.data.llm import Prompt, RoleBook, RoleChain
from workflows.data.strategies import HedgeRecord
from workflows.errors import Misuse
from workflows.patterns.checks import is_number, is_time, must_be
from workflows.patterns.clock import now, wait_for
from workflows.patterns.consult import DEFAULT_TERMS, Terms, consult
from workflows.patterns.join import join
from workflows.patterns.otherwise import Otherwise, Unmet
from workflows.patterns.outcome import Joined
from workflows.patterns.respondents import (
    WRONG,
    Asking,
    Consult,
    Decided,
    Respondent,
    raise_wrong,
    respondents,
    told,
)
from workflows.patterns.together import within
from workflows.patterns.until import first_success, outcome

T = TypeVar("T", bound=Record)
Late = Callable[[asyncio.Event], Awaitable[bool]]
"""Waits until a second request is due; gives True if the event (the first failed) came before."""


@dataclass
class HedgeShare:
    """Bounds how many of the requests that share it get a second one: a share of 0 to 1.

    The first late one always may. `asked` and `hedged` go into the next run of a process.
    """

    most: float = 0.05
    asked: int = 0
    hedged: int = 0

    def __post_init__(self) -> None:
        if not is_number(self.most) or not 0 <= self.most <= 1:
            raise Misuse(f"HedgeShare({self.most!r}) is no share; it goes from 0 to 1, as 0.05")

    def take(self) -> bool:
        """Count one more hedge if the share allows it."""
        allowed = self.most > 0 and self.hedged + 1 <= max(1.0, self.most * self.asked)
        self.hedged += allowed
        return allowed


async def hedge(
    name: str,
    first: Respondent[T],
    second: Respondent[T],
    *,
    after: timedelta | Late,
    otherwise: Otherwise[T],
    share: HedgeShare | None = None,
) -> Decided[T, HedgeRecord]:
    """Ask the first; if it has not answered `after` so long, ask the second too, and take whoever
    answers first. The other is cancelled and awaited. Where the moment moves, `after` waits for it.

    A first that fails before is no straggler: the second is asked at once, in its place. A `share`
    bounds the hedges of all requests that were given it. A respondent's timeout counts from when
    it is asked. For models only: what is asked may reach no source, effect or gate, which two
    requests would do twice.

    Raises Misuse before anybody is asked; `otherwise` applies when both fail.
    """
    what = f"hedge {name!r}"
    one, two = map(Asking, respondents(what, [first, second], 2))
    must_be(Otherwise, otherwise, f"{what}: otherwise", "call one, as give_up()")
    if share is not None:
        must_be(HedgeShare, share, f"{what}: share", "use HedgeShare(0.05)")
    if not callable(after) and not is_time(after):
        raise Misuse(f"{what}: after={after!r} hedges at once; give the p95, as timedelta(...)")
    run = _Hedge(name, one, two, after, share)
    until = first_success() | outcome(lambda ended: isinstance(ended.error, WRONG))
    joined = await join({one.name: run.ask_first, two.name: run.ask_second}, until=until)
    raise_wrong(joined)
    winner = next((a for a in (one, two) if joined[a.name].is_success), None)
    if winner is not None and winner.found is not None:
        return Decided(winner.found.value, run.record(joined, winner, winner.name))
    unmet = Unmet[T](name, run.why(joined, None))
    return Decided(await otherwise.act(unmet), run.record(joined, None, otherwise.via))


def hedged_chain(
    book: RoleBook,
    role: str,
    prompt: Prompt,
    record: type[T],
    *,
    ask: Consult = consult,
    terms: Terms = DEFAULT_TERMS,
) -> tuple[Respondent[T], Respondent[T], timedelta]:
    """Make both respondents of a role, and the p95 of its first model from the case's book.

    The second asks the rest of the chain, other vendors first: a vendor's bad minute slows all its
    models. Raises Misuse if the chain has one model only, or the catalogue says no p95.
    """
    head, *rest = book.chain(role).models
    if not rest:
        raise Misuse(f"role {role!r} has one model; a hedge needs another, see llm.toml")
    if (p95 := book.facts_of(head).p95) is None:
        raise Misuse(f"the catalogue says no p95 of {head.model!r}; write it down, or give `after`")
    rest.sort(key=lambda model: model.vendor == head.vendor)
    several = ((head,), replace(terms, patient=False)), (tuple(rest), terms)
    one, two = (
        Respondent(
            models[0].model,
            partial(ask, RoleChain(role=role, models=models), prompt, record, sample=0, terms=on),
        )
        for models, on in several
    )
    return one, two, timedelta(seconds=p95)


class _Hedge(Generic[T]):
    """One hedged request."""

    def __init__(
        self,
        name: str,
        one: Asking[T],
        two: Asking[T],
        after: timedelta | Late,
        share: HedgeShare | None,
    ) -> None:
        self.name, self.one, self.two = name, one, two
        self._after = timedelta(0) if callable(after) else after
        self._waits = after if callable(after) else self._passes
        self._began, self._share = now(), share
        self._failed = asyncio.Event()
        self._late = self._withheld = False
        if share is not None:
            share.asked += 1

    async def ask_first(self) -> T:
        """Ask the first; say if it fails."""
        try:
            return await self._ask(self.one)
        except Exception as error:
            if not (is_cancelled_exception(error) or isinstance(error, WRONG)):
                self._failed.set()
            raise

    async def ask_second(self) -> T:
        """Ask the second once the first is late, or has failed."""
        if not await self._waits(self._failed):
            self._after = self._after or now() - self._began
            if self._share is None or self._share.take():
                self._late = True
            else:
                self._withheld = True
                await wait_for(self._failed, None, "")
        return await self._ask(self.two)

    async def _passes(self, failed: asyncio.Event) -> bool:
        return await wait_for(failed, self._after, f"{self.name}: hedge")

    def record(self, joined: Joined, winner: Asking[T] | None, via: str) -> HedgeRecord:
        """Make its record."""
        second = "first was late" if self._late else "first failed"
        return HedgeRecord(
            name=self.name,
            replies=tuple(
                a.view(joined[a.name], accepted=a is winner) for a in (self.one, self.two)
            ),
            decided=winner is not None,
            why=self.why(joined, winner),
            via=via,
            after=self._after,
            second=second if self.two.began else "not asked",
            withheld=self._withheld,
        )

    def why(self, joined: Joined, winner: Asking[T] | None) -> str:
        """Say why it ended."""
        if winner is None:
            replies = [a.view(joined[a.name]) for a in (self.one, self.two)]
            return f"neither gave a usable answer: {told(replies)}"
        if not self.two.began:
            return f"{winner.name} answered in time"
        return f"{winner.name} answered first"

    async def _ask(self, asking: Asking[T]) -> T:
        with refusing(lambda what: Misuse(f"hedge {self.name!r}: {what} would be done twice")):
            timeout = asking.respondent.timeout
            if timeout is None:
                return await asking()
            return await within(timeout, asking(), f"respondent {asking.name!r}")
