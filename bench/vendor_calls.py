"""Count what the store does for a vendor's call: claimed with its permit, answered, kept.

`.venv/bin/python -m bench.vendor_calls` (some seconds) prints a table. The calls go through the
door of the worker over real HTTP to a server that answers at once.
"""

import asyncio
import tempfile
from pathlib import Path

from rich.console import Console

from activities.journalled import CallDesk, Sending, worth_keeping
from activities.needs import need_of
from activities.posture import judge
from activities.wire import HttpRequest, Reply, Wire
from bench.journal import Figures, counting, table
from runtime.context import CallContext, within_call
from runtime.settings import Settings
from store.admission import Admission
from store.database import Store
from store.journal import CallEntry, StoredReply
from tests.activities.outside import outside_world, said
from workflows.data.limits import Limits

WIDTHS, CALLS = (1, 10, 100), 500
SERVICE, MODEL = "openai", "m"
LIMITS = {"": Limits(), ", limited": Limits(requests=1_000_000)}
CONTEXT = CallContext("case", "branch", "bench", 1)


async def send(desk: CallDesk, settings: Settings, store: Store, number: int) -> None:
    """Send one call of its own key."""

    def stored(reply: Reply) -> StoredReply:
        headers = worth_keeping(reply.headers)
        return StoredReply(reply.status, headers, reply.body, store.clock(), simulated=True)

    entry = CallEntry(f"key-{number}", "case", "branch", "ask_model", "", SERVICE, MODEL)
    await desk.fetch(
        entry,
        Sending(
            SERVICE,
            settings.endpoint(SERVICE),
            HttpRequest("POST", "/v1/answers", b"{}"),
            lambda reply: judge(SERVICE, reply, store.clock(), wants_json=True),
            stored,
            need_of(CONTEXT, SERVICE, MODEL, tokens=100),
        ),
    )


async def counted(limits: Limits, at_once: int, folder: Path) -> Figures:
    """Make the calls in lanes; give statements and commits a call."""
    with counting() as done, within_call(CONTEXT):
        async with outside_world() as world:
            settings = Settings(data=folder, simulator=world.url)
            world.will(*[said({})] * CALLS)
            async with Store.opened(settings.database) as store:
                wire = Wire(settings)
                desk = CallDesk(store, wire, Admission(store, lambda *_: limits, "bench"))
                done.clear()

                async def lane(first: int) -> None:
                    for number in range(first, CALLS, at_once):
                        await send(desk, settings, store, number)

                await asyncio.gather(*(lane(first) for first in range(at_once)))
                found = done.copy()
                await desk.close()
                await wire.close()
    words = ("SELECT", "INSERT", "UPDATE", "DELETE", "COMMIT")
    return {word: round(found[word] / CALLS, 2) for word in words}


async def measure() -> Figures:
    """Count at each width, with a limit and without."""
    found: Figures = {}
    for name, limits in LIMITS.items():
        for at_once in WIDTHS:
            with tempfile.TemporaryDirectory() as folder:
                found[f"{at_once}{name}"] = await counted(limits, at_once, Path(folder))
    return found


if __name__ == "__main__":
    Console().print(table(asyncio.run(measure())))
