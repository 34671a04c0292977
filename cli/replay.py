"""`starter.py replay`: what the code of today makes of recorded histories."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.commands import AsJson, Profile, in_session, out, settings_for
from cli.errors import FAILED, BadInput
from cli.explaining import is_file

if TYPE_CHECKING:
    from insight.history.reader import Events

app = typer.Typer()


@dataclass(frozen=True)
class Recording:
    """One history to replay: where it is from (a file's name or a workflow id) and its events."""

    name: str
    events: "Events"


@app.command()
def replay(
    target: Annotated[
        str, typer.Argument(metavar="FILE|CASE|DIR", help="a history as JSON, or a case")
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="every case there is, or every file of a folder")
    ] = False,
    step: Annotated[bool, typer.Option(help="show the state after each event")] = False,
    until: Annotated[
        int | None, typer.Option(metavar="EVENT", help="with --step: stop after this event")
    ] = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Replay a history against the code of today, and show where the two part.

    Finds what would get a running case stuck (another command, another order) and what the SDK's
    replayer passes over: changed inputs, timers and results. Nothing is sent, nothing is paid.
    Exit code 1 if anything differs; changed time-outs and queues are only noted.

    With --step it goes from one event to the next: what is open after it; and where a workflow
    task starts what was told, what was decided and by which line, where each branch stands. On a
    terminal: Enter for the next, t for the next task, b NAME to look at a branch, q to end.
    """
    if step and everything:
        raise BadInput("--step goes through one history: name it, without --all")
    if not target and not everything:
        raise BadInput("name a history's file or a case, or say --all")
    if not target or not (everything or is_file(target)):
        code = _of_service(target, step=step, until=until, profile=profile, as_json=as_json)
    else:
        path = Path("/dev/stdin" if target == "-" else target)
        code = _of_files(_files(path, everything=everything), step, until, as_json)
    if code:
        raise typer.Exit(code)


def _files(path: Path, *, everything: bool) -> list[Path]:
    if not os.path.exists(path):  # unlike Path's own, no error where the name is too long
        raise BadInput(f"{path}: there is no such file")
    if path.is_dir() and not everything:
        raise BadInput(f"{path} is a folder; replay all of it with --all")
    found = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not found:
        raise BadInput(f"{path}: no history here; a file's name ends in .json")
    return found


def _of_files(files: Sequence[Path], step: bool, until: int | None, as_json: bool) -> int:
    from runtime.documents import converter, kept_at
    from runtime.encryption import codec_for
    from runtime.opening import opened

    settings = settings_for(live=False)
    codec = codec_for(settings, embedded=True)
    large = converter(kept_at(settings.database), codec)

    async def recordings() -> AsyncIterator[Recording]:
        for file in files:
            for events in _read(file, alone=len(files) == 1):
                yield Recording(str(file), opened(events, codec) if codec.ring else events)

    return asyncio.run(_replay(recordings(), large, len(files), step, until, as_json))


def _read(file: Path, *, alone: bool) -> "Sequence[Events]":
    """Read the histories of a file; among many a file that is none is passed over."""
    from insight.history.reader import NotAHistory, read_histories

    try:
        return read_histories(file.read_bytes())
    except (NotAHistory, OSError) as error:
        if alone:
            raise BadInput(f"{file}: {error}") from error
        sys.stderr.write(f"{file}: {error}; passed over\n")
        return ()


def _of_service(
    case: str, *, step: bool, until: int | None, profile: str | None, as_json: bool
) -> int:
    codes: list[int] = []

    async def work(here: Any) -> None:
        from deployed import NAMES
        from insight.history.reader import ordered

        if case:
            handles = [await here.handle(case)]
        else:
            rows = [w async for w in here.client.list_workflows() if w.workflow_type in NAMES]
            rows.sort(key=lambda w: w.start_time)
            handles = [here.client.get_workflow_handle(w.id, run_id=w.run_id) for w in rows]

        async def recordings() -> AsyncIterator[Recording]:
            for handle in handles:
                yield Recording(handle.id, ordered(await handle.fetch_history()))

        large = here.client.data_converter
        codes.append(await _replay(recordings(), large, len(handles), step, until, as_json))

    in_session(work, profile=profile)
    return codes[0]


async def _replay(
    recordings: AsyncIterator[Recording],
    large: Any,
    count: int,
    step: bool,
    until: int | None,
    as_json: bool,
) -> int:
    """Replay one after the other; return the exit code. One alone must be of a type we have."""
    from cli.replay_shown import as_plain, draw
    from cli.replaying import Foreign, Replayed
    from cli.replaying import replay as replayed
    from cli.stepping import stepped

    console = Console(stderr=as_json)
    done: list[Replayed] = []
    foreign: list[tuple[str, Foreign]] = []
    async for recording in recordings:
        try:
            found = await replayed(recording.events, large, case=_stem(recording.name), look=step)
        except Foreign as error:
            foreign.append((recording.name, error))
            continue
        done.append(found)
        if count > 1 and sys.stderr.isatty():
            sys.stderr.write(f"\r{len(done)} of {count} replayed ")
        if step and not as_json:
            stepped(found, console, until=until)
        elif count == 1 and not as_json:
            draw(found, console)
    if not done:
        raise _none(foreign)
    if as_json:
        plain = [as_plain(r, turns=step, until=until) for r in done]
        out(
            plain[0] if len(plain) == 1 else {"replayed": plain, "foreign": [n for n, _ in foreign]}
        )
    elif count > 1:
        _table(done, foreign, console)
    return 0 if all(r.agrees for r in done) else FAILED


def _none(foreign: Sequence[tuple[str, Any]]) -> BadInput:
    """Say why nothing was replayed."""
    if not foreign:
        return BadInput("there is no history to replay")
    (name, error), *others = foreign
    more = f"; {len(others)} others are not ours either" if others else ""
    return BadInput(f"{name}: {error}{more}")


def _stem(name: str) -> str:
    return Path(name).stem if name.endswith(".json") else name


def _table(done: Sequence[Any], foreign: Sequence[tuple[str, Any]], console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("case", "process", "events", "replays", "first at event"):
        table.add_column(column, overflow="fold")
    for one in done:
        first = str(one.comparison.divergences[0].at) if not one.agrees else ""
        answer = "yes" if one.agrees else f"no: {len(one.comparison.divergences)} differ"
        table.add_row(one.case, one.process, str(len(one.events)), answer, first)
    console.print(table)
    for name, error in foreign:
        console.print(f"{name}: {error.process} is not deployed here; passed over", markup=False)
