"""`starter.py keys`: the key ring that payloads are encrypted with."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.commands import AsJson, out
from runtime import key_file
from runtime.keys import KeyRing
from runtime.settings import Settings, SettingsError

app = typer.Typer(
    no_args_is_help=True,
    help="""The keys that payloads are encrypted with, in the file BRAID_KEYS_FILE.

    keys new              a ring with one key, if there is none
    keys rotate           a new key for what comes; old keys go on opening what they sealed
    keys rotate --later   add it only, give the file to every machine, then: keys rotate --to ID
    keys drop ID          forget an old key: nobody can read any more what it sealed

    Lose no key: without it the histories it sealed are lost. docs/operations/encryption.md""",
)


@app.command()
def new() -> None:
    """Make a key ring with one key."""
    path = Settings.from_env().keys_file
    key = key_file.new(path, datetime.now(UTC).date())
    typer.echo(f"{path} holds the key {key.id}; keep a copy in a safe place")
    typer.echo("give it to every worker and command (BRAID_KEYS_FILE); none but you may read it")


@app.command()
def rotate(
    later: Annotated[bool, typer.Option("--later", help="add the key, do not use it yet")] = False,
    to: Annotated[str, typer.Option(metavar="ID", help="use a key of the ring")] = "",
) -> None:
    """Seal what is new with another key. Workers notice by themselves; cases go on."""
    path = Settings.from_env().keys_file
    if to and later:
        raise SettingsError("--to uses a key at once, --later does not: say one of them")
    if to:
        key_file.turn_to(path, to)
        typer.echo(f"{to} seals what is new; the other keys go on opening what they sealed")
        return
    key = key_file.add(path, datetime.now(UTC).date(), use=not later)
    typer.echo(
        f"{key.id} is added; once every machine has the file: starter.py keys rotate --to {key.id}"
        if later
        else f"{key.id} seals what is new; the other keys go on opening what they sealed"
    )


@app.command(name="list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys, never their secrets."""
    ring = KeyRing(Settings.from_env().keys_file)
    rows = [{"id": k.id, "made": k.made, "current": k.id == ring.current.id} for k in ring.keys]
    if as_json:
        out(rows)
        return
    table = Table("key", "made", "", box=None)
    for row in rows:
        table.add_row(str(row["id"]), str(row["made"]), "seals what is new" * bool(row["current"]))
    Console().print(table)


@app.command()
def drop(
    name: Annotated[str, typer.Argument(metavar="ID", help="see: keys list")],
    sure: Annotated[
        bool, typer.Option("--yes", help="what it sealed shall be lost for good")
    ] = False,
) -> None:
    """Forget an old key. What it sealed cannot be read any more, in no backup either."""
    path = Settings.from_env().keys_file
    if not sure:
        raise SettingsError(
            f"without {name} nobody can read what it sealed: wait until the retention of every"
            " history and the store's `gc` have passed, then say --yes"
        )
    key_file.drop(path, name)
    typer.echo(f"{name} is gone from {path}; remove your copies of it too")
