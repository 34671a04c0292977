"""`starter.py codec`: clear text for the entitled, in the Temporal UI."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    help="""The codec endpoint: the Temporal UI shows what is encrypted to those signed in.

    codec serve --port 8234            with BRAID_CODEC_ORIGINS=https://temporal.example
    codec token --for ana              sign in with it at http://127.0.0.1:8234/sign-in

    The stack serves one by itself. docs/operations/encryption.md""",
)


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="where to listen; 0 takes a free port")] = 8234,
    host: Annotated[str, typer.Option(help="0.0.0.0 in a container, behind TLS")] = "127.0.0.1",
) -> None:
    """Serve the codec endpoint until Ctrl-C, for the UIs in BRAID_CODEC_ORIGINS."""
    import asyncio
    import signal

    from cli.session import say
    from runtime.codec_server import create_app
    from runtime.documents import kept_at
    from runtime.encryption import codec_for
    from runtime.logs import configure
    from runtime.serving import serving
    from runtime.settings import Settings, SettingsError

    settings = Settings.from_env()
    if not settings.codec_origins:
        raise SettingsError(
            "no page may ask this endpoint: name the Temporal UI's origin with BRAID_CODEC_ORIGINS,"
            " as https://temporal.example"
        )
    codec = codec_for(settings, embedded=False)
    if codec.ring is None:
        raise SettingsError("without keys there is no sign-in: run `starter.py keys new` first")
    configure(settings.log_format)
    app = create_app(kept_at(settings.database), settings.codec_origins, codec)

    async def go() -> None:
        end = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, end.set)
        async with serving(app, port, host) as address:
            say(f"codec endpoint at {address}, sign-in at {address}/sign-in; Ctrl-C stops")
            await end.wait()

    asyncio.run(go())


@app.command()
def token(
    who: Annotated[str, typer.Option("--for", help="who it is for: stands in the endpoint's log")],
    minutes: Annotated[float, typer.Option(help="how long it is good", min=1, max=1440)] = 60,
) -> None:
    """Make a token somebody signs in with at the codec endpoint."""
    from runtime.keys import KeyRing
    from runtime.settings import Settings
    from runtime.tokens import token as made

    ring = KeyRing(Settings.from_env().keys_file)
    typer.echo(made(ring, who, timedelta(minutes=minutes), datetime.now(UTC)))
