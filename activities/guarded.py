"""Exchanges whose effects the ledger keeps, guarded by the breakers all workers share."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from activities.posture import is_up, judge
from activities.wire import HttpRequest, LeftAlone, Reply, Wire, WireError
from runtime.settings import Endpoint
from store.breakers import BreakerRule, Breakers, CircuitOpen
from store.database import Store
from store.errors import StoreAway

T = TypeVar("T")


class Guarded:
    """Sends requests while the service's breaker lets them pass, and tells it how they ended."""

    def __init__(self, store: Store, wire: Wire, rule: BreakerRule | None = None) -> None:
        self._store, self._wire = store, wire
        self._breakers = Breakers(store, rule)

    async def exchange(self, service: str, endpoint: Endpoint, request: HttpRequest) -> Reply:
        """Send one request. Raises NotSent (LeftAlone while the breaker is open) and Lost."""

        def well(reply: Reply) -> bool:
            advice = judge(service, reply, self._store.clock(), wants_json=False)
            return reply.status < 300 or is_up(advice)

        return await self.calling(
            service, partial(self._wire.exchange, service, endpoint, request), well
        )

    async def calling(
        self, service: str, call: Callable[[], Awaitable[T]], well: Callable[[T], bool]
    ) -> T:
        """Make a call of any kind; `well` says whether its answer shows a service that works."""
        await self._pass(service)
        try:
            answer = await call()
        except WireError:
            await self._note(service, good=False)
            raise
        await self._note(service, good=well(answer))
        return answer

    async def _pass(self, service: str) -> None:
        try:
            async with self._store.reading() as connection:
                probing = await self._breakers.check(connection, service)
            if probing:  # one call of all workers is the probe: only that takes a turn to write
                async with self._store.writing() as connection:
                    if await self._breakers.check(connection, service):
                        await self._breakers.probe(connection, service)
        except CircuitOpen as left:
            raise LeftAlone(str(left), left.until - self._store.clock()) from left

    async def _note(self, service: str, *, good: bool) -> None:
        """Tell the breaker, if the store takes it: what was done counts, whatever is noted."""
        with suppress(StoreAway):
            async with self._store.writing() as connection:
                await self._breakers.note(connection, service, good=good)
