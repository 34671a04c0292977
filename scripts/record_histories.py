"""Record the histories `tests/replay` replays: real runs against the simulator, never edited.

`.venv/bin/python -m scripts.record_histories` writes them anew. Until version 1.0 that is done
whenever a process changes its steps, with the reason in the commit; from 1.0 on never again.
"""

import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowFailureError

from runtime import server
from runtime.logs import configure
from runtime.processes import leave, stop
from runtime.settings import ROOT
from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World, case_file, world

FOLDER = ROOT / "tests" / "replay"
Story = Callable[[World], Awaitable[Handle]]


async def unilever(here: World) -> Handle:
    """A clean company, approved by one person and onboarded."""
    return await decided(here, "unilever", ("approve", "ana"))


async def saderat(here: World) -> Handle:
    """A sanctions hit stops the references; compliance declines."""
    return await decided(here, "bank_saderat", ("decline", "mira"))


async def carbo(here: World) -> Handle:
    """A bankruptcy, declined by two people."""
    return await decided(here, "carbo_ceramics", ("decline", "ana"), ("decline", "bo"))


async def more(here: World) -> Handle:
    """The register is down; asked for more, a second round closes the gap."""
    await here.faults(Fault(service="companies_house", kind=FaultKind.DOWN))
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    await here.faults()
    await here.decide(handle, "more", "ana")
    await here.gate(handle)
    await here.decide(handle, "approve", "ana")
    await here.result(handle)
    return handle


async def cancel(here: World) -> Handle:
    """Cancelled while the customer is being onboarded: undone in reverse."""
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    await here.faults(Fault(service="accounts", kind=FaultKind.SLOW, seconds=1, times=2))
    await here.decide(handle, "approve", "ana")
    await here.until(handle, "branches", lambda b: b[-1]["name"] == "onboarding")
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await here.result(handle)
    return handle


STORIES: tuple[Story, ...] = (unilever, saderat, carbo, more, cancel)


async def decided(here: World, name: str, *decisions: tuple[str, str]) -> Handle:
    """Run a case of `cases/` to its end."""
    handle = await here.start(case_file(name))
    await here.gate(handle)
    for verdict, by in decisions:
        await here.decide(handle, verdict, by)
    await here.result(handle)
    return handle


async def record(story: Story, address: str, data: Path) -> None:
    """Live through a story in a world of its own, and write its history down."""
    async with world(address, data) as here:
        handle = await story(here)
        history = json.loads((await handle.fetch_history()).to_json())
    file = FOLDER / f"due_diligence_{story.__name__}.json"
    events = [json.dumps(without_places(e), ensure_ascii=False) for e in history["events"]]
    lines = ",\n".join(events)  # an event per line: short, and a diff shows what moved
    file.write_text(f'{{"events": [\n{lines}\n]}}\n', encoding="utf-8")
    sys.stderr.write(f"{file.name}: {len(history['events'])} events\n")


def without_places(value: Any) -> Any:
    """Leave out stack traces: they tell of folders on this machine, and replay ignores them."""
    if isinstance(value, dict):
        return {k: without_places(v) for k, v in value.items() if k != "stackTrace"}
    if isinstance(value, list):
        return [without_places(v) for v in value]
    return value


async def main() -> None:
    """Record all stories on a server of their own."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        ports = server.Ports.choose(data / "ports.json")
        process = await server.start(data, ports)
        try:
            await server.until_ready(process, ports, data)
            for story in STORIES:
                await record(story, f"127.0.0.1:{ports.grpc}", data / story.__name__)
        finally:
            await stop(process, 5, hard=True)


if __name__ == "__main__":
    configure("text", level=logging.CRITICAL)  # the faults of the stories are no news
    asyncio.run(main())
    leave(0)
