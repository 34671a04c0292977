"""The command on what was learned of how long steps take."""

import asyncio
from functools import partial
from typing import Annotated

import typer

from cli.commands import AsJson, Profile, in_session
from runtime.settings import Settings

app = typer.Typer()


@app.command()
def estimates(
    name: Annotated[
        str, typer.Argument(metavar="PROCESS|STEP", help="or a vendor or model; all if left out")
    ] = "",
    learn: Annotated[
        bool, typer.Option("--learn", help="first learn from what ended since the last time")
    ] = False,
    at: Annotated[int | None, typer.Option(help="as this snapshot knew it", min=1)] = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Show how long steps take, how surely they work, and how sure that is.

    Learned from closed runs and from the journal of model calls. Each --learn writes a snapshot;
    hedges and plans use the newest one, and name it. Without --learn no server is needed.
    """
    from cli.estimates import from_store, learned

    if learn:
        shown = partial(learned, named=name, at=at, as_json=as_json)
        in_session(shown, profile=profile)
    else:
        asyncio.run(from_store(Settings.from_env(), name, at, as_json=as_json))
