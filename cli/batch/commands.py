"""`starter.py batch PROCESS INPUTS`, and what can be said to a batch that runs."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli.commands import AsJson, Live, Profile, Speed, in_session
from cli.teaching import TakesProcess

START = "start"


class _Starting(TyperGroup):
    """Takes a first word that is no command for the process to start a batch of."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; without one it is `start`."""
        known = args and (args[0] in self.commands or args[0].startswith("-"))
        return super().resolve_command(ctx, args if known else [START, *args])


app = typer.Typer(
    cls=_Starting,
    no_args_is_help=True,
    help="""Run a process for each of many inputs; `batch PROCESS INPUTS` means `batch start`.

    As: starter.py batch content-generation cases/content-generation""",
)
Batch = Annotated[str, typer.Argument(help="id of the batch")]
Given = Annotated[
    Path | None, typer.Option("--inputs", help="what it was started with, to name lines")
]


@app.command(START, cls=TakesProcess)
def start(
    name: Annotated[str, typer.Argument(metavar="PROCESS", help="one of those below")],
    inputs: Annotated[
        Path, typer.Argument(metavar="INPUTS", help="JSONL, a record a line; or a folder of files")
    ],
    results: Annotated[Path | None, typer.Option(help="write results here, as JSONL")] = None,
    grade: Annotated[str, typer.Option(help="visible: a workflow a case; fused: an activity")] = "",
    window: Annotated[int, typer.Option(help="cases in flight at most")] = 50,
    tolerate: Annotated[str, typer.Option(help="cases that may fail, as 20 or 2.5%")] = "5%",
    budget: Annotated[str, typer.Option(help="US dollars all models together may cost")] = "",
    redrive: Annotated[str, typer.Option(help="do again what failed in this batch")] = "",
    strict: Annotated[bool, typer.Option("--strict", help="refuse all if a line is bad")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="ask nothing")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="return once it has started")] = False,
    speed: Speed = 4.0,
    profile: Profile = None,
    live: Live = False,
    as_json: AsJson = False,
) -> None:
    """Run a process for each of many inputs. Ctrl-C detaches.

    As: starter.py batch content-generation cases/content-generation

    Every input is checked first; its case id is its key.
    """
    from cli.batch import running, starting
    from cli.processes import process

    entry = process(name)
    wish = starting.wish(grade, window, tolerate, budget, strict=strict, sure=yes or as_json)
    found = running.prepared(entry, inputs, results, wish)  # before anything is started

    async def work(here: Any) -> None:
        await running.run(
            here, entry, found, wish, results, redrive=redrive, detach=detach, as_json=as_json
        )

    in_session(work, profile=profile, live=live, speed=speed)


@app.command()
def watch(batch: Batch, profile: Profile = None, as_json: AsJson = False) -> None:
    """Show a batch until it ends. Ctrl-C detaches."""

    async def work(here: Any) -> None:
        from cli.batch import running

        await running.watch(here, batch, as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def pause(batch: Batch, profile: Profile = None) -> None:
    """Start no more cases; those in flight go on to their end."""

    async def work(here: Any) -> None:
        from cli.batch import running

        await running.pause(here, batch)

    in_session(work, profile=profile)


@app.command()
def resume(
    batch: Batch,
    budget: Annotated[str, typer.Option(help="what all may cost from now on, in all")] = "",
    profile: Profile = None,
) -> None:
    """Go on after a pause, or with more money."""
    from cli.batch.starting import dollars

    usd = dollars(budget)

    async def work(here: Any) -> None:
        from cli.batch import running

        await running.resume(here, batch, usd)

    in_session(work, profile=profile)


@app.command()
def status(batch: Batch, profile: Profile = None, as_json: AsJson = False) -> None:
    """Show how far a batch has come."""

    async def work(here: Any) -> None:
        from cli.batch import running

        await running.status(here, batch, as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def results(
    batch: Batch,
    file: Annotated[Path, typer.Argument(help="is written anew, as JSONL")],
    inputs: Given = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Write the results there are by now; with --inputs in their order, with their lines."""

    async def work(here: Any) -> None:
        from cli.batch import running

        await running.write(here, batch, file, inputs, as_json=as_json)

    in_session(work, profile=profile)


@app.command(name="list")
def list_batches(profile: Profile = None, as_json: AsJson = False) -> None:
    """List the batches, newest first."""

    async def work(here: Any) -> None:
        from cli.batch import running

        await running.show_list(here, as_json=as_json)

    in_session(work, profile=profile)
