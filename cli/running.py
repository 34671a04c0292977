"""The commands on one case or all: run, watch, status, decide, signal, cancel."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python
from rich.console import Console

from cli import cases, show
from cli.errors import BadInput, Trouble
from cli.explanation import explanation
from cli.processes import ProcessEntry
from cli.session import Session, say
from cli.standing import standing
from cli.watch import closed, watching
from insight.report import Report
from workflows.data.common import GateView, Record


def out(value: Any) -> None:
    """Write one JSON object to standard output."""
    Console().print_json(json.dumps(value, default=str))


async def run_case(
    here: Session,
    entry: ProcessEntry,
    given: Record,
    start: cases.Start,
    *,
    detach: bool,
    as_json: bool,
) -> None:
    """Start a case; unless detached, show it until it closes."""
    from cli.shadows.promoting import promoted  # the store, which no other command here needs

    origins = await cases.origins([await here.handle(case) for case in start.origins])
    started = replace(start, origins=origins)
    entry, given, start = await promoted(here, entry, given, started)
    handle = await cases.start(here.client, entry, given, start)
    page = here.page(handle.id)
    say(f"case {handle.id} started{f'; in the UI: {page}' if page else ''}")
    if origins:
        say(f"what {', '.join(origins)} paid for is not paid for again")
    if detach:
        if here.stack is not None:
            say("the embedded stack ends now; the case goes on when one runs: `make stack`")
        if as_json:
            out({"case": handle.id, "ui": page})
        return
    await follow(handle, entry, as_json=as_json)


async def watch_case(here: Session, case: str, *, as_json: bool) -> None:
    """Show any workflow until it closes."""
    handle = await here.handle(case)
    await follow(handle, await cases.entry_if_ours(handle), as_json=as_json)


async def follow(handle: cases.Handle, entry: ProcessEntry | None, *, as_json: bool) -> None:
    """Show a workflow until it closes, then its result; only cases of ours have gates."""
    console = Console(stderr=as_json)
    async with watching(handle, console, quiet=as_json) as tail:
        told: set[str] = set()
        known = await tail.until(lambda r: r.events > 0)
        while not closed(known):
            if entry is not None:
                tail.gates = await _tell_gates(handle, told)
            known = await tail.until(partial(_grown, known.events))
    record = await cases.result(handle, entry.result if entry else object)
    if as_json:
        out(to_jsonable_python(record))
        return
    console.print(explanation(known, console))
    console.print()
    console.print(show.result(record))


def _grown(before: int, known: Report) -> bool:
    return closed(known) or known.events != before


async def _tell_gates(handle: cases.Handle, told: set[str]) -> tuple[str, ...]:
    """Say once per gate how it is answered; give the names of those that are open."""
    try:
        gates = await cases.ask(handle, "open_gates", list[GateView])
    except Trouble:
        return ()  # no worker just now: the gate is told when one answers
    for gate in gates:
        mark = f"{gate.name} {gate.opened} {len(gate.decided)}"
        if mark not in told:
            told.add(mark)
            Console(stderr=True).print(show.gate(handle.id, gate))
    return tuple(gate.name for gate in gates)


async def show_status(here: Session, case: str, *, as_json: bool) -> None:
    """Show everything the queries of a case say."""
    handle = await here.handle(case)
    now = await standing(handle, await cases.entry_of(handle))
    ended = await cases.broken_off(handle)
    if as_json:
        out({"case": handle.id, "broken_off": ended, **now.plain()})
        return
    console = Console()
    console.print(show.status(handle.id, now.status, now.branches, now.open_gates, now.cost))
    if ended:
        console.print(f"{ended}; this is how far it came", style="red")
    for refused in now.refusals:
        console.print(f"refused {refused.message} by {refused.by}: {refused.reason}")
    if (shown := show.so_far(now.result_so_far)) is not None:
        console.print(shown)


async def send_signal(here: Session, case: str, name: str, said: Any, *, as_json: bool) -> None:
    """Send a signal with a message read by `message`."""
    handle = await here.handle(case)
    await handle.signal(name, said)
    if as_json:
        out({"case": handle.id, "signal": name})
    else:
        say(f"{handle.id}: signal {name} sent; `starter.py status {handle.id}` shows refusals")


def message(text: str, what: str = "message") -> Any:
    """Read a message: JSON, or @FILE with JSON in it. Raises BadInput."""
    try:
        if text.startswith("@"):
            text = Path(text[1:]).read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise BadInput(f"{text[1:]}: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"the {what} is not JSON ({error}); quote it, or use @FILE") from error


async def cancel_case(here: Session, case: str, *, as_json: bool) -> None:
    """Ask a case to cancel and wait until it has cleaned up."""
    handle = await here.handle(case)
    if (await handle.describe()).close_time is not None:
        raise Trouble(f"{handle.id} is closed already")
    await handle.cancel()
    console = Console(stderr=True)
    async with watching(handle, console, quiet=as_json) as tail:
        known = await tail.until(closed)
    if as_json:
        out({"case": handle.id, "status": known.status})
    else:
        say(f"{handle.id}: {known.status}")
