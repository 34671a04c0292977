"""`starter.py shadow CASES --candidate X`, its live form, and promotion."""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli.commands import AsJson, Profile, Speed, in_session, out
from cli.errors import BadInput

START = "run"


class _Running(TyperGroup):
    """Takes a first word that is no command for the first case of a comparison."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; without one it is `run`."""
        known = args and (args[0] in self.commands or args[0] == "--help")
        return super().resolve_command(ctx, args if known else [START, *args])


app = typer.Typer(
    cls=_Running,
    no_args_is_help=True,
    help="""Try a candidate on real cases, changing nothing outside; `shadow CASES` is `shadow run`.

    As: starter.py shadow fleet pumps --candidate sequential

    or: starter.py shadow proposal --live --for 14d --share 100% --candidate build:next

    Whether real vendors are asked is for the stack to say (its own --live), never for this.""",
)
Process = Annotated[str, typer.Argument(metavar="PROCESS", help="as proposal")]
Watch = Annotated[str, typer.Argument(metavar="WATCH", help="its id, or the process it watches")]
TryThis = Annotated[
    str, typer.Option("--candidate", metavar="CANDIDATE", help="what is tried, as build:next")
]


Cases = Annotated[
    list[str], typer.Argument(metavar="CASES", help="cases that ended; or files of inputs")
]
Whose = Annotated[str, typer.Option(help="whose inputs the files are")]
Words = Annotated[Path | None, typer.Option(help="CSV: what people or another tool decided")]
Tolerated = Annotated[
    list[str] | None, typer.Option(help="as score=5%, why=~0.8, note=any; repeatable")
]
Where = Annotated[
    list[str] | None,
    typer.Option(help="what a blueprint gives is elsewhere in the case, as thread=pieces.0"),
]
Agree = Annotated[str, typer.Option(help="share of cases that must agree")]
Budget = Annotated[str, typer.Option(help="US dollars for what cannot be shared")]
Patience = Annotated[str, typer.Option(help="after which a shadow is given up")]
Beside = Annotated[bool, typer.Option("--live", help="beside each new case of the PROCESS given")]
Watched = Annotated[str, typer.Option("--for", help="how long to watch, as 14d")]
Part = Annotated[str, typer.Option(help="of the new cases, with --live")]


@app.command(START)
def run(
    given: Cases,
    candidate: TryThis,
    process: Whose = "",
    baseline: Words = None,
    tolerance: Tolerated = None,
    where: Where = None,
    agree: Agree = "95%",
    budget: Budget = "5",
    patience: Patience = "15m",
    live: Beside = False,
    span: Watched = "14d",
    share: Part = "100%",
    speed: Speed = 4.0,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Run the candidate on the inputs of cases, with every effect suppressed, and compare."""
    from cli.shadows import asked, candidates, tolerances, watched

    wish = asked.Asked(
        candidate=candidates.candidate(candidate),
        tolerances=tolerances.tolerances(tolerance or []),
        places=tolerances.places(where or []),
        agree=_share(agree, "--agree"),
        usd=_dollars(budget),
        patience=_length(patience, "--patience"),
        as_json=as_json,
    )
    part, length = _share(share, "--share"), _length(span, "--for")

    async def work(here: Any) -> None:
        if live:
            await watched.watch(here, _only(given), wish, part, length)
        else:
            await asked.compare(here, given, process, baseline, wish)

    in_session(work, profile=profile, speed=speed)


@app.command()
def promote(
    process: Process,
    candidate: TryThis,
    by: Annotated[str, typer.Option("--as", metavar="NAME", help="who says so")],
    reason: Annotated[str, typer.Option(help="kept with it")] = "",
    profile: Profile = None,
) -> None:
    """Let new cases of a process run with a candidate; those that run are not touched."""

    async def work(here: Any) -> None:
        from cli.shadows import promoting

        await promoting.promote(here, process, candidate, by, reason)

    in_session(work, profile=profile)


@app.command()
def demote(process: Process, profile: Profile = None) -> None:
    """Let new cases of a process run as before."""

    async def work(here: Any) -> None:
        from cli.shadows import promoting

        await promoting.demote(here, process)

    in_session(work, profile=profile)


@app.command(name="list")
def list_all(profile: Profile = None) -> None:
    """List which candidates were promoted, and which are watched, as JSON."""

    async def work(here: Any) -> None:
        from cli.shadows import promoting, watched

        watches = await watched.listed(here)
        out({"promoted": await promoting.promotions(here), "watches": watches})

    in_session(work, profile=profile)


@app.command()
def status(watch: Watch, profile: Profile = None, as_json: AsJson = False) -> None:
    """Show what a watch (--live) has come to so far."""

    async def work(here: Any) -> None:
        from cli.shadows import watched

        await watched.status(here, watch, as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def stop(watch: Watch, profile: Profile = None) -> None:
    """End a watch (--live) before its time; what was compared stays."""

    async def work(here: Any) -> None:
        from cli.shadows import watched

        await watched.stop(here, watch)

    in_session(work, profile=profile)


def _only(given: list[str]) -> str:
    if len(given) != 1:
        raise BadInput("--live watches one process: name it alone")
    return given[0]


def _share(text: str, option: str) -> float:
    found = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)%", text)
    if found is None or float(found[1]) > 100:
        raise BadInput(f"{option} {text!r}: write a share, as 95%")
    return float(found[1]) / 100


def _length(text: str, option: str) -> timedelta:
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    found = re.fullmatch(r"(\d{1,4})([smhd])", text)
    if found is None:
        raise BadInput(f"{option} {text!r}: write a length of time, as 90s, 15m, 12h or 14d")
    return timedelta(**{units[found[2]]: int(found[1])})


def _dollars(text: str) -> Decimal:
    from cli.batch.starting import dollars

    if (usd := dollars(text)) is None:
        raise BadInput("--budget: write an amount in US dollars, as 5")
    return usd
