"""Closed runs for statistics: each is fetched, summed up and kept once; or read from files."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from temporalio.client import Client, WorkflowExecution

from cli.errors import BadInput
from cli.histories import AT_ONCE, TELL_EVERY, fetched
from cli.session import NO_SHADOW, Session
from insight.history.facts import facts
from insight.history.reader import Events, NotAHistory, read_histories
from insight.report import report
from insight.statistics.runs import FORM, RunSummary, summary
from store.runs import KeptRun, Runs

GROUP = 40
"""Runs kept in one transaction; a collection that is interrupted goes on after the last."""
Tell = Callable[[str], None]


def service(here: Session) -> str:
    """Name the service of a session as the store knows it; empty for this clone's stack."""
    if here.addresses is not None:
        return ""
    return f"{here.client.service_client.config.target_host}/{here.client.namespace}"


def check_name(process: str) -> None:
    """Refuse what no workflow type is called, and a query would be broken by. Raises BadInput."""
    if not process or set(process) & set("'\"\\`"):
        raise BadInput(f"{process!r} is no name of a process; `starter.py list` shows some")


async def collect(client: Client, runs: Runs, process: str, tell: Tell) -> int:
    """Sum up and keep the closed runs of a process that are not kept yet; gives how many are open.

    Raises BadInput for a name no workflow type has.
    """
    check_name(process)
    of_type = f"WorkflowType = '{process}' AND {NO_SHADOW}"
    known = await runs.known(process)
    listed = client.list_workflows(f"{of_type} AND ExecutionStatus != 'Running'")
    new = [run async for run in listed if known.get(run.run_id) != FORM]
    told, done = time.monotonic(), 0
    turn = asyncio.Semaphore(AT_ONCE)
    for start in range(0, len(new), GROUP):
        group = new[start : start + GROUP]
        found = await asyncio.gather(*(_kept(client, run, turn) for run in group))
        await runs.keep(process, [kept for kept in found if kept is not None])
        done += len(group)
        if time.monotonic() - told > TELL_EVERY:
            told = time.monotonic()
            tell(f"{done} of {len(new)} histories read")
    count = await client.count_workflows(f"{of_type} AND ExecutionStatus = 'Running'")
    return count.count


async def _kept(client: Client, run: WorkflowExecution, turn: asyncio.Semaphore) -> KeptRun | None:
    """Sum up one run; None if its history is gone by now."""
    async with turn:
        events = await fetched(client, run.id, run.run_id)
    if not events:
        return None
    made = _summed(events)
    told = made.facts.model_copy(update={"workflow": run.id, "run": run.run_id})
    text = made.model_copy(update={"facts": told}).model_dump_json()
    return KeptRun(run.id, run.run_id, made.started, FORM, text)


def _summed(events: Events) -> RunSummary:
    return summary(report(events), facts(events))


async def kept(runs: Runs, process: str) -> list[RunSummary]:
    """Give every kept run of a process."""
    return [RunSummary.model_validate_json(s) for s in await runs.summaries(process, FORM)]


def from_files(place: Path, tell: Tell) -> dict[str, list[RunSummary]]:
    """Sum up every JSON history in a file or folder, by workflow type; says what was none.

    Raises BadInput if there is none.
    """
    files = sorted(place.rglob("*.json*")) if place.is_dir() else [place]
    found: dict[str, list[RunSummary]] = {}
    wrong: list[str] = []
    told = time.monotonic()
    for number, file in enumerate(files):
        try:
            made = [_summed(events) for events in read_histories(file.read_bytes())]
        except (OSError, NotAHistory) as error:
            wrong.append(f"{file}: {error.strerror if isinstance(error, OSError) else error}")
            continue
        for run in made:
            found.setdefault(run.process or "(unknown)", []).append(run)
        if time.monotonic() - told > TELL_EVERY:
            told = time.monotonic()
            tell(f"{number + 1} of {len(files)} files read")
    if not found:
        raise BadInput(_nothing(place, files, wrong))
    if wrong:
        tell(f"{len(wrong)} of {len(files)} files hold no history, as {wrong[0]}")
    return found


def _nothing(place: Path, files: Sequence[Path], wrong: Iterable[str]) -> str:
    if first := next(iter(wrong), ""):
        more = f" (and {len(files) - 1} files more)" if len(files) > 1 else ""
        return f"{first}{more}; give JSON histories, as `temporal workflow show -o json` writes"
    return f"{place}: there is no JSON file in it; give a folder of histories"
