"""The worker process of `Killable`: address, queue, identity, world module, data folder.

As a spare it reads its identity from standard input, once it has loaded the world.
"""

import asyncio
import importlib
import sys
from pathlib import Path

from runtime.connection import connect_to
from runtime.documents import converter, kept_in
from runtime.processes import die_with_parent, hold_little, leave
from runtime.settings import Settings
from runtime.spare import WAITS, awaited_name
from store.database import Store
from tests.support.flows import flow_worker


async def serve(address: str, queue: str, identity: str, world: str, data: Path) -> None:
    """Serve until killed."""
    module = importlib.import_module(world)
    identity = awaited_name() if identity == WAITS else identity
    store = await Store.open(Settings(data=data).database)
    client = await connect_to(address, identity, converter=converter(kept_in(store)))
    answers = module.answers(data / "done.log")
    options = getattr(module, "OPTIONS", {})
    given = (module.WORKFLOWS, answers, module.STEPS, store)
    worker = flow_worker(client, queue, identity, *given, **options)
    await worker.run()


if __name__ == "__main__":
    hold_little()
    die_with_parent()
    address, queue, identity, world, data = sys.argv[1:]
    asyncio.run(serve(address, queue, identity, world, Path(data)))
    leave(0)
