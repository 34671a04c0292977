"""The command on plans: `plan` says what parallel work would gain, before anything runs."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import AsJson, out
from cli.errors import BadInput
from runtime.settings import Settings

if TYPE_CHECKING:
    from cli.plans.reading import Planned
    from cli.plans.taught import Known
    from cli.plans.wishes import Wishes

app = typer.Typer()

Target = Annotated[
    Path,
    typer.Argument(
        metavar="FILE.yaml|DIR|HISTORY", help="a blueprint, a folder of them, or a history as JSON"
    ),
]
Durations = Annotated[
    str, typer.Option(help="given: by `takes`; learned: of past runs, where known")
]
Cases = Annotated[str, typer.Option(help="how many cases there are, as 500/day")]
OfEach = Annotated[
    Path | None, typer.Option(help="of a folder: a file with a line `quiz: 500/day` each")
]
Hourly = Annotated[float | None, typer.Option(help="what an hour is worth", min=0, max=1e6)]
Days = Annotated[float, typer.Option(help="working days a year", min=1, max=366)]
Runs = Annotated[int, typer.Option(help="runs in virtual time", min=50, max=100_000)]
AsBlueprint = Annotated[
    bool, typer.Option("--as-blueprint", help="of a recorded run: write its parallel blueprint")
]
Optimise = Annotated[
    str, typer.Option(metavar="fastest|cheapest|best", help="choose a model for each step")
]
Deadline = Annotated[str, typer.Option(help="of --optimise: when to have ended, as 45m")]
Budget = Annotated[float | None, typer.Option(help="of --optimise: dollars a case", min=0)]
Quality = Annotated[
    float | None,
    typer.Option(
        help="of --optimise: least chance that all is right; else as the roles' first models",
        min=0,
        max=1,
    ),
]
Seed = Annotated[int, typer.Option(help="same seed, same runs")]


@app.command()
def plan(
    target: Target,
    durations: Durations = "given",
    volume: Cases = "",
    volumes: OfEach = None,
    hourly: Hourly = None,
    days: Days = 260,
    runs: Runs = 1_000,
    seed: Seed = 1,
    optimise: Optimise = "",
    deadline: Deadline = "",
    budget: Budget = None,
    quality: Quality = None,
    as_blueprint: AsBlueprint = False,
    as_json: AsJson = False,
) -> None:
    """Say how long a blueprint takes, what binds it, and whether parallel gains anything.

    As `starter.py plan blueprints/quiz.yaml --volume 500/day --hourly 50`; of many processes:
    `starter.py plan blueprints --volumes volumes.yaml --hourly 50`.

    Critical path, slack, limits, p50/p95 of many runs in virtual time, savings, a decision
    sheet; with --optimise a model for each step. Nothing runs. How to read it: docs/plan.md
    """
    from cli.plans.wishes import Wishes

    wished = Wishes(volume, volumes, hourly, days, runs, seed)
    settings = Settings.from_env()
    known = _known(settings, durations)
    if as_blueprint:
        from cli.plans.recorded import written

        sys.stdout.write(written(target, settings.models))
    elif optimise:
        asked = (optimise, deadline, budget, quality)
        _choose(target, asked, settings, known, wished, as_json=as_json)
    else:
        show = _rank if target.is_dir() else _analyse
        show(target, wished, settings, known, as_json=as_json)


def _known(settings: Settings, durations: str) -> "Known | None":
    if durations not in ("given", "learned"):
        raise BadInput(f"--durations {durations!r}: say given or learned")
    if durations == "given":
        return None
    from cli.plans.reading import learned

    return asyncio.run(learned(settings))


def _read(file: Path, settings: Settings, known: "Known | None") -> "Planned":
    from cli.plans.reading import planned

    if file.suffix in (".json", ".gz"):
        raise BadInput(f"{file}: a recorded run? --as-blueprint writes its parallel blueprint")
    return planned(file, settings.models, known)


def _choose(
    file: Path,
    asked: tuple[str, str, float | None, float | None],
    settings: Settings,
    known: "Known | None",
    wanted: "Wishes",
    *,
    as_json: bool,
) -> None:
    from rich.console import Console

    from cli.plans import optimising
    from insight.plan.optimise.decide import Trial

    of = _read(file, settings, known)
    how = Trial(runs=wanted.runs, seed=wanted.seed, snapshot=of.snapshot)
    made = optimising.chosen(of, settings.models, optimising.Wished(*asked), how)
    if as_json:
        out(made.model_dump(mode="json"))
    else:
        Console().print(optimising.shown(made))


def _rank(
    folder: Path, wished: "Wishes", settings: Settings, known: "Known | None", *, as_json: bool
) -> None:
    from rich.console import Console

    from cli.plans import ranking

    found = ranking.ranked(folder, wished.of_each(), settings.models, known, wished.volumes)
    if as_json:
        out({"processes": [one.model_dump(mode="json") for one in found]})
    else:
        Console().print(ranking.shown(found))


def _analyse(
    file: Path, wished: "Wishes", settings: Settings, known: "Known | None", *, as_json: bool
) -> None:
    from rich.console import Console

    from cli.plans.shown import shown
    from insight.plan.analysis import analyse
    from insight.plan.readiness import readiness

    volume, of = wished.of_one(), _read(file, settings, known)
    wish = of.blueprint.deadline
    deadline = wish.total_seconds() if wish else None
    found = analyse(of.plan, volume=volume, deadline=deadline, seed=wished.seed, runs=wished.runs)
    questions = readiness(of.blueprint, of.plan)
    if as_json:
        asked = {"readiness": [question.model_dump(mode="json") for question in questions]}
        learned = {"snapshot": of.snapshot, "learned": sorted(of.learned), "assumed": of.assumed}
        out({**found.model_dump(mode="json"), **asked, **learned})
    else:
        console = Console()
        console.print(shown(of, found, questions, console))
