"""Workflows of the spread tests: a process that rates numbers, and what it asks."""

import asyncio
from datetime import timedelta

from temporalio import workflow

from workflows.calls import Call, ask
from workflows.data.common import Record
from workflows.data.spread import ItemPage, PageQuery, SpreadRef, SpreadResult, Tolerance
from workflows.grades import step
from workflows.patterns.spread import Pages, results_of, spread


class Number(Record):
    """A number to rate."""

    n: int


class Rated(Record):
    """A number and its rating."""

    n: int
    rating: int


RATE = Call("rate", Number, Rated, timeout=timedelta(seconds=30), attempts=3)
NUMBERS = Call("numbers", PageQuery, ItemPage, timeout=timedelta(seconds=30), attempts=3)


@step("rate-well", Number, Rated)
async def rate_well(number: Number) -> Rated:
    """Rate a number by two Calls."""
    first = await ask(RATE, number)
    second = await ask(RATE, Number(n=number.n + 1000))
    return Rated(n=number.n, rating=first.rating + second.rating)


class Plan(Record):
    """How the flow spreads: over so many numbers, or `paged` ones; by the Call or the step."""

    count: int
    paged: bool = False
    by_step: bool = False
    window: int = 50
    chunk: int = 100
    tolerate: Tolerance = Tolerance(count=0)
    redrive: SpreadRef | None = None
    adds_up: bool = False


class Told(Record):
    """What the flow gives: the spread's summary, and the sum of all ratings if asked for."""

    result: SpreadResult
    total: int = 0


@workflow.defn
class Rating:
    """A process that spreads."""

    @workflow.run
    async def run(self, plan: Plan) -> Told:
        """Spread as planned."""
        pages: Pages[Number] = Pages(NUMBERS, {"count": plan.count})
        items = pages if plan.paged else {f"n-{n}": Number(n=n) for n in range(plan.count)}
        result = await spread(
            "rate",
            items,
            rate_well if plan.by_step else RATE,
            window=plan.window,
            chunk=plan.chunk,
            tolerate=plan.tolerate,
            redrive=plan.redrive,
        )
        total = 0
        if plan.adds_up:
            async for _, rated in results_of(result, Rated):
                total += rated.rating
        return Told(result=result, total=total)


@workflow.defn
class TwoAtOnce:
    """A process that spreads twice under one name."""

    @workflow.run
    async def run(self, plan: Plan) -> None:
        """Start both."""
        items = {f"n-{n}": Number(n=n) for n in range(plan.count)}
        await asyncio.gather(
            spread("rate", items, RATE), spread("rate", {"other": Number(n=1)}, RATE)
        )
