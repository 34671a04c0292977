"""Measure calls through real HTTP: how many a second, and what of a call's time is whose.

`.venv/bin/python -m bench.layers` (a minute) prints a table in each grade, `--json` an object. The
calls go by the product's worker (permit, journal, HTTP, reply) to the simulator in a process of its
own, which answers at once; the server is the embedded one on disk. One at a time, a call's time is
parted by layer; with many in flight, calls a second and each process's CPU for a call are counted.
"""

import argparse
import asyncio
import json
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from temporalio.client import Client

from activities.journalled import CallDesk
from activities.wire import Wire
from bench.claimed import Load
from bench.claims import Claim, serving, timed
from runtime import server
from runtime.logs import configure
from runtime.metrics import begin_runtime
from runtime.processes import leave
from runtime.settings import Settings
from workflows.grades import Grade

AT_ONCE = Claim("layers", stages=((0.0,),))
TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
Figures = dict[str, Any]


Seconds = dict[str, float]


@contextmanager
def clocked() -> Iterator[Seconds]:
    """Add up the seconds spent with a call at our desk, and with the other side."""
    spent = {"desk": 0.0, "http": 0.0}
    with ExitStack() as stack:
        for name, owner, method in (("desk", CallDesk, "fetch"), ("http", Wire, "exchange")):
            plain = getattr(owner, method)
            setattr(owner, method, _adding(spent, name, plain))
            stack.callback(setattr, owner, method, plain)
        yield spent


def _adding(spent: Seconds, name: str, work: Callable[..., Awaitable[Any]]) -> Any:
    async def clocked(*given: Any, **more: Any) -> Any:
        started = time.perf_counter()
        try:
            return await work(*given, **more)
        finally:
            spent[name] += time.perf_counter() - started

    return clocked


def cpu_seconds() -> Seconds:
    """Give the CPU seconds of worker and bench (this process), server and simulator (children)."""
    found = {"worker": time.process_time(), "server": 0.0, "simulator": 0.0}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text(encoding="utf-8").partition("(")[2].rpartition(")")
            command = (stat.parent / "cmdline").read_text(encoding="utf-8")
        except OSError:  # it has ended
            continue
        fields = rest.split()
        if int(fields[1]) == os.getpid():
            part = "server" if name == "temporal" else "simulator" if "simulator" in command else ""
            if part:
                found[part] += (int(fields[11]) + int(fields[12])) / TICK
    return found


async def in_order(client: Client, queue: str, grade: Grade, calls: int) -> Figures:
    """Part the time of one call after another by layer, in milliseconds a call."""
    id = f"layers-{secrets.token_hex(6)}"
    with clocked() as spent:
        seconds = await timed(client, queue, Load(stages=((0.0,),) * calls), id, grade)
    inside = await _activities(client, id)
    parts = {
        "workflow, server": seconds - inside["running"] - inside["waiting"],
        "matching, start": inside["waiting"],
        "activity, converting": inside["running"] - spent["desk"],
        "permit, journal, reply": spent["desk"] - spent["http"],
        "HTTP, simulator": spent["http"],
    }
    return {"a call": seconds} | parts


async def _activities(client: Client, id: str) -> Seconds:
    """Add up from a history the seconds activities waited to be started, and ran."""
    at: dict[int, float] = {}
    found = {"waiting": 0.0, "running": 0.0}
    async for event in client.get_workflow_handle(id).fetch_history_events():
        at[event.event_id] = event.event_time.ToNanoseconds() / 1e9
        if event.HasField("activity_task_completed_event_attributes"):
            ends = event.activity_task_completed_event_attributes
            scheduled, started = at[ends.scheduled_event_id], at[ends.started_event_id]
            found["waiting"] += started - scheduled
            found["running"] += at[event.event_id] - started
    return found


async def measured(grade: Grade, calls: int, in_flight: int) -> Figures:
    """Measure a grade on a server of its own."""
    async with (
        server.for_a_while() as (address, data),
        serving(address, data / "layers", 1.0, [AT_ONCE]) as (client, queue),
    ):
        load = Load(stages=((0.0,),), items=calls, in_flight=in_flight)
        for _ in range(2):  # the first one fills caches and opens connections
            await timed(client, queue, load, grade=grade)
        few = max(10, calls // 10)
        layers = await in_order(client, queue, grade, few)
        before = cpu_seconds()
        seconds = await timed(client, queue, load, grade=grade)
        spent = {name: now - before[name] for name, now in cpu_seconds().items()}
    return {
        "calls_per_second": round(calls / seconds, 1),
        "cpu_ms_a_call": {name: round(each * 1000 / calls, 2) for name, each in spent.items()},
        "ms_a_call_in_order": {name: round(s * 1000 / few, 2) for name, s in layers.items()},
    }


def show(found: dict[str, Figures]) -> None:
    """Print a table: its rows are the figures, its columns the grades."""
    table = Table("", *found, title="a call through real HTTP", title_justify="left")
    table.add_row("calls/s", *(str(each["calls_per_second"]) for each in found.values()))
    for key, words in (
        ("ms_a_call_in_order", "ms, one at a time: "),
        ("cpu_ms_a_call", "CPU ms, many at once: "),
    ):
        for name in next(iter(found.values()))[key]:
            table.add_row(words + name, *(str(each[key][name]) for each in found.values()))
    Console(width=100).print(table)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.layers", description=__doc__)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--in-flight", type=int, default=50)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    configure("text", level=logging.ERROR)
    begin_runtime(Settings())
    given = (options.calls, options.in_flight)
    found = {str(grade): asyncio.run(measured(grade, *given)) for grade in Grade}
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)
    return 0


if __name__ == "__main__":
    leave(main())
