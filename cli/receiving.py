"""The commands that take what others send over HTTP: `receive` mails, and the `gateway`."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands import AsJson, Live, Profile, Revoke, in_session, out, settings_for
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
    host: Annotated[
        str, typer.Option(help="beyond loopback only with --secret-env or keys")
    ] = "127.0.0.1",
    secret_env: Annotated[
        str, typer.Option(help="variable with a bearer token that may do everything")
    ] = "",
    profile: Profile = None,
    live: Live = False,
    as_json: AsJson = False,
) -> None:
    """Let other services start, ask and answer cases in plain JSON, until Ctrl-C.

    Where there is a key ring, callers sign in with tokens of `starter.py gateway-token`.

    As: starter.py gateway --port 8090 (routes: docs/operations/services.md)
    """
    from cli.arriving.accepting import accepted
    from runtime.keys import ring_of

    ring = ring_of(settings_for(live=live))
    secret = _secret(secret_env, host, keys=ring is not None)
    events = accepted(accept) if accept else {}

    async def work(here: Any) -> None:
        from runtime.logs import configure
        from store.database import Store

        configure(here.settings.log_format)
        async with Store.opened(here.settings.database) as store:
            made = _gateway_over(here, store, events, secret, ring)
            await _take(made, host, port, "gateway", as_json=as_json)

    in_session(work, profile=profile, live=live)


def _gateway_over(here: Any, store: Any, events: Any, secret: str, ring: Any) -> Any:
    from cli.arriving.beginning import Beginning
    from cli.arriving.callers import signing_in
    from cli.arriving.gateway import Gateway, create_app
    from cli.runs import service
    from store.attempts import Attempts
    from store.revocations import Revocations

    sign_in = signing_in(secret, ring, Revocations(store))
    begin = Beginning(here.client, store, service(here))
    return create_app(Gateway(here.client, begin, events, Attempts(store)), sign_in)


@app.command(name="gateway-token")
def gateway_token(
    who: Annotated[str, typer.Option("--for", help="the service: kept with what it starts")],
    may: Annotated[str, typer.Option(help="some of start,read,send,decide")] = "",
    minutes: Annotated[float, typer.Option(help="how long it is good", min=1, max=1440)] = 60,
    revoke: Revoke = False,
) -> None:
    """Make a token a service signs in with at the gateway, or take back those it was given.

    As: starter.py gateway-token --for shop --may start,read
    """
    from cli.arriving.callers import rights
    from cli.secrecy import tokens
    from runtime.tokens import GATEWAY

    if revoke:
        tokens.take_back(GATEWAY, who)
    else:
        tokens.give(GATEWAY, who, minutes, rights(may))


def _secret(variable: str, host: str, *, keys: bool = False) -> str:
    """Read the secret. Raises BadInput if it is not there, or anybody could send without one.

    With `keys` senders sign in without one.
    """
    secret = os.environ.get(variable, "") if variable else ""
    if variable and not secret:
        raise BadInput(f"--secret-env: {variable} is not set; put the secret there")
    if host not in LOOPBACK and not secret and not keys:
        raise BadInput(f"--host {host}: anybody could send; give --secret-env too")
    return secret


async def _take(app: Any, host: str, port: int, what: str, *, as_json: bool) -> None:
    """Serve until Ctrl-C, saying where. Raises BadInput for a port that is taken."""
    from cli.listening import listen
    from cli.session import say

    def tell(url: str) -> None:
        where = f"{url}/mails" if what == "mails" else url
        if as_json:
            out({what: where})
        else:
            say(f"{what}: {where}")

    await listen(app, host, port, tell)
