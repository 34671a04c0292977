"""Braid's command line: run cases, watch them, decide on them, explain them.

Exit codes: 0 finished (whatever was decided), 1 failed or refused, 2 bad input, 3 no server,
130 interrupted. Ctrl-C in `run` and `watch` detaches; only `cancel` cancels a case.
"""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands import (
    Announce,
    AsJson,
    Case,
    Live,
    Profile,
    Sequential,
    Speed,
    in_session,
    out,
    settings_for,
)
from cli.errors import BAD_INPUT, INTERRUPTED, NO_SERVER, OK, BadInput, Trouble
from cli.parts import add_to
from cli.teaching import TakesProcess
from runtime.errors import NoServer
from runtime.processes import leave
from runtime.settings import ROOT, Settings, SettingsError
from store.errors import StoreError

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
add_to(app)


def main() -> int:
    """Run one command; every expected error is one line and an exit code."""
    try:
        left: object = app(standalone_mode=False)
    except (BadInput, SettingsError, StoreError) as error:
        return _complain(error, BAD_INPUT)
    except NoServer as error:
        return _complain(error, NO_SERVER)
    except Trouble as error:
        return _complain(error, error.code)
    except (KeyboardInterrupt, typer.Abort):
        left = INTERRUPTED
    except Exception as error:
        if hasattr(error, "format_message"):  # a usage error of the command line itself
            said = error.format_message()  # nothing where the help was shown instead
            return _complain(f"{said} (see --help)", BAD_INPUT) if said else BAD_INPUT
        raise
    if left == INTERRUPTED:  # typer turns Ctrl-C into this value
        return _complain("interrupted; a running case goes on", INTERRUPTED)
    return left if isinstance(left, int) else OK


def _complain(error: object, code: int) -> int:
    sys.stderr.write(f"{error}\n")
    return code


@app.command()
def demo(
    file: Annotated[Path, typer.Argument(help="case file")] = ROOT / "cases/bank_saderat.yaml",
    crash: Annotated[bool, typer.Option(help="SIGKILL worker and server in mid-flight")] = False,
    speed: Speed = 4.0,
    as_json: AsJson = False,
) -> None:
    """Show a due diligence case from start to decision, on the embedded stack.

    Ignores TEMPORAL_* and never calls a real vendor. The gate is answered by the demo itself, as
    proposed, in the name of a reviewer of the case file.
    """
    from rich.console import Console

    from cli import demo as demos
    from cli.inputs import read
    from cli.processes import process

    entry = process("due-diligence")
    given = read(file, entry.record)  # before anything is started

    async def work(here: Any) -> None:
        console = Console(stderr=as_json)
        shown = await demos.demo(here, entry, given, console, crash=crash, quiet=as_json)
        if as_json:
            out(demos.as_json(shown, here))
        else:
            demos.draw(shown, here, console)

    if Settings.from_env().live:
        raise BadInput("the demo never calls real vendors: unset BRAID_LIVE")
    in_session(work, own=True, speed=speed, spare=crash)


@app.command(cls=TakesProcess)
def run(
    name: Annotated[str, typer.Argument(metavar="PROCESS", help="one of those below")],
    file: Annotated[Path, typer.Argument(metavar="INPUT.yaml", help="see cases/")],
    workflow_id: Annotated[str | None, typer.Option("--id", help="workflow id to use")] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="case whose paid replies may be read; repeatable")
    ] = None,
    sequential: Sequential = False,
    announce: Announce = "",
    detach: Annotated[bool, typer.Option(help="return once the case has started")] = False,
    speed: Speed = 4.0,
    profile: Profile = None,
    live: Live = False,
    as_json: AsJson = False,
) -> None:
    """Start a case and show it until it is decided. Ctrl-C detaches.

    As: starter.py run order-fulfilment cases/order-fulfilment/split.yaml

    At a gate, decide in another terminal: starter.py decide CASE approve --as NAME.
    With --sequential the case comes to the same, but one call after the other: docs/sequential.md
    """
    from cli.inputs import read
    from cli.processes import process

    entry = process(name)
    given = read(file, entry.record)  # before anything is started

    async def work(here: Any) -> None:
        from cli import cases
        from cli.running import run_case

        options = cases.Start(workflow_id, tuple(origin or ()), sequential, announce=announce)
        await run_case(here, entry, given, options, detach=detach, as_json=as_json)

    in_session(work, profile=profile, live=live, speed=speed)


@app.command()
def watch(case: Case, profile: Profile = None, as_json: AsJson = False) -> None:
    """Show a case live until it closes. Ctrl-C detaches. With --json, its result alone."""

    async def work(here: Any) -> None:
        from cli.running import watch_case

        await watch_case(here, case, as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def status(case: Case, profile: Profile = None, as_json: AsJson = False) -> None:
    """Show where a case stands: branches, open gates, refused messages, cost."""

    async def work(here: Any) -> None:
        from cli.running import show_status

        await show_status(here, case, as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def signal(
    case: Case,
    name: Annotated[str, typer.Argument(help="as reference_reply or decide")],
    message: Annotated[str, typer.Argument(help="JSON, or @FILE")],
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Send a signal. It is not answered: `status` shows refusals."""
    from cli import running

    said = running.message(message)  # before anything is started

    async def work(here: Any) -> None:
        await running.send_signal(here, case, name, said, as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def cancel(case: Case, profile: Profile = None, as_json: AsJson = False) -> None:
    """Cancel a case: branches are stopped, what was done is undone."""

    async def work(here: Any) -> None:
        from cli.running import cancel_case

        await cancel_case(here, case, as_json=as_json)

    in_session(work, profile=profile)


@app.command(name="list")
def list_cases(
    everything: Annotated[bool, typer.Option("--all", help="each case of a batch too")] = False,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """List the cases, newest first; those of a batch are counted in its line."""

    async def work(here: Any) -> None:
        from cli.listing import show_list

        await show_list(here, everything=everything, as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def stack(
    speed: Speed = 4.0,
    seed: Annotated[int, typer.Option(help="same seed, same simulated world")] = 7,
    faults: Annotated[
        str, typer.Option(help="faults of the simulated world, JSON or @FILE (docs/simulator.md)")
    ] = "",
    spare: Annotated[bool, typer.Option(help="have the next worker wait, loaded")] = True,
    live: Live = False,
    as_json: AsJson = False,
) -> None:
    """Run server, UI, simulator and worker in the foreground until Ctrl-C.

    Other commands of this checkout find and use it. Data is kept in .braid/.
    """
    from cli.serving import serve

    given = {"speed": speed, "seed": seed, "faults": faults, "spare": spare}
    asyncio.run(serve(settings_for(live=live), given, as_json=as_json))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Look for what could stop Braid on this machine, and say how to mend it."""
    from cli.serving import examine_machine

    examine_machine(Settings.from_env(), as_json=as_json)


if __name__ == "__main__":
    leave(main())
