"""`starter.py codec`: clear text for the entitled, in the Temporal UI."""

from typing import Annotated

import typer

from cli.commands import Revoke

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

    from cli.listening import listen
    from cli.session import say
    from runtime.codec_server import create_app
    from runtime.documents import kept_in
    from runtime.encryption import codec_for
    from runtime.logs import configure
    from runtime.settings import Settings, SettingsError
    from store.database import Store

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

    def tell(address: str) -> None:
        say(f"codec endpoint at {address}, sign-in at {address}/sign-in; Ctrl-C stops")

    async def go() -> None:
        async with Store.opened(settings.database) as store:
            app = create_app(kept_in(store), settings.codec_origins, codec)
            await listen(app, host, port, tell)

    asyncio.run(go())


@app.command()
def token(
    who: Annotated[str, typer.Option("--for", help="who it is for: stands in the endpoint's log")],
    minutes: Annotated[float, typer.Option(help="how long it is good", min=1, max=1440)] = 60,
    revoke: Revoke = False,
) -> None:
    """Make a token somebody signs in with at the codec endpoint, or take back those made."""
    from cli.secrecy import tokens
    from runtime.tokens import CODEC

    if revoke:
        tokens.take_back(CODEC, who)
    else:
        tokens.give(CODEC, who, minutes)
