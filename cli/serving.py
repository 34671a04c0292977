"""The commands about this machine: the stack in the foreground, and the doctor."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.errors import Trouble
from cli.runs import service
from cli.session import Session, say, tell
from runtime.doctor import examine
from runtime.settings import Settings
from runtime.stack import Stack


async def serve(settings: Settings, given: Mapping[str, Any], *, as_json: bool) -> None:
    """Run the stack, with these options, until SIGINT or SIGTERM.

    Raises Trouble if a part does not stay up.
    """
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    say("starting server, simulator and worker ...")
    async with Stack(settings, **given, tell=tell) as stack:
        where = stack.addresses
        if as_json:
            sys.stdout.write(json.dumps(asdict(where)) + "\n")
            sys.stdout.flush()
        else:
            _addresses(stack)
        assert stack.failed is not None  # noqa: S101 - set on entry
        stack.failed.add_done_callback(lambda _f: end.set())
        async with _carrying(Session(stack.client, settings, where, None)):
            await end.wait()
        if stack.failed.done():
            raise Trouble(stack.failed.result())
        say("stopping; data is kept, waiting cases go on when a stack runs again")


@asynccontextmanager
async def _carrying(here: Session) -> AsyncIterator[None]:
    """Carry on the watches of shadow runs meanwhile (docs/shadow.md)."""
    from cli.shadows.beside import carry_on
    from cli.shadows.watched import holder

    carrying = asyncio.create_task(carry_on(here, service(here), holder()))
    try:
        yield
    finally:
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)


def _addresses(stack: Stack) -> None:
    where = stack.addresses
    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("Temporal UI", where.ui),
        ("Temporal gRPC", where.grpc),
        ("Temporal HTTP API", f"{where.http}/api/v1/namespaces/default"),
        ("simulator", f"{where.simulator} at {where.speed:g} times real speed"),
        ("simulated mail", where.smtp),
        ("vendors", "REAL: calls cost money" if where.live else "simulated"),
        ("data and logs", str(stack.settings.data)),
        *([("to read in the UI", f"sign in at {where.codec}/sign-in")] if where.encrypted else []),
    ):
        table.add_row(name, value)
    console = Console()
    console.print(table)
    console.print("Ctrl-C stops. In another terminal: starter.py run due-diligence CASE.yaml")


def examine_machine(settings: Settings, *, as_json: bool) -> None:
    """Show what the doctor found. Raises Trouble if something is wrong."""
    found = examine(settings)
    if as_json:
        sys.stdout.write(json.dumps([asdict(f) for f in found]) + "\n")
    else:
        table = Table.grid(padding=(0, 2))
        for f in found:
            table.add_row("ok" if f.ok else "WRONG", f.name, f.detail, "" if f.ok else f.mend)
        Console().print(table)
    if wrong := [f.name for f in found if not f.ok]:
        raise Trouble(f"to mend: {', '.join(wrong)}")
