"""A worker process of the product's own activities, with a test's workflows, to be killed.

Arguments: address, suffix of the queues, identity, module of WORKFLOWS, data, simulator, and, for
who sends mails, the simulator's mail server. A file
`llm.toml` among the data is its catalogue.
"""

import asyncio
import importlib
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import worker
from activities.wire import Wire
from runtime.connection import connect_to
from runtime.documents import converter, kept_in
from runtime.processes import die_with_parent, leave
from runtime.settings import Settings
from store.database import Store


async def serve(
    address: str,
    suffix: str,
    identity: str,
    world: str,
    data: Path,
    simulator: str,
    smtp: str = "",
) -> None:
    """Serve until killed."""
    vars(worker)["WORKFLOWS"] = importlib.import_module(world).WORKFLOWS
    pause = timedelta(milliseconds=10)
    settings = Settings(data=data, simulator=simulator, simulator_smtp=smtp, retry_pause=pause)
    settings = replace(settings, source_timeout=30.0, connect_timeout=30.0)  # on a busy machine
    if (given := data / "llm.toml").exists():
        settings = replace(settings, catalogue=given)
    store, wire = await Store.open(settings.database), Wire(settings)
    client = await connect_to(address, identity, converter=converter(kept_in(store)))
    deployed = worker.deploy(settings, store, wire, client)
    async with AsyncExitStack() as stack:
        for one in worker.workers(client, deployed, identity=identity, suffix=suffix):
            await stack.enter_async_context(one)
        await asyncio.Event().wait()


if __name__ == "__main__":
    die_with_parent()
    address, suffix, identity, world, data, *simulator = sys.argv[1:]
    asyncio.run(serve(address, suffix, identity, world, Path(data), *simulator))
    leave(0)
