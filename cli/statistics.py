"""The commands over many runs: `stats` of a process, and `rate` a case."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands import AsJson, Case, Profile, in_session
from cli.errors import BadInput

app = typer.Typer()

Process = Annotated[str, typer.Argument(metavar="PROCESS", help="workflow type, as due-diligence")]
Since = Annotated[str, typer.Option(help="cases begun since, as 7d, 12h or 2026-11-01")]
Until = Annotated[str, typer.Option(help="cases begun before that, written alike")]
Before = Annotated[str, typer.Option(help="compare: a day, a version (build), patch or policy")]
After = Annotated[str, typer.Option(help="with what came after; all else if left out")]
By = Annotated[str, typer.Option(help="group by version, policy, outcome or day")]
ByHand = Annotated[str, typer.Option(help="what a case would take a person, as 6h")]
HourRate = Annotated[float | None, typer.Option(help="price of an hour, any currency", min=0)]
PerDecision = Annotated[
    str, typer.Option(help="what a decision takes a person, as 10m; else all waiting counts")
]
Files = Annotated[
    Path | None, typer.Option("--from", help="histories in this folder, of any workflow")
]


@app.command()
def stats(
    process: Process = "",
    since: Since = "",
    until: Until = "",
    before: Before = "",
    after: After = "",
    by: By = "",
    by_hand: ByHand = "",
    rate: HourRate = None,
    decision: PerDecision = "",
    files: Files = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Show a process over many cases: times, paths, cost, errors, bottlenecks, drift.

    Every closed run is summed up once and kept in the store, so its history may go. With --from no
    server is needed, and without PROCESS each workflow type found is a line (docs/stats.md).
    """
    from cli import stats_report, wishes

    wished = wishes.Wishes(
        period=wishes.period(since, until, datetime.now(UTC)),
        before=wishes.side(before, "--before"),
        after=wishes.side(after, "--after"),
        by=wishes.grouping(by),
        labour=wishes.labour(by_hand, rate, decision),
    )
    if files is not None:
        stats_report.show_files(files, process, wished, as_json=as_json)
        return
    if not process:
        raise BadInput("name a PROCESS, as `starter.py stats due-diligence`, or give --from FOLDER")

    async def work(here: Any) -> None:
        await stats_report.show(here, process, wished, as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def rate(
    case: Case,
    stars: Annotated[int, typer.Argument(metavar="1-5", help="5 is best", min=1, max=5)],
    comment: Annotated[str, typer.Option(help="kept with the rating")] = "",
    by: Annotated[str, typer.Option("--as", help="who rates")] = "",
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Rate what came of a case, from 1 to 5. All ratings are kept; the last one counts."""

    async def work(here: Any) -> None:
        from cli import stats_report

        await stats_report.rate_case(here, case, stars, comment, by, as_json=as_json)

    in_session(work, profile=profile)
