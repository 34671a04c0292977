"""The commands that take what others send over HTTP: `receive` mails, and the `gateway`."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands import AsJson, Live, Profile, in_session, out
from cli.errors import BadInput
from runtime.smtp import LOOPBACK, SENDER

app = typer.Typer()


@app.command()
def receive(
    process: Annotated[str, typer.Argument(metavar="PROCESS", help="email-triage")],
    desk: Annotated[
        Path, typer.Argument(metavar="DESK.yaml", help="who answers, with team, facts and so on")
    ],
    port: Annotated[int, typer.Option(help="0 takes a free one", min=0, max=65535)] = 0,
    host: Annotated[str, typer.Option(help="beyond loopback only with --secret-env")] = "127.0.0.1",
    secret_env: Annotated[
        str, typer.Option(help="variable with the secret that signs each body")
    ] = "",
    profile: Profile = None,
    live: Live = False,
    as_json: AsJson = False,
) -> None:
    """Take mails at POST /mails until Ctrl-C: each starts a case, delivered twice one alone.

    As: starter.py receive email-triage cases/desks/harbour-tools.yaml
    """
    if process != "email-triage":
        raise BadInput(f"no mail starts {process!r}; there is email-triage")
    secret = _secret(secret_env, host)
    from cli.inputs import read
    from workflows.data.email_triage import SupportDesk

    given = read(desk, SupportDesk)

    async def work(here: Any) -> None:
        from cli.arriving.desk import create_app
        from cli.runs import service
        from store.database import Store

        ours = here.settings.mail_server.sender if here.settings.mail_server else SENDER
        async with Store.opened(here.settings.database) as store:
            who = {"sender": ours, "secret": secret, "service": service(here)}
            made = create_app(here.client, store, given, **who)
            await _take(made, host, port, "mails", as_json=as_json)

    in_session(work, profile=profile, live=live)


@app.command()
def gateway(
    accept: Annotated[
        Path | None, typer.Option(metavar="FILE.yaml", help="which events start which process")
    ] = None,
    port: Annotated[int, typer.Option(help="0 takes a free one", min=0, max=65535)] = 0,
    host: Annotated[str, typer.Option(help="beyond loopback only with --secret-env")] = "127.0.0.1",
    secret_env: Annotated[
        str, typer.Option(help="variable with the bearer token to sign in with")
    ] = "",
    profile: Profile = None,
    live: Live = False,
    as_json: AsJson = False,
) -> None:
    """Let other services start, ask and answer cases in plain JSON, until Ctrl-C.

    As: starter.py gateway --port 8090 --secret-env TOKEN (routes: docs/operations/services.md)
    """
    secret = _secret(secret_env, host)
    from cli.arriving.accepting import accepted

    events = accepted(accept) if accept else {}

    async def work(here: Any) -> None:
        from cli.arriving.beginning import Beginning
        from cli.arriving.gateway import Gateway, create_app, only
        from cli.runs import service
        from store.database import Store

        async with Store.opened(here.settings.database) as store:
            begin = Beginning(here.client, store, service(here))
            sign_in = only(secret) if secret else None
            made = create_app(Gateway(here.client, begin, events), sign_in)
            await _take(made, host, port, "gateway", as_json=as_json)

    in_session(work, profile=profile, live=live)


def _secret(variable: str, host: str) -> str:
    """Read the secret. Raises BadInput if it is not there, or anybody could send without one."""
    secret = os.environ.get(variable, "") if variable else ""
    if variable and not secret:
        raise BadInput(f"--secret-env: {variable} is not set; put the secret there")
    if host not in LOOPBACK and not secret:
        raise BadInput(f"--host {host}: anybody could send; give --secret-env too")
    return secret


async def _take(app: Any, host: str, port: int, what: str, *, as_json: bool) -> None:
    """Serve until SIGINT or SIGTERM. Raises BadInput for a port that is taken."""
    from cli.session import say
    from runtime.serving import serving

    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    try:
        async with serving(app, port, host) as url:
            where = f"{url}/mails" if what == "mails" else url
            if as_json:
                out({what: where})
            else:
                say(f"{what}: {where}")
            await end.wait()
    except OSError as taken:
        raise BadInput(f"--port {port}: {taken.strerror}; choose another") from taken
