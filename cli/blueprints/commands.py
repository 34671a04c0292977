"""`starter.py blueprint`: processes written as data are made, checked, drawn and run."""

from pathlib import Path
from typing import Annotated

import typer

from cli.blueprints.running import File, run
from cli.commands import AsJson, out

app = typer.Typer(
    no_args_is_help=True,
    help="""Processes in YAML: write what must happen; what may run at once follows.

    blueprint new my-quiz --from quiz
    blueprint check my-quiz.yaml
    blueprint run my-quiz.yaml --input topic="heat pumps"

    docs/blueprints.md tells all a step can do.""",
)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="what it is called: NAME.yaml is written")] = "",
    template: Annotated[
        str, typer.Option("--from", help="which of blueprints/ to start from")
    ] = "quiz",
) -> None:
    """Write a new blueprint to change. Without NAME: list what it can start from."""
    from cli.blueprints import making
    from cli.blueprints.reading import read_blueprint
    from cli.session import say

    if not name:
        for known in making.templates():
            about = read_blueprint(making.FOLDER / f"{known}.yaml").blueprint.about
            typer.echo(f"{known}: {about}")
        return
    path = Path(name if name.endswith(".yaml") else f"{name}.yaml")
    making.new(path, template)
    say(f"{path} is written; change it, then: starter.py blueprint check {path}")


@app.command()
def check(file: File, as_json: AsJson = False) -> None:
    """Say what is wrong with a blueprint, each with its place and the mend. Nothing runs.

    Errors forbid to run it; warnings cost time or safety; notes are advice.
    """
    from cli.blueprints.checking import checked
    from cli.errors import BadInput
    from cli.session import say

    found = checked(file)
    if as_json:
        out(found.plain())
    for line in () if as_json else found.advice:
        typer.echo(line)
    if found.errors:
        raise BadInput("\n".join(found.errors))
    if not as_json:
        say(f"{file} is sound; run it: starter.py blueprint run {file} --input FIELD=VALUE")


@app.command()
def graph(
    file: File,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="in Mermaid's words")] = False,
    as_json: AsJson = False,
) -> None:
    """Show which steps may run at once, and what each waits for."""
    from cli.blueprints import drawing
    from cli.blueprints.checking import sound

    blueprint = sound(file).blueprint
    if as_json:
        out(drawing.plain(blueprint))
        return
    for line in drawing.mermaid(blueprint) if mermaid else drawing.drawn(blueprint):
        typer.echo(line)


app.command()(run)
