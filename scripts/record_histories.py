"""Record the histories `tests/replay` replays: real runs against the simulator, never edited.

Of every process, and of the service workflows the patterns lean on: the stories are those of
`scripts/stories`, a module for each process.

`.venv/bin/python -m scripts.record_histories [PROCESS|STORY...]` writes them anew, all or some, as
`due_diligence` or `due_diligence_carbo`. Until version 1.0 that is done whenever a process changes
its steps, with the reason in the commit; from 1.0 on never again.
"""

import asyncio
import importlib
import json
import logging
import pkgutil
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from runtime import server
from runtime.logs import configure
from runtime.processes import leave
from runtime.settings import ROOT
from scripts import stories
from tests.support.world import Handle, World, world

FOLDER = ROOT / "tests" / "replay"
Story = Callable[[World], Awaitable[Handle]]


def all_stories() -> dict[str, Story]:
    """Give every story by the name of its file."""
    found: dict[str, Story] = {}
    for module in pkgutil.iter_modules(stories.__path__):
        told = importlib.import_module(f"{stories.__name__}.{module.name}").STORIES
        found |= {f"{module.name}_{story.__name__}": story for story in told}
    return found


async def record(name: str, story: Story, address: str, data: Path) -> None:
    """Live through a story in a world of its own, and write its history down."""
    async with world(address, data) as here:
        handle = await story(here)
        history = json.loads((await handle.fetch_history()).to_json())
    events = [json.dumps(without_places(e), ensure_ascii=False) for e in history["events"]]
    lines = ",\n".join(events)  # an event per line: short, and a diff shows what moved
    (FOLDER / f"{name}.json").write_text(f'{{"events": [\n{lines}\n]}}\n', encoding="utf-8")
    sys.stderr.write(f"{name}.json: {len(history['events'])} events\n")


def without_places(value: Any) -> Any:
    """Leave out stack traces: they tell of folders on this machine, and replay ignores them."""
    if isinstance(value, dict):
        return {k: without_places(v) for k, v in value.items() if k != "stackTrace"}
    if isinstance(value, list):
        return [without_places(v) for v in value]
    return value


async def main(names: Sequence[str]) -> None:
    """Record the named stories, or all, on a server of their own."""
    wanted = tuple(names) or ("",)
    chosen = {name: told for name, told in all_stories().items() if name.startswith(wanted)}
    if not chosen:
        raise SystemExit(f"no such story; there are {', '.join(all_stories())}")
    async with server.for_a_while() as (address, data):
        for name, story in chosen.items():
            await record(name, story, address, data / name)


if __name__ == "__main__":
    configure("text", level=logging.CRITICAL)  # the faults of the stories are no news
    asyncio.run(main(sys.argv[1:]))
    leave(0)
