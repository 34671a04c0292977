"""Open gates, kept in the store as workflows of this worker tell of them, and counted there."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runtime.backlog import PATIENCE
from runtime.metrics import level
from store.lasting import until_written
from store.open_gates import OpenGates
from workflows.data import metrics
from workflows.data.metrics import GateNote

LOOKS = 50
"""Cases with open gates that are looked at in one go: one that was terminated runs no code."""
AGAIN = timedelta(minutes=1)
"""How long none of them is looked at again."""


class Noted:
    """Notes of gates on their way to the store. Made on the loop that `keep` runs on."""

    def __init__(self, gates: OpenGates) -> None:
        self._gates, self._loop = gates, asyncio.get_running_loop()
        self._notes = asyncio.Queue[GateNote]()

    def note(self, note: GateNote) -> None:
        """Take a note, from the thread of any workflow."""
        self._loop.call_soon_threadsafe(self._notes.put_nowait, note)

    async def keep(self) -> None:
        """Bring notes to the store for ever, in order; those of an outage once it is back."""
        while True:
            found = [await self._notes.get()]
            while not self._notes.empty():
                found.append(self._notes.get_nowait())
            await until_written(lambda: self._gates.keep(found))  # noqa: B023 - awaited here
            for _ in found:
                self._notes.task_done()

    async def kept(self) -> None:
        """Wait until all that was noted is in the store."""
        await self._notes.join()

    async def look(self, client: Client, workflows: Sequence[str]) -> None:
        """Strike off cases that have closed, and tell how many gates are open in all others.

        Raises RPCError if the Temporal service does not answer.
        """
        cases = await self._gates.unseen(AGAIN, LOOKS)
        ended = await asyncio.gather(*(_closed(client, case) for case in cases))
        if cases:
            closed = [case for case, over in zip(cases, ended, strict=True) if over]
            await self._gates.looked(cases, closed)
        counted = await self._gates.counted()
        for name in workflows:
            level(metrics.OPEN_GATES, counted.get(name, 0), workflow_type=name)


async def _closed(client: Client, case: str) -> bool:
    """Say whether a case has closed, or is gone from the server."""
    try:
        found = await client.get_workflow_handle(case).describe(rpc_timeout=PATIENCE)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return True
        raise
    return found.close_time is not None
