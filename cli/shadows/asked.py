"""What `shadow` does: finds the baselines, runs the candidate on each, says what it comes to."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.commands import out
from cli.errors import BadInput
from cli.processes import ProcessEntry, process
from cli.session import Session, say
from cli.shadows.baselines import Baseline, Decided, decided, fresh, given_in, past
from cli.shadows.candidates import Candidate
from cli.shadows.comparing import AT_ONCE, Comparing
from cli.shadows.running import BUDGET, SPENT, Shadowed
from cli.shadows.shown import plain, shown
from insight.statistics.fields import Tolerance
from insight.statistics.pairs import Pair, Verdict, judged
from store.budgets import Budgets
from store.database import Store
from workflows.calls import MAIN_QUEUE
from workflows.data.budget import BudgetOrder
from workflows.data.common import Record


@dataclass(frozen=True)
class Asked:
    """What is compared, and how: `agree` is the share of cases that must come to the same."""

    candidate: Candidate
    tolerances: tuple[Tolerance, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    agree: float = 0.95
    usd: Decimal = Decimal(5)
    patience: timedelta = timedelta(minutes=15)
    as_json: bool = False
    queue: str = MAIN_QUEUE

    def comparing(self, shadowed: Shadowed, entry: ProcessEntry) -> Comparing:
        """Say how the candidate is compared with a process."""
        how = (self.candidate, self.tolerances, self.places, tell)
        return Comparing(shadowed, entry, *how)


@asynccontextmanager
async def shadowing(here: Session, asked: Asked, scope: str = "") -> AsyncIterator[Shadowed]:
    """Open the budget of the shadows (that of `scope` goes on), and give what runs them."""
    scope = scope or f"shadows-{secrets.token_hex(4)}"
    await asked.candidate.check_served(here.client, asked.queue)
    async with Store.opened(here.settings.database) as store:
        await Budgets(store).open(scope, BudgetOrder(name=BUDGET, usd=asked.usd))
        yield Shadowed(here, store, f"{scope} {BUDGET}", asked.patience, asked.queue)


async def compare(
    here: Session, given: Sequence[str], name: str, words: Path | None, asked: Asked
) -> None:
    """Compare on cases, or with the `name` of a process on files of inputs, and show the result."""
    if name:
        pairs = await of_inputs(here, process(name), [Path(g) for g in given], asked, words)
    elif words is not None:
        raise BadInput("--baseline goes with files of inputs: name their --process")
    else:
        pairs = await of_cases(here, given, asked)
    report(pairs, asked)


async def of_cases(here: Session, named: Sequence[str], asked: Asked) -> list[Pair]:
    """Compare on cases that have ended. Raises BadInput if they are of several processes."""
    async with shadowing(here, asked) as shadowed:
        found = [await past(here, shadowed.store, case) for case in named]
        if len({entry.name for entry, _ in found}) > 1:
            raise BadInput("the cases are of several processes; compare those of one at a time")
        return await _compared(shadowed, found[0][0], [b for _, b in found], asked)


async def of_inputs(
    here: Session, entry: ProcessEntry, paths: Sequence[Path], asked: Asked, words: Path | None
) -> list[Pair]:
    """Compare on inputs: with the process itself, run as a shadow too, or with what people said."""
    given = [one for path in paths for one in given_in(path, entry)]
    async with shadowing(here, asked) as shadowed:
        if words is not None:
            baselines = list(_said(given, decided(words), words))
        else:
            turn = asyncio.Semaphore(AT_ONCE)

            async def one(record: Record) -> Baseline:
                async with turn:
                    return await fresh(shadowed, entry, record)

            baselines = list(await asyncio.gather(*map(one, given)))
        return await _compared(shadowed, entry, baselines, asked)


def _said(given: Sequence[Any], known: Decided, words: Path) -> Iterator[Baseline]:
    """Pair inputs with what was decided on them; says which of them nothing was."""
    for record in given:
        if record.case in known:
            result, measured = known[record.case]
            yield Baseline(record.case, record, result, measured, only=True)
        else:
            say(f"{words} says nothing of {record.case}: left out")


async def _compared(
    shadowed: Shadowed, entry: ProcessEntry, baselines: Sequence[Baseline], asked: Asked
) -> list[Pair]:
    asked.candidate.entry(entry)  # before anything is started
    comparing = asked.comparing(shadowed, entry)
    return await comparing.all(baselines)


def tell(pair: Pair) -> None:
    """Say that a case was compared."""
    say(f"{pair.case}: {'agrees' if pair.agrees else pair.why or 'differs'} ({pair.candidate})")


def verdict_of(pairs: Sequence[Pair], asked: Asked) -> Verdict:
    """Judge; a case for which there was no money left says nothing of the candidate."""
    return judged([pair for pair in pairs if pair.why != SPENT], asked.agree)


def report(pairs: Sequence[Pair], asked: Asked, *, as_json: bool = False) -> None:
    """Show what the comparison came to."""
    verdict = verdict_of(pairs, asked)
    if asked.as_json or as_json:
        out({"candidate": asked.candidate.text, **plain(pairs, verdict)})
    else:
        Console().print(shown(pairs, verdict))
