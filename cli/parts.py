"""The parts of the command line: each module with commands of its own, and the named groups."""

import typer

from cli import (
    again,
    deciding,
    deploying,
    dossiers,
    estimating,
    explaining,
    flaws,
    gateway,
    identity,
    limiting,
    models,
    owning,
    planning,
    receiving,
    replay,
    schedules,
    schemas,
    statistics,
)
from cli.batch import commands as batch
from cli.blueprints import commands as blueprints
from cli.secrecy import codec, keys
from cli.shadows import commands as shadows

PARTS = (
    deciding.app,
    models.app,
    gateway.app,
    explaining.app,
    replay.app,
    estimating.app,
    again.app,
    dossiers.app,
    statistics.app,
    owning.app,
    planning.app,
    flaws.app,
    receiving.app,
    schemas.app,
)
GROUPS = {
    "limits": limiting.app,
    "identity": identity.app,
    "batch": batch.app,
    "deploy": deploying.app,
    "blueprint": blueprints.app,
    "schedule": schedules.app,
    "shadow": shadows.app,
    "keys": keys.app,
    "codec": codec.app,
}


def add_to(app: typer.Typer) -> None:
    """Add every part to the command line."""
    for part in PARTS:
        app.add_typer(part)
    for name, group in GROUPS.items():
        app.add_typer(group, name=name)
