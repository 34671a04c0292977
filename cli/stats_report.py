"""What `stats` and `rate` do: collect closed runs, sum them up, show them; keep a rating."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from cli import runs, stats_shown
from cli.commands import out
from cli.errors import BadInput
from cli.processes import PROCESSES
from cli.session import Session, say
from cli.wishes import Wishes
from insight.history.spans import Status
from insight.statistics.compare import Difference, Group, compare, groups
from insight.statistics.runs import RunSummary, cases
from insight.statistics.stats import BY, Stats, stats
from store.database import Store
from store.runs import Runs
from workflows.data.common import Record

LONGEST_COMMENT = 4000


class Shown(Record):
    """What `stats` shows: the figures, and what was asked for besides. `sides` counts the cases
    before and after.
    """

    stats: Stats
    by: str = ""
    groups: tuple[Group, ...] = ()
    sides: tuple[int, int] | None = None
    compared: tuple[Difference, ...] = ()


async def show(here: Session, process: str, wished: Wishes, *, as_json: bool) -> None:
    """Collect what is new of a process, then show it. Raises BadInput if there is no case."""
    async with Store.opened(here.settings.database) as store:
        kept = Runs(store, runs.service(here))
        running = await runs.collect(here.client, kept, process, say)
        found = cases(await runs.kept(kept, process))
        ratings = {rated.workflow: rated.rating for rated in await kept.rated()}
        if not found:
            raise BadInput(_nothing(process, running, await kept.processes()))
    _show(_made(process, found, wished, running, ratings), as_json=as_json)


def show_files(place: Path, process: str, wished: Wishes, *, as_json: bool) -> None:
    """Show the runs in files. Raises BadInput if there is no history, or none of the process."""
    found = runs.from_files(place, say)
    if process and process not in found:
        raise BadInput(f"{place}: no history of {process!r}; there are {', '.join(sorted(found))}")
    if not process and len(found) == 1:
        process = next(iter(found))
    if process:
        closed, still = cases(found[process]), _open(found[process])
        if not closed:
            raise BadInput(f"{place}: no run of {process} closed; `explain FILE` shows open ones")
        _show(_made(process, closed, wished, still, {}), as_json=as_json)
        return
    made = [
        _made(name, closed, wished, _open(held), {}).stats
        for name, held in sorted(found.items())
        if (closed := wished.within(cases(held)))
    ]
    if as_json:
        out([one.model_dump(mode="json") for one in made])
    else:
        left = sum(_open(held) for held in found.values())
        Console().print(stats_shown.overview(made, left))


def _open(found: Sequence[RunSummary]) -> int:
    return sum(run.status is Status.RUNNING for run in found)


def _made(
    process: str,
    found: Sequence[RunSummary],
    wished: Wishes,
    running: int,
    ratings: dict[str, int],
) -> Shown:
    """Sum up the cases that were asked for."""
    within = wished.within(found)
    if not within:
        first, last = found[0].started, found[-1].started
        raise BadInput(
            f"no case of {process} began in that time; the {len(found)} there are began from"
            f" {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        )
    made = stats(
        process,
        within,
        running=running,
        known_paths=[path for one in PROCESSES if one.name == process for path in one.paths],
        ratings=ratings,
        period=wished.period,
        labour=wished.labour,
    )
    grouped = groups(within, BY[wished.by], ratings) if wished.by else ()
    if wished.before is None and wished.after is None:
        return Shown(stats=made, by=wished.by, groups=grouped)
    before, after = wished.sides(within)
    _check_sides(before, after, within)
    return Shown(
        stats=made,
        by=wished.by,
        groups=grouped,
        sides=(len(before), len(after)),
        compared=compare(before, after, ratings),
    )


def _check_sides(
    before: Sequence[RunSummary], after: Sequence[RunSummary], found: Sequence[RunSummary]
) -> None:
    if before and after:
        return
    builds = {case.facts.version[:12] for case in found} - {""}
    marks = {mark for case in found for mark in case.facts.marks}
    raise BadInput(
        f"--{'after' if before else 'before'} leaves no case of {len(found)}; give a day, or one of"
        f" {', '.join(sorted(builds | marks)) or 'no version: the histories name none'}"
    )


def _show(shown: Shown, *, as_json: bool) -> None:
    if as_json:
        out(shown.model_dump(mode="json"))
    else:
        console = Console()
        console.print(
            stats_shown.report(shown.stats, shown.by, shown.groups, shown.sides, shown.compared)
        )


def _nothing(process: str, running: int, known: dict[str, int]) -> str:
    if running:
        return f"{process}: {running} running, none closed yet; statistics are over closed cases"
    others = f"; there are runs of {', '.join(sorted(known))}" if known else ""
    return f"there is no run of {process!r} yet{others}; `starter.py list` shows cases"


async def rate_case(
    here: Session, case: str, stars: int, comment: str, by: str, *, as_json: bool
) -> None:
    """Keep a rating of a case the service or the store knows. Raises BadInput."""
    if len(comment) > LONGEST_COMMENT:
        raise BadInput(f"--comment: at most {LONGEST_COMMENT} characters; shorten it")
    async with Store.opened(here.settings.database) as store:
        kept = Runs(store, runs.service(here))
        workflow = await kept.workflow(case) or (await here.handle(case)).id
        await kept.rate(workflow, stars, comment, by)
    said: dict[str, Any] = {"case": workflow, "rating": stars, "comment": comment, "by": by}
    if as_json:
        out(said)
    else:
        say(f"{workflow}: rated {stars} of 5{f' by {by}' if by else ''}")
