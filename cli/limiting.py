"""The commands on limits: show them, change them while everything runs, pause a service."""

import asyncio
from typing import Annotated

import typer

from cli.commands import AsJson
from runtime.settings import Settings

app = typer.Typer(invoke_without_command=True)

Service = Annotated[str, typer.Argument(help="as openai")]
Model = Annotated[str, typer.Option(help="this model of it alone")]


@app.callback()
def limits(context: typer.Context, as_json: AsJson = False) -> None:
    """Show limits, what of them is used, who waits; set them. Workers obey within a second."""
    if context.invoked_subcommand is None:
        from cli import limits

        asyncio.run(limits.show(Settings.from_env(), as_json=as_json))


@app.command("set")
def set_limits(
    service: Service,
    requests: Annotated[int | None, typer.Option(help="per so many seconds", min=0)] = None,
    tokens: Annotated[int | None, typer.Option(help="input and output together", min=0)] = None,
    concurrency: Annotated[int | None, typer.Option(help="requests at once", min=0)] = None,
    per: Annotated[float | None, typer.Option(help="seconds", min=0.01, max=86_400)] = None,
    model: Model = "",
    as_json: AsJson = False,
) -> None:
    """Set limits instead of the catalogue's; what is not named stays as it is."""
    from cli import limits

    change = {"requests": requests, "tokens": tokens, "concurrency": concurrency, "per": per}
    given = {name: value for name, value in change.items() if value is not None}
    asyncio.run(limits.change(Settings.from_env(), service, model, given, as_json=as_json))


@app.command()
def pause(service: Service, model: Model = "", as_json: AsJson = False) -> None:
    """Send nothing more; calls wait until `resume`."""
    from cli import limits

    asyncio.run(limits.pause(Settings.from_env(), service, model, on=True, as_json=as_json))


@app.command()
def resume(service: Service, model: Model = "", as_json: AsJson = False) -> None:
    """End a pause; limits that were set before it hold again."""
    from cli import limits

    asyncio.run(limits.pause(Settings.from_env(), service, model, on=False, as_json=as_json))


@app.command()
def clear(service: Service, model: Model = "", as_json: AsJson = False) -> None:
    """Forget what was set: the catalogue's limits hold again."""
    from cli import limits

    asyncio.run(limits.clear(Settings.from_env(), service, model, as_json=as_json))


@app.command()
def tenant(
    name: Annotated[str, typer.Argument(help="as acme")],
    weight: Annotated[float, typer.Option(help="its share against others'", min=0.001, max=1e6)],
    as_json: AsJson = False,
) -> None:
    """Set a tenant's weight, whatever its cases say."""
    from cli import limits

    asyncio.run(limits.weight(Settings.from_env(), name, weight, as_json=as_json))
