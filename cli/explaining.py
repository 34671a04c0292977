"""The commands that explain a run, live or from a file: `explain` and `logs`."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands import AsJson, Profile, in_session, out
from cli.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from insight.report import Report
    from insight.shown.log import LogLine

app = typer.Typer()

Target = Annotated[
    str,
    typer.Argument(
        metavar="CASE|FILE",
        help="workflow id, case id, a history as JSON (from the UI, the CLI or an SDK), or -",
    ),
]


@app.command()
def explain(
    target: Target,
    times: Annotated[bool, typer.Option(help="every span with its start and end")] = False,
    graph: Annotated[bool, typer.Option(help="also which branch came after which")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="OUT.html", help="write a page that works offline")
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="open that page in the browser")] = False,
    mermaid: Annotated[bool, typer.Option(help="mermaid text of the graph instead")] = False,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Explain a run of any workflow: where its time went, and what would have been possible.

    Who ran when, the critical path and what it waited for, causes of waits, the
    least time the same work could have taken, retries, slack, cost. A file needs
    no server; of several histories in it each is explained, and --json gives a
    list. How to read it: docs/explain.md
    """

    def show(known: "Sequence[Report]") -> None:
        if html or browse:
            _page(known, html, browse=browse)
        if as_json:
            plain = [one.model_dump(mode="json") for one in known]
            out(plain[0] if len(plain) == 1 else plain)
        elif mermaid:
            from insight.shown import mermaid as diagrams

            sys.stdout.write("\n".join(diagrams.mermaid(one) for one in known))
        else:
            _draw(known, times=times, graph=graph)

    _with(target, profile, show)


def _draw(known: "Sequence[Report]", *, times: bool, graph: bool) -> None:
    from rich.console import Console

    from cli.explanation import explanation
    from cli.plans.turns import decided

    console = Console()
    for place, one in enumerate(known):
        console.print("\n" if place else "", end="")
        console.print(explanation(one, console, times=times, with_graph=graph))
        if one.decided is not None:
            console.print()
            console.print(decided(one.decided))


def _page(known: "Sequence[Report]", file: Path | None, *, browse: bool) -> None:
    """Write one page for all runs, to a file of its own where none is named. Raises BadInput."""
    import tempfile
    import webbrowser

    from cli.session import say
    from insight.shown.html import page

    file = file or Path(tempfile.mkdtemp(prefix="braid-")) / "run.html"
    try:
        file.write_text(page(*known), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--html {file}: cannot be written: {error.strerror}") from error
    say(f"written: {file}")
    if browse and not webbrowser.open(file.absolute().as_uri()):
        say("no browser was found here; open that file yourself")


@app.command()
def logs(
    target: Target,
    branch: Annotated[str, typer.Option(help="this branch and those in it")] = "",
    follow: Annotated[bool, typer.Option(help="go on until the case closes")] = False,
    profile: Profile = None,
    as_json: Annotated[bool, typer.Option("--json", help="a JSON object per line")] = False,
) -> None:
    """Print a run as a log: starts, attempts, failures, ends, messages; UTC, in true order."""
    from insight.shown.log import branches, log

    write = partial(_write, as_json=as_json)

    def show(known: "Sequence[Report]") -> None:
        if branch and not any(log(one, branch) for one in known):
            named = ", ".join(dict.fromkeys(n for one in known for n in branches(one)))
            raise BadInput(f"no branch {branch!r} in it; there is {named or 'none with a name'}")
        for one in known:
            for line in log(one, branch):
                write(line)

    async def tell(here: Any) -> None:
        from rich.console import Console

        from cli.watch import Lines, closed, watching

        lines = Lines(write, branch)
        async with watching(await here.handle(target), Console(), lines=lines) as tail:
            await tail.until(closed)

    if follow and not is_file(target):
        in_session(tell, profile=profile)
    else:
        _with(target, profile, show)


def _write(line: "LogLine", *, as_json: bool) -> None:
    from insight.shown.words import clear

    sys.stdout.write(f"{line.model_dump_json() if as_json else clear(line.written())}\n")
    sys.stdout.flush()


def _with(target: str, profile: str | None, show: "Callable[[Sequence[Report]], None]") -> None:
    """Show the runs of a file, or of a case, for which a server is needed."""
    if is_file(target):
        from cli.histories import from_file

        show(from_file(Path("/dev/stdin" if target == "-" else target)))
        return

    async def work(here: Any) -> None:
        from datetime import UTC, datetime

        from cli.histories import from_case
        from cli.plans.turns import by_now

        handle = await here.handle(target)
        known = await from_case(here.client, handle, datetime.now(UTC))
        show((await by_now(handle, known),))

    in_session(work, profile=profile)


def is_file(target: str) -> bool:
    """Whether a word names a history file, not a case: it is there, looks like one, or is -."""
    like = target.startswith(("/", "./", "../")) or target.endswith((".json", ".gz"))
    return target == "-" or like or os.path.exists(target)  # an id may be too long for a name
