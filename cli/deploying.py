"""The group `deploy`: which build new cases start on; those under way end on the one they have."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands import AsJson, Profile, in_session, out

if TYPE_CHECKING:
    from cli.rollouts import Rollout

app = typer.Typer(help="Roll out builds of the workers: which new cases start on.")
Build = Annotated[str, typer.Argument(metavar="BUILD", help="as `worker.py --build` was given")]


@app.command()
def code() -> None:
    """Print the build of this checkout's workflow code, as `worker.py --build auto` names it."""
    from runtime.builds import code_of_workflows

    out({"build": code_of_workflows()})


@app.command()
def status(profile: Profile = None, as_json: AsJson = False) -> None:
    """Show the builds there are, which takes new cases, and which still has cases."""

    async def work(here: Any) -> None:
        from cli.rollouts import described

        _show(await described(here.client), as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def current(build: Build, profile: Profile = None, as_json: AsJson = False) -> None:
    """Start all new cases on BUILD; `none` gives them to workers without a build.

    Before: starter.py replay --all, and at least one worker of it: worker.py --build BUILD
    """

    async def work(here: Any) -> None:
        from cli.rollouts import described, make_current

        await make_current(here.client, "" if build == "none" else build)
        _show(await described(here.client), as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def ramp(
    build: Build,
    percent: Annotated[float, typer.Option(help="of new cases", min=0, max=100)] = 10,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Start some of the new cases on BUILD, the others on the current one; 0 ends it."""

    async def work(here: Any) -> None:
        from cli.rollouts import described, make_ramping

        await make_ramping(here.client, build, percent)
        _show(await described(here.client), as_json=as_json)

    in_session(work, profile=profile)


def _show(found: "Rollout", *, as_json: bool) -> None:
    if as_json:
        out(asdict(found))
        return
    for build, what in found.builds.items():
        typer.echo(f"{build}: {what}")
    ramped = f", {found.percent:g} % on {found.ramping}" if found.ramping else ""
    typer.echo(f"new cases start on {found.current or 'workers without a build'}{ramped}")
