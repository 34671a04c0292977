"""The commands that keep the store: what models are worth and cost, what is kept of cases."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands import AsJson, Case, Profile, in_session
from cli.errors import BadInput
from runtime.settings import Settings

app = typer.Typer()


@app.command()
def calibrate(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE.jsonl", help="labelled answers, one a line")
    ] = None,
    demo: Annotated[bool, typer.Option(help="take the simulator's labelled answers")] = False,
    accuracy: Annotated[
        float, typer.Option(help="wished of accepted answers", min=0.01, max=0.999)
    ] = 0.95,
    loss: Annotated[float, typer.Option(help="allowed to a cascade", min=0.0, max=0.5)] = 0.01,
    baseline: Annotated[str, typer.Option(help="model that a cascade would ask next")] = "",
    force: Annotated[bool, typer.Option(help="thresholds even from too few answers")] = False,
    seed: Annotated[int, typer.Option(help="of the folds, and of the demo's answers")] = 7,
    to: Annotated[Path | None, typer.Option("--out", help="keep the calibration here")] = None,
    as_json: AsJson = False,
) -> None:
    """Fit what a model's confidence is worth; show reliability, ECE and thresholds.

    A line of FILE is {"confidence": 0.85, "correct": true}, and may have model, group,
    baseline_correct, complexity and id (docs/confidence.md).
    """
    from cli import labelled
    from cli.calibrate import calibrate as show
    from insight.confidence.calibration import Wishes

    if (file is None) != demo:
        raise BadInput("give either FILE.jsonl or --demo")
    wishes = Wishes(accuracy=accuracy, loss=loss, seed=seed, force=force)
    fit = partial(show, wishes=wishes, baseline=baseline, to=to, as_json=as_json)

    async def work(here: Any) -> None:
        models = next(iter(here.settings.models.roles.values()))
        fit(await labelled.demo_bank(here.addresses.simulator, models, seed))

    if file is None:
        in_session(work, own=True)
    else:
        fit(labelled.read_file(file))


@app.command()
def costs(
    case: Annotated[
        str, typer.Argument(help="workflow id, or the case id for its newest run; all if left out")
    ] = "",
    since: Annotated[str, typer.Option(help="first day that counts, UTC, as 2026-11-20")] = "",
    by: Annotated[str, typer.Option(help="case, branch, model, vendor, day or call")] = "",
    as_json: AsJson = False,
) -> None:
    """Show what model calls cost, what caches saved, and which calls may have been billed.

    Read from the journal of this checkout's store; no server is needed.
    """
    from cli.costs import report

    asyncio.run(report(Settings.from_env(), case, since, by, as_json=as_json))


@app.command()
def gc(
    older_than: Annotated[
        float, typer.Option(help="days in which nothing happened in a case", min=1)
    ] = 90,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go")] = False,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Remove what closed cases no longer need: raw replies, answers of fused steps, documents.

    What they cost and did stays. A case whose replies are gone cannot be forked, reset or read
    by a shadow run without paying again.
    """
    from cli.collecting import collect

    async def work(here: Any) -> None:
        await collect(here, older_than, dry=dry_run, as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def erase(
    case: Case,
    yes: Annotated[
        bool, typer.Option("--yes", help="erase; without it, tell what would go")
    ] = False,
    to: Annotated[Path | None, typer.Option("--out", help="keep the proof in this file")] = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Erase what a closed case holds of people, here and in Temporal; prove that nothing is left.

    When, at what price and how often it acted stays: docs/operations/privacy.md
    """
    from cli import erasing

    async def work(here: Any) -> None:
        erasing.tell(await erasing.erase(here, case, sure=yes), to, as_json=as_json)

    in_session(work, profile=profile)
