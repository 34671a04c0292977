"""The commands on the models of the catalogue: list them, ask one a question."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands import AsJson, Live, Profile, Speed, in_session, settings_for
from runtime.settings import Settings

app = typer.Typer()


@app.command()
def models(live: Live = False, as_json: AsJson = False) -> None:
    """List the models there are: prices of today, windows, the roles they stand behind.

    With --live, those whose vendor would really be called.
    """
    from cli.asking import list_models

    list_models(settings_for(live=live), as_json=as_json)


@app.command()
def ask(
    role: Annotated[str, typer.Argument(help="as analyst; `models` shows those there are")],
    question: Annotated[str, typer.Argument(help="what to ask, in plain words")],
    file: Annotated[Path | None, typer.Option(help="a text the question is about")] = None,
    system: Annotated[str, typer.Option(help="how the model should answer")] = "",
    model: Annotated[str, typer.Option(help="ask this model instead of the role's")] = "",
    speed: Speed = 4.0,
    profile: Profile = None,
    live: Live = False,
    as_json: AsJson = False,
) -> None:
    """Ask a role one question, as a process would; show reply, cost, time, every retry.

    As `starter.py ask analyst "Which risks does this report name?" --file report.txt`.
    """
    from cli import asking

    settings = Settings.from_env()
    asked = asking.question(settings.models, role, question, file, system, model)

    async def work(here: Any) -> None:
        await asking.put(here, asked, as_json=as_json)

    in_session(work, profile=profile, live=live, speed=speed)
