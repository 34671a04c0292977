"""OpenAI's background mode: a long call that a crash does not make us pay for again.

The vendor takes the question at once and gives an id, which is kept in the store; the answer is
fetched by it, by whichever attempt is alive then. The vendor must keep the answer for that (about
ten minutes, guide "Background mode"), so it is not for cases under zero data retention. A crash
between the question and the keeping of its id leaves an uncertain call, as without it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote

from temporalio import activity

from activities.posture import RETRYABLE
from activities.wire import HttpRequest, Lost, Reply, Wire, WireError
from runtime.settings import Endpoint
from store.database import Store
from store.journal import Claim
from store.lasting import until_written
from store.remotes import Remotes

FIRST_LOOK, LAST_LOOK = 0.1, 5.0
"""Seconds between two looks: the first, and the most they grow to, half as much again each time."""
UNDER_WAY = ("queued", "in_progress")

Resumed = Callable[[int], Awaitable[None]]
"""Told the number of the earlier claim whose call is gone on with: it was not lost after all."""


@dataclass(frozen=True)
class Background:
    """Asks in the background where `Wire.exchange` would ask and wait.

    `longest` is in seconds. So many looks in a row as `patience` says may fail before the call
    counts as lost; its id stays known.
    """

    store: Store
    wire: Wire
    longest: float = 3000.0
    patience: int = 20

    async def exchange(
        self,
        claim: Claim,
        service: str,
        endpoint: Endpoint,
        request: HttpRequest,
        *,
        resumed: Resumed,
        on_headers: Callable[[], None] | None = None,
    ) -> Reply:
        """Give the answer to a call that was claimed: one under way from before, else a new one.

        Raises NotSent or Lost, as `Wire.exchange` does.
        """
        remotes = Remotes(self.store)
        run = _Run(self.wire, remotes, claim, service, endpoint, request, self.patience)
        try:
            async with asyncio.timeout(self.longest):
                return await run.reply(resumed, on_headers)
        except TimeoutError as late:
            raise Lost(f"{service} did not answer within {self.longest:g} s") from late
        except asyncio.CancelledError:
            if activity.in_activity() and not activity.is_worker_shutdown():
                await asyncio.shield(run.call_off())
            raise


def in_background(request: HttpRequest) -> HttpRequest:
    """Make of a question one that is taken at once and answered later; it is kept for that."""
    body = json.loads(request.content)
    plain = {k: v for k, v in body.items() if k not in ("stream", "stream_options")}
    content = json.dumps(plain | {"background": True, "store": True}, separators=(",", ":"))
    return replace(request, content=content.encode(), streamed=False)


@dataclass
class _Run:
    """One call under way. `remote` is the vendor's id, empty before it is known."""

    wire: Wire
    remotes: Remotes
    claim: Claim
    service: str
    endpoint: Endpoint
    request: HttpRequest
    patience: int
    remote: str = ""

    async def reply(self, resumed: Resumed, on_headers: Callable[[], None] | None) -> Reply:
        if earlier := await until_written(partial(self.remotes.take_over, self.claim)):
            self.remote = earlier.id
            if earlier.claim != self.claim.id:
                await resumed(earlier.claim)
            reply = await self._awaited()
            if reply.status != 404:
                return reply
            await self._forget()  # kept no longer: ask anew
        return await self._asked(on_headers)

    async def call_off(self) -> None:
        """Stop a call nobody waits for any more; it may be too late for that."""
        if self.remote:
            with suppress(WireError):
                await self._exchange("POST", "/cancel")
            await self._forget()

    async def _forget(self) -> None:
        await until_written(partial(self.remotes.forget, self.claim.entry.key))

    async def _asked(self, on_headers: Callable[[], None] | None) -> Reply:
        sent = in_background(self.request)
        reply = await self.wire.exchange(self.service, self.endpoint, sent, on_headers=on_headers)
        found = _told(reply)
        self.remote = str(found.get("id") or "")
        if reply.status >= 300 or not self.remote:
            return reply
        await asyncio.shield(until_written(partial(self.remotes.keep, self.claim, self.remote)))
        return await self._awaited()

    async def _awaited(self) -> Reply:
        """Look until the answer is there, or an error that will not pass."""
        wait, failed = FIRST_LOOK, 0
        while True:
            try:
                reply = await self._exchange("GET")
            except WireError:
                failed += 1
                if failed > self.patience:
                    raise
            else:
                failed = failed + 1 if reply.status in RETRYABLE else 0
                if failed > self.patience or not (
                    failed or _told(reply).get("status") in UNDER_WAY
                ):
                    return await self._ended(reply)
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, LAST_LOOK)

    async def _ended(self, reply: Reply) -> Reply:
        """Give a final answer; one that failed at the vendor is not to be found by its id again."""
        if _told(reply).get("status") in ("failed", "cancelled"):
            await self._forget()
        return reply

    async def _exchange(self, method: str, action: str = "") -> Reply:
        path = f"{self.request.path}/{quote(self.remote, safe='')}{action}"
        sent = replace(self.request, method=method, path=path, content=b"", streamed=False)
        return await self.wire.exchange(self.service, self.endpoint, sent)


def _told(reply: Reply) -> dict[str, object]:
    try:
        value = json.loads(reply.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
