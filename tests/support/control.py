"""The simulator's control address, as tests use it."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from simulator.config import Fault


class Control:
    """Whoever holds a client of a simulator, as `control`."""

    control: httpx.AsyncClient

    async def faults(self, *faults: Fault) -> None:
        """Set the simulator's faults."""
        wanted = [fault.model_dump(mode="json") for fault in faults]
        (await self.control.put("/_simulator/faults", json=wanted)).raise_for_status()

    async def book(self, until: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
        """Read the simulator's book, again until it says what is waited for."""
        while not until(book := (await self.control.get("/_simulator/book")).json()):
            await asyncio.sleep(0.01)
        return dict(book)
