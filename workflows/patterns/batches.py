"""Batches: work through a source of any length, bounded, carried from history to history.

    progress = await batches("case", order.progress, page, take, Bounds(rounds=500))
    if progress.stopped is None:
        await hop(lambda: order.model_copy(update={"progress": progress}))

A batch is taken whole or not at all: what `Progress` says is done is done, nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar

from temporalio import workflow

from workflows.calls import only_in_workflow
from workflows.data.common import Record
from workflows.data.refine import Meter, Page, Progress
from workflows.errors import Misuse, Unusable
from workflows.patterns.bounds import Bounds
from workflows.patterns.checks import awaited, is_whole, must_be, must_call
from workflows.patterns.clock import now
from workflows.patterns.join import join
from workflows.patterns.purse import Purse, Slip
from workflows.patterns.rounds import Draft, Rate, drafted, judged
from workflows.patterns.until import all_settled

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741 - an item

MOST_EVENTS = 2_000
"""A run ends between two batches once its history has so many events."""

Take: TypeAlias = Callable[[S, Sequence[I]], Awaitable[Draft[S]]]
"""From the state and a batch of items to the next state and what that cost."""


async def batches(
    name: str,
    progress: Progress[S],
    page: Callable[[str], Awaitable[Page[I]]],
    take: Take[S, I],
    bounds: Bounds,
    *,
    rate: Rate[S] | None = None,
    per_run: int | None = None,
    most_events: int = MOST_EVENTS,
) -> Progress[S]:
    """Take batches until the source ends, a bound is reached, or this history is long enough.

    In the last case `stopped` is None: hop. The arguments are those of `Batches`.
    """
    loop = Batches(
        name, progress, page, take, bounds, rate=rate, per_run=per_run, most_events=most_events
    )
    return await loop.run()


class Batches(Generic[S, I]):
    """An incremental loop; `progress` is where it stands, after a failed batch too.

    `bounds` hold over all runs together, its `rounds` counts batches. `rate` scores the state
    after each. `page` goes from a cursor, empty at the start, to the items there: the same cursor
    gives the same items. A run ends after `per_run` batches, or once its history is long enough.
    """

    def __init__(
        self,
        name: str,
        progress: Progress[S],
        page: Callable[[str], Awaitable[Page[I]]],
        take: Take[S, I],
        bounds: Bounds,
        *,
        rate: Rate[S] | None = None,
        per_run: int | None = None,
        most_events: int = MOST_EVENTS,
    ) -> None:
        for most in (most_events, 1 if per_run is None else per_run):
            if not is_whole(most) or most < 1:
                raise Misuse(
                    f"batches {name!r}: a run of {per_run} batches and {most_events} events gets"
                    " nowhere; use 1 or more"
                )
        self.name, self.progress, self.bounds = name, progress, bounds
        self.page, self.take, self.rate = page, take, rate
        self.per_run, self.most_events = per_run, most_events
        self._check()

    async def run(self) -> Progress[S]:
        """Run until it stops or should hop. Raises what a batch raises; that batch is undone."""
        meter, taken = self.progress.meter or Meter(started=now()), 0
        purse = Purse(self.bounds.budget, meter.spent, meter.unclear)
        self._now(meter=meter)
        while self.progress.stopped is None:
            if stop := self.bounds.reached(self._meter, now()):
                self._now(stopped=stop)
            elif taken and self._is_long(taken):
                return self._now(runs=self.progress.runs + 1)
            elif (paid := await purse.reserve(1, None)) is None:
                self._now(stopped="budget")
            elif not await self._batch(paid.slip(), purse):
                self._now(stopped="deadline")
            taken += 1
        return self.progress

    def _check(self) -> None:
        """Raise Misuse for what can never take a batch."""
        of = f"batches {self.name!r}"
        must_be(Progress, self.progress, f"{of}: progress", "start with Progress(state=...)")
        must_be(Bounds, self.bounds, f"{of}: bounds", "use Bounds(rounds=...)")
        must_call(self.page, f"{of}: page")
        must_call(self.take, f"{of}: take")
        if self.rate is not None:
            must_call(self.rate, f"{of}: rate")
        elif self.bounds.need_score:
            raise Misuse(f"{of}: quality and stall need scores; give `rate`")

    @property
    def _meter(self) -> Meter:
        assert self.progress.meter is not None  # noqa: S101 - set at the start of run
        return self.progress.meter

    def _now(self, **changes: Any) -> Progress[S]:
        self.progress = self.progress.model_copy(update=changes)
        return self.progress

    def _is_long(self, taken: int) -> bool:
        if self.per_run is not None and taken >= self.per_run:
            return True
        if not workflow.in_workflow():
            return False
        run = workflow.info()
        return (
            run.get_current_history_length() >= self.most_events
            or run.is_continue_as_new_suggested()
        )

    async def _batch(self, slip: Slip, purse: Purse) -> bool:
        """Take one batch whole; False if the deadline came first."""
        name, end = f"{self.name} {self._meter.rounds + 1}", self.bounds.end(self._meter)
        try:
            joined = await join(
                {name: partial(self._taken, slip)},
                until=all_settled(),
                deadline=None if end is None else end - now(),
            )
        except asyncio.CancelledError:
            self._book(slip, purse)
            raise
        self._book(slip, purse)
        if (error := joined[name].error) is not None:
            raise error
        if joined.reason == "deadline":
            return False
        state, page, score = joined.require(name)
        self._advance(state, page, score)
        return True

    def _book(self, slip: Slip, purse: Purse) -> None:
        slip.settle()
        spent = {"spent": purse.spent, "unclear": purse.unclear}
        self._now(meter=self._meter.model_copy(update=spent))

    async def _taken(self, slip: Slip) -> tuple[S, Page[I], float | None]:
        """Fetch and take a batch; the progress is not touched until all of it is done."""
        of = f"batches {self.name!r}"
        page = await awaited(self.page(self.progress.cursor), f"the page of {of}")
        must_be(Page, page, f"what the page of {of} gave", "return Page(items, following)")
        if page.following == self.progress.cursor:
            raise Unusable(
                f"batches {self.name!r}: the page at {page.following!r} is followed by itself;"
                " give None where the source ends"
            )
        draft = await drafted(self.take(self.progress.state, page.items), f"the take of {of}")
        slip.add(draft.cost, f"batch of {self.name!r}")
        score: float | None = None
        if self.rate is not None:
            given = await judged(self.rate, draft.value, f"the rate of {of}")
            slip.add(given.cost, f"the score of {self.name!r}")
            score = given.value
        slip.clear = True
        return draft.value, page, score

    def _advance(self, state: S, page: Page[I], score: float | None) -> None:
        scores = [s for s in (self._meter.best, score) if s is not None]
        self._now(
            state=state,
            cursor=page.following or self.progress.cursor,
            items=self.progress.items + len(page.items),
            meter=self.bounds.after(self._meter, max(scores, default=None)),
            stopped="complete" if page.following is None else None,
        )


async def hop(following: Callable[[], Record]) -> NoReturn:
    """Continue as new once no message is being handled.

    `following` makes the next run's input at the last moment, so that what a message brought
    until then is in it.
    """
    only_in_workflow("hop to a new history")
    if not workflow.in_workflow():
        raise Misuse("only a workflow can hop to a new history; here, run the batches again")
    await workflow.wait_condition(workflow.all_handlers_finished)
    workflow.continue_as_new(following())
