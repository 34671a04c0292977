"""`starter.py identity`: the key somebody signs decisions with."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands import AsJson, out
from runtime.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="""The key somebody signs decisions with: made once, kept by its owner.

    identity new ana
    identity show ana

    What `show` writes belongs into case files: docs/operations/identity.md""",
)
Name = Annotated[str, typer.Argument(help="the short name in case files")]
Key = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="the private key's file; else one kept")
]


@app.command()
def new(name: Name, key: Key = None, as_json: AsJson = False) -> None:
    """Make a private key in a file that only you can read, and show its public key."""
    from cli import signing

    _check(name)
    file = key or signing.file_of(Settings.from_env(), name)
    _show(name, file, signing.make(file), as_json=as_json)


@app.command()
def show(name: Name, key: Key = None, as_json: AsJson = False) -> None:
    """Show the public key as a case file names it."""
    from cli import signing

    _check(name)
    file = key or signing.file_of(Settings.from_env(), name)
    _show(name, file, signing.read(file), as_json=as_json)


def _check(name: str) -> None:
    from pydantic import TypeAdapter, ValidationError

    from cli.errors import BadInput
    from workflows.data.common import PersonName

    try:
        TypeAdapter(PersonName).validate_python(name)
    except ValidationError:
        raise BadInput(f"{name!r} is no short name; write it as ana or ana.b") from None


def _show(name: str, file: Path, private: Any, *, as_json: bool) -> None:
    from cli.session import say
    from workflows.data.deciders import encoded

    x = encoded(private.public_key().public_bytes_raw())
    if as_json:
        out({"name": name, "file": str(file), "key": {"kty": "OKP", "crv": "Ed25519", "x": x}})
        return
    say(f"the private key is kept in {file}; for case files:")
    typer.echo(f"keys:\n  {name}: {x}")
