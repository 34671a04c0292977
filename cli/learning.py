"""Learn from the runs that closed and the calls that ended since the last time."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from temporalio.client import WorkflowExecution

from cli.histories import AT_ONCE, fetched
from cli.session import NO_SHADOW, Session, say
from insight.history.book import spans
from insight.learned.attempts import Attempt, Ending, StepKey, attempts, copied
from insight.learned.estimates import estimate
from insight.learned.learning import Learned, learn
from insight.learned.priors import priors
from insight.learned.steps import BLUEPRINT, of_steps
from store.database import Store
from store.estimates import EstimateRow, Estimates, Snapshot, WireCall

CLOSED = f"ExecutionStatus != 'Running' AND {NO_SHADOW}"
SETTLING = timedelta(seconds=2)
"""How old the end of a call must be: its worker may not have committed a younger one yet."""
TOLD_OF = 100
"""Runs between two words about progress."""


async def learn_new(
    here: Session, store: Store, now: datetime, *, query: str = CLOSED
) -> Snapshot | None:
    """Write a new snapshot of what is new; None if nothing is. Raises StoreError if somebody else
    wrote one meanwhile: nothing is counted twice, and nothing lost.
    """
    kept = Estimates(store)
    last = await kept.snapshot()
    known = steps(await kept.rows(last.number) if last else [])
    until = now - SETTLING
    runs, news = await _from_runs(here, query, await kept.known(), await kept.simulated())
    calls = _from_journal(await kept.ended(last.as_of if last else None, until))
    if not runs and not calls:
        return None
    changed = learn(known, [*news, *calls])
    new = Snapshot((last.number if last else 0) + 1, until, len(runs), len(calls))
    await kept.keep(new, _rows(known, changed), runs)
    return new


def steps(rows: Sequence[EstimateRow]) -> list[Learned]:
    """Read what is known back."""
    return [Learned.model_validate_json(row.body) for row in rows]


def _rows(known: Sequence[Learned], changed: Sequence[Learned]) -> list[EstimateRow]:
    """Estimate what changed; the priors rest on everything."""
    usual = priors(({step.key: step for step in [*known, *changed]}).values())
    found = ((step, estimate(step, usual)) for step in changed)
    return [
        EstimateRow(**e.key.model_dump(), n=e.n, p95=e.p95.value, body=step.model_dump_json())
        for step, e in found
    ]


async def _from_runs(
    here: Session, query: str, known: Collection[str], simulated: Mapping[str, bool]
) -> tuple[list[str], list[Attempt]]:
    """Read the closed runs that are not in yet; give their ids, and what they teach."""
    listed = here.client.list_workflows(query)
    new = [found async for found in listed if found.run_id not in known]
    if new:
        say(f"learning from {len(new)} runs ...")
    usual = here.addresses is not None and not here.settings.live
    runs: list[str] = []
    news: list[Attempt] = []
    for first in range(0, len(new), AT_ONCE):
        some = new[first : first + AT_ONCE]
        for found, taught in zip(some, await _read(here, some, simulated, usual), strict=True):
            if taught is not None:
                runs.append(found.run_id)
                news += taught
        if first and first % TOLD_OF < AT_ONCE:
            say(f"read {first} of {len(new)} runs ...")
    return runs, news


async def _read(
    here: Session, some: Sequence[WorkflowExecution], simulated: Mapping[str, bool], usual: bool
) -> list[list[Attempt] | None]:
    async def one(found: WorkflowExecution) -> list[Attempt] | None:
        if not (events := await fetched(here.client, found.id, found.run_id)):
            return None
        of_case = simulated.get(found.root_id or found.id, usual)
        here_simulated = simulated.get(found.id, of_case)
        kind, since = found.workflow_type, copied(events)
        calls, marks = spans(events), {"simulated": here_simulated}
        taught = list(attempts(calls, kind, **marks, since=since))
        if kind == BLUEPRINT and not since:  # a reset's copy would count steps twice
            taught += of_steps(events, calls, **marks)
        return taught

    return list(await asyncio.gather(*map(one, some)))


def _from_journal(calls: Sequence[WireCall]) -> list[Attempt]:
    """Make attempts of the models' calls on the wire; who knows not where one went, leaves it."""
    return [_attempt(call, call.simulated) for call in calls if call.simulated is not None]


def _attempt(call: WireCall, simulated: bool) -> Attempt:
    ending = Ending.CUT if call.given_up else Ending.DONE if call.answered else Ending.FAILED
    took = max((call.ended_at - call.claimed_at).total_seconds(), 0.0)
    return Attempt(
        key=StepKey(vendor=call.vendor, model=call.model, simulated=simulated),
        at=call.ended_at,
        ending=ending,
        seconds=None if ending is Ending.FAILED else took,
        failed=int(ending is Ending.FAILED),
        output_tokens=call.output_tokens,
    )
