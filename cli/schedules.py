"""The commands on recurring runs: `schedule add|rescreen|list|show|pause|resume|run|remove`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands import AsJson, Case, Profile, in_session, out
from cli.teaching import TakesProcess

app = typer.Typer(no_args_is_help=True, help="Recurring runs, kept by the Temporal service.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="of the schedule, as nightly")]


@app.command(cls=TakesProcess)
def add(
    name: Name,
    process_name: Annotated[str, typer.Argument(metavar="PROCESS", help="one of those below")],
    file: Annotated[Path, typer.Argument(metavar="INPUT.yaml", help="see cases/")],
    every: Annotated[str, typer.Option(help="a length of time, as P1D")] = "",
    cron: Annotated[
        str, typer.Option(help="as '0 2 * * *', UTC; a day a month has not is left out")
    ] = "",
    jitter: Annotated[str, typer.Option(help="up to so much later, as PT5M")] = "",
    until: Annotated[str, typer.Option(help="last day, as 2027-01-31")] = "",
    overlap: Annotated[
        str, typer.Option(help="while a run is open: skip, buffer, buffer-all, cancel, allow")
    ] = "skip",
    catch_up: Annotated[str, typer.Option(help="how late a missed run still starts")] = "P1D",
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Start a case again and again. A field `opened` of its input is the day of each run.

    As: starter.py schedule add nightly data-pipeline cases/data-pipeline/sales.yaml --every P1D
    """
    from cli import scheduling
    from cli.inputs import read
    from cli.processes import process

    entry = process(process_name)
    given = read(file, entry.record)
    times = scheduling.Times(every, cron, jitter, until, overlap, catch_up)
    spec, policy = times.spec(), times.policy()

    async def work(here: Any) -> None:
        from cli.runs import service

        what = scheduling.order(entry, given, service(here))
        await scheduling.add(here.client, name, what, spec, policy)
        await _show(here, name, as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def rescreen(
    case: Case,
    name: Annotated[str, typer.Option(help="of the schedule; else rescreen-CASE")] = "",
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Screen the customer of a closed due diligence case again, when its decision says.

    As: starter.py schedule rescreen unilever

    The first run is on that day, 6:00 UTC. Each run sets the day of the next by the tier it found.
    """

    async def work(here: Any) -> None:
        from cli import scheduling
        from cli.runs import service

        handle = await here.handle(case)
        found = await scheduling.again(here.client, handle, name, service(here))
        policy, days = scheduling.Times(catch_up="P30D").policy(), found.days
        await scheduling.add(here.client, days.schedule, found.what, found.spec, policy, days.note)
        await _show(here, days.schedule, as_json=as_json)

    in_session(work, profile=profile)


@app.command("list")
def list_schedules(profile: Profile = None, as_json: AsJson = False) -> None:
    """List the schedules that start cases."""

    async def work(here: Any) -> None:
        from cli import scheduling

        found = [
            scheduling.told(name, (await scheduling.described(here.client, name))[1])
            async for name in scheduling.every(here.client)
        ]
        if as_json:
            out(found)
            return
        for one in found:
            typer.echo(_line(one))
        if not found:
            typer.echo("no schedules yet; `starter.py schedule add --help`")

    in_session(work, profile=profile)


@app.command()
def show(name: Name, profile: Profile = None, as_json: AsJson = False) -> None:
    """Show a schedule: the next times, the last runs, what was missed or skipped."""

    async def work(here: Any) -> None:
        await _show(here, name, as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def pause(
    name: Name,
    because: Annotated[str, typer.Option(help="kept, and shown by `list` and `show`")],
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Start no more runs until `resume`; open cases go on."""

    async def work(here: Any) -> None:
        from cli.scheduling import rest

        await _handled(here, name, lambda h: rest(h, because, rests=True), as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def resume(name: Name, profile: Profile = None, as_json: AsJson = False) -> None:
    """End a pause."""

    async def work(here: Any) -> None:
        from cli.scheduling import rest

        await _handled(here, name, lambda h: rest(h, "resumed", rests=False), as_json=as_json)

    in_session(work, profile=profile)


@app.command("run")
def run_now(name: Name, profile: Profile = None, as_json: AsJson = False) -> None:
    """Start a run now, besides the times."""

    async def work(here: Any) -> None:
        from cli import scheduling

        await _handled(here, name, scheduling.run_now, as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def remove(name: Name, profile: Profile = None, as_json: AsJson = False) -> None:
    """Remove a schedule, as when a customer leaves or is erased; open cases go on."""

    async def work(here: Any) -> None:
        from cli import scheduling

        handle, _ = await scheduling.described(here.client, name)
        await handle.delete()
        if as_json:
            out({"schedule": name, "removed": True})
        else:
            typer.echo(f"schedule {name} removed; its open cases go on")

    in_session(work, profile=profile)


async def _handled(here: Any, name: str, act: Any, *, as_json: bool) -> None:
    """Do something to a schedule and show it."""
    from cli import scheduling

    handle, _ = await scheduling.described(here.client, name)
    await act(handle)
    await _show(here, name, as_json=as_json)


async def _show(here: Any, name: str, *, as_json: bool) -> None:
    from cli import scheduling

    one = scheduling.told(name, (await scheduling.described(here.client, name))[1])
    if as_json:
        out(one)
        return
    typer.echo(_line(one))
    typer.echo(f"  {one['started']} started, {one['missed']} missed, {one['skipped']} skipped")
    for run in one["runs"]:
        typer.echo(f"  {run['at']}  {run['id']}")


def _line(one: dict[str, Any]) -> str:
    """Say in a line when a schedule runs next, or why it does not."""
    if one["paused"]:
        return f"{one['schedule']}  paused: {one['note'] or 'nobody said why'}"
    note = f"  ({one['note']})" if one["note"] else ""
    return f"{one['schedule']}  next {', '.join(one['next']) or 'never again'} UTC{note}"
