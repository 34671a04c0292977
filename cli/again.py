"""The commands that do a case again from some step on: `fork` and `reset`."""

import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands import AsJson, Case, Live, Profile, in_session, out
from cli.errors import FAILED, BadInput

app = typer.Typer()

_STEP = "event id, branch/call, 'branch: call', or the call's name"


@app.command()
def fork(
    case: Case,
    at: Annotated[str, typer.Option("--at", metavar="STEP", help=_STEP)],
    only: Annotated[bool, typer.Option(help="ask STEP alone anew, not what it caused")] = False,
    file: Annotated[
        Path | None, typer.Option("--input", metavar="FILE", help="another input, see cases/")
    ] = None,
    workflow_id: Annotated[str | None, typer.Option("--id", help="workflow id to use")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before starting")] = False,
    detach: Annotated[bool, typer.Option(help="return once the fork has started")] = False,
    profile: Profile = None,
    live: Live = False,
    as_json: AsJson = False,
) -> None:
    """Start a new case like CASE, in which STEP and all it caused is asked anew.

    Every other reply CASE paid for is read back at no cost, wherever the input is still the
    same. Effects (mails, accounts) happen again, under the new case, and people are asked again.
    `explain CASE --times` lists the steps. docs/replay.md
    """

    async def work(here: Any) -> None:
        from cli import forking

        events, known = await forking.known_of(await here.handle(case))
        plan = forking.planned(events, known, at, only=only)
        handle = await _begun(here, plan, file, workflow_id or "", yes=yes)
        if not detach:
            await _followed(known, handle, as_json=as_json)
        elif as_json:
            out({"case": handle.id, "parent": plan.parent})

    in_session(work, profile=profile, live=live)


async def _begun(here: Any, plan: Any, file: Path | None, name: str, *, yes: bool) -> Any:
    """Say what a fork does, and start it."""
    from cli import forking
    from cli.inputs import read
    from cli.processes import process
    from cli.session import say

    given = read(file, process(plan.process).record) if file is not None else None
    for line in forking.told(plan):
        say(line)
    _confirm(yes=yes)
    handle = await forking.start(here.client, plan, given=given, name=name)
    say(f"case {handle.id} started, forked from {plan.parent}")
    return handle


async def _followed(known: Any, handle: Any, *, as_json: bool) -> None:
    """Show a fork until it closes, then what it paid beside its parent."""
    from cli import cases, forking
    from cli.running import follow
    from cli.session import say
    from insight.shown.words import counted, dollars

    await follow(handle, await cases.entry_if_ours(handle), as_json=as_json)
    _, child = await forking.known_of(handle)
    cost = forking.compared(known, child)
    say(
        f"{cost['case']} paid ${dollars(Decimal(cost['usd']))} for"
        f" {counted(cost['asked_anew'], 'reply', 'replies')} and read back {cost['read_back']};"
        f" its parent paid ${dollars(Decimal(cost['parent_usd']))}"
    )


def _confirm(*, yes: bool) -> None:
    """Ask a person at a terminal before anything is done. Raises Abort."""
    if not yes and sys.stdin.isatty():
        typer.confirm("start", default=True, abort=True, err=True)


@app.command()
def reset(
    case: Annotated[
        str, typer.Argument(help="workflow id, or the case id for its newest run")
    ] = "",
    at: Annotated[str, typer.Option("--at", metavar="STEP", help=_STEP)] = "",
    failed: Annotated[str, typer.Option(metavar="PROCESS", help="all its failed cases")] = "",
    reason: Annotated[str, typer.Option(help="kept in the history")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before resetting")] = False,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Take a failed case up again at the step whose failure ended it (or at STEP).

    Completed steps keep their results, paid replies stay paid, effects done stay done; the case
    keeps its id. Mend the cause first: a code bug by deploying, an outage by waiting. With
    --failed the right place is found for each case by itself. docs/replay.md
    """
    if bool(case) is bool(failed):
        raise BadInput("name a case, or a process with --failed")
    if failed and at:
        raise BadInput("--at names a step of one case; --failed finds each case's own")
    missed: list[dict[str, str]] = []

    async def work(here: Any) -> None:
        from cli import resetting
        from cli.session import say

        one = [] if failed else [(await here.handle(case)).id]
        chosen = one or list(await resetting.failed(here.client, failed))
        if not chosen:
            say(f"no case of {failed!r} stands failed")
        missed.extend(await _reset(here.client, chosen, at, reason, yes=yes, as_json=as_json))

    in_session(work, profile=profile)
    if missed:
        raise typer.Exit(FAILED)


async def _reset(
    client: Any, chosen: list[str], at: str, reason: str, *, yes: bool, as_json: bool
) -> list[dict[str, str]]:
    """Reset cases; return those that could not be, with the reason. One alone raises Trouble."""
    from cli import resetting
    from cli.errors import Trouble
    from cli.session import say

    plans, missed = [], []
    for case in chosen:
        try:
            plans.append(await resetting.planned(client, case, at))
        except Trouble as error:
            if len(chosen) == 1:
                raise
            missed.append({"case": case, "why": str(error)})
            say(str(error))
    for plan in plans:
        for line in resetting.told(plan):
            say(line)
    if plans:
        _confirm(yes=yes)
    done = [
        {"case": p.case, "event": p.event, "run": await resetting.reset(client, p, reason)}
        for p in plans
    ]
    say(f"{len(done)} reset; `starter.py watch CASE` shows one" if done else "nothing to reset")
    if as_json:
        out({"reset": done, "not_reset": missed})
    return missed
