"""`ownership`: who owns and controls a company, worked out from a file in the BODS standard."""

from pathlib import Path
from typing import Annotated

import typer

from cli.commands import AsJson, out

app = typer.Typer()


@app.command()
def ownership(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.jsonl", help="BODS 0.4, a statement a line")
    ],
    of: Annotated[str, typer.Option(help="record id, LEI, register number or name")] = "",
    as_json: AsJson = False,
) -> None:
    """Show who owns and controls a company: shares down chains and across them, as bands.

    Without --of it is a company that holds nothing itself, the one with most above it.
    """
    from rich.console import Console, Group

    from cli.bods import read_file
    from cli.ownership_shown import shown, subject
    from workflows.rules.ownership.structure import structure

    read = read_file(file)
    found = structure(read.graph, subject(read, of))
    if as_json:
        out(found.model_dump(mode="json") | {"left_out": read.left_out})
    else:
        Console().print(Group(*shown(found, read)))
