"""What the commands of `starter.py` share: their common options, a session, JSON."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any

import typer

from runtime.settings import Settings
from runtime.telemetry import tracing

Case = Annotated[
    str, typer.Argument(metavar="CASE", help="workflow id, or the case id for its newest run")
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on standard output")]
Profile = Annotated[
    str | None, typer.Option(help="Temporal profile to use instead of the embedded stack")
]
Sequential = Annotated[
    bool, typer.Option("--sequential", help="send one thing at a time, to compare time")
]
Announce = Annotated[
    str, typer.Option(metavar="ENDPOINT", help="tell this endpoint of gates, decisions, the end")
]
Revoke = Annotated[
    bool, typer.Option("--revoke", help="refuse every token made for that name until now")
]
Speed = Annotated[float, typer.Option(help="speed of the simulated world", min=0.1)]
Live = Annotated[bool, typer.Option("--live", help="call real vendors: costs money, sends data")]


def settings_for(*, live: bool) -> Settings:
    """Read the settings; `live` is meant when either the command or the environment says so."""
    settings = Settings.from_env()
    return replace(settings, live=live or settings.live)


def in_session(
    work: Callable[[Any], Awaitable[None]],
    *,
    profile: str | None = None,
    live: bool = False,
    own: bool = False,
    speed: float = 1.0,
    spare: bool = False,
) -> None:
    """Do `work` with a session; settings are read here, once."""
    from cli.session import session

    settings = settings_for(live=live)

    async def go() -> None:
        async with session(settings, profile=profile, own=own, speed=speed, spare=spare) as here:
            await work(here)

    with tracing("braid-starter", settings):
        asyncio.run(go())


def out(value: Any) -> None:
    """Write one JSON object to standard output."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")
