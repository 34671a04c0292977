"""A batch while it runs: a bar in a terminal, else lines; its results as they are known."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from temporalio.client import WorkflowHandle

from cli import cases
from cli.batch import results as files
from cli.batch.estimate import FIRST, by_first, succeeded
from cli.batch.inputs import Inputs
from cli.batch.sending import opened, results
from cli.errors import Trouble
from cli.session import Session, say
from insight.shown.words import dollars, length
from store.budgets import Budgets
from store.database import Store
from workflows.calls import MAIN_QUEUE, READ_COST
from workflows.data.budget import BudgetView, CostQuery
from workflows.data.case_batch import BUDGET, CaseBatchResult
from workflows.data.spread import SpreadProgress, SpreadRef

LOOK_EVERY = 1.0
"""Seconds between two looks at a batch."""
SAY_EVERY = 10.0
"""Seconds between two lines where there is no terminal."""

Handle = WorkflowHandle[Any, Any]


@dataclass(frozen=True)
class Look:
    """How a batch stands at a moment, and its budget, if it has one and the store is at hand."""

    progress: SpreadProgress
    money: BudgetView | None

    def told(self) -> str:
        """Say it in one line."""
        now = self.progress
        parts = [f"{now.failed} failed", f"{now.in_flight} in flight"]
        if now.paused and now.done != now.total:
            parts.insert(0, "PAUSED")
        elif now.rate > 0:
            parts.append(f"{now.rate:.1f}/s")
        if now.estimated_end is not None and now.total != now.done:
            left = max(now.estimated_end - datetime.now(UTC), timedelta(0))
            parts.append(f"{length(left)} left")
        if self.money is not None:
            spent = self.money.spent.usd + self.money.unclear.usd
            parts.append(f"${dollars(spent)} of ${dollars(self.money.usd or 0)}")
        return ", ".join(parts)


Show = Callable[[Look], None]


@dataclass
class Following:
    """Watches one batch to its end, and keeps its results file.

    Unless its cost was `foreseen`, it is told once the first cases are done.
    """

    here: Session
    handle: Handle
    ref: SpreadRef
    inputs: Inputs | None = None
    file: Path | None = None
    queue: str = MAIN_QUEUE
    has_budget: bool = False
    since: str = "0"
    foreseen: bool = True

    async def to_the_end(self, console: Console, *, quiet: bool) -> CaseBatchResult:
        """Follow until it ends. Raises Trouble if it failed, or if its budget is spent."""
        ended = asyncio.ensure_future(cases.result(self.handle, CaseBatchResult))
        try:
            async with _shown(console, self.handle.id, quiet=quiet) as show:
                while not ended.done():
                    if (look := await self._looked()) is not None:
                        show(look)
                        if look.money is not None and look.money.short:
                            raise Trouble(_short(self.handle.id, look.money))
                    await asyncio.wait({ended}, timeout=LOOK_EVERY)
                if (look := await self._looked()) is not None:
                    show(look)
        finally:
            if not ended.cancel() and self.file is not None and self.inputs is not None:
                await files.write(self.file, self.all_results(), self.inputs)
        return await ended

    async def _looked(self) -> Look | None:
        """Look at the batch, and keep what is new; None while no worker answers."""
        try:
            look = await self.look()
            await self.add_results()
            await self._foresee(look.progress)
        except Trouble as gone:
            say(str(gone))
            return None
        return look

    async def look(self) -> Look:
        """Ask how the batch stands."""
        progress = await cases.ask(self.handle, "progress", SpreadProgress)
        return Look(progress, await self._money())

    def all_results(self) -> Any:
        """Read every result there is by now."""
        return results(self.here.client, self.ref, self.handle.id, queue=self.queue)

    async def add_results(self) -> None:
        """Add to the file what is known since the last time."""
        if self.file is None or self.inputs is None:
            return
        later = results(
            self.here.client, self.ref, self.handle.id, since=self.since, queue=self.queue
        )
        found = [result async for result in later]
        if found:
            files.add(self.file, found, self.inputs)
            self.since = found[-1].at

    async def _foresee(self, now: SpreadProgress) -> None:
        if self.foreseen or succeeded(now) < FIRST:
            return
        self.foreseen = True
        if now.done != now.total:
            query, id = CostQuery(prefix=f"{self.handle.id}:"), f"{self.handle.id}-cost"
            cost = await opened(self.here.client, READ_COST, query, id, self.queue)
            say(by_first(now, cost.usd))

    async def _money(self) -> BudgetView | None:
        if not (self.has_budget and self.here.settings.has_store):
            return None
        async with Store.opened(self.here.settings.database) as store:
            return await Budgets(store).view(self.handle.id, BUDGET)


@asynccontextmanager
async def _shown(console: Console, batch: str, *, quiet: bool) -> AsyncIterator[Show]:
    """Give what shows a look: a bar in a terminal, a line now and then elsewhere."""
    if quiet or not console.is_terminal:
        yield _Lines(quiet=quiet)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TextColumn("{task.fields[told]}"), console=console) as bar:
        task = bar.add_task(batch, total=None, told="")

        def show(look: Look) -> None:
            now = look.progress
            bar.update(task, total=now.total, completed=now.done, told=look.told())

        yield show


class _Lines:
    """Says how a batch stands, every ten seconds at most, and once more when all is done."""

    def __init__(self, *, quiet: bool) -> None:
        self._said, self._quiet = 0.0, quiet

    def __call__(self, look: Look) -> None:
        now = look.progress
        if self._quiet:
            return
        if now.done == now.total or time.monotonic() - self._said >= SAY_EVERY:
            self._said = time.monotonic()
            total = "?" if now.total is None else f"{now.total:,}"
            say(f"{now.done:,} of {total} done, {look.told()}")


def _short(batch: str, money: BudgetView) -> str:
    return (
        f"{batch}: the budget of ${dollars(money.usd or 0)} does not pay for the next call; its"
        f" cases wait, nothing is lost: `starter.py batch resume {batch} --budget USD` raises it,"
        f" `starter.py cancel {batch}` ends it"
    )
