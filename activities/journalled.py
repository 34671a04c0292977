"""An exchange under the journal: claimed before it is sent, its raw reply stored at once."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from activities.posture import NONSENSE, Advice, Posture
from activities.wire import HttpRequest, NotSent, Reply, Wire, WireError
from runtime.settings import Endpoint
from store.journal import CallEntry, Claim, Journal, StoredReply

KEPT_HEADERS = frozenset(
    {"content-type", "date", "etag", "last-modified", "request-id", "x-request-id"}
)


def worth_keeping(headers: Mapping[str, str]) -> dict[str, str]:
    """Choose the headers a stored reply keeps: what dates it, and what the vendor calls it."""
    return {name: value for name, value in headers.items() if name in KEPT_HEADERS}


class Answered(Exception):
    """The other side answered with an error; `advice` says what to do about it."""

    def __init__(self, advice: Advice) -> None:
        super().__init__(advice.detail)
        self.advice = advice


@dataclass(frozen=True)
class Fetched:
    """A reply, and whether it was read back instead of sent for."""

    reply: StoredReply
    reused: bool


@dataclass(frozen=True)
class Sending:
    """How a call is sent and judged: where to, and what its reply means and cost."""

    service: str
    endpoint: Endpoint
    request: HttpRequest
    judge: Callable[[Reply], Advice]
    stored: Callable[[Reply], StoredReply]


async def fetch(journal: Journal, wire: Wire, entry: CallEntry, sending: Sending) -> Fetched:
    """Give the stored reply of a call, or send it and store what comes.

    Raises Answered (an error answer, nothing billed unless it was nonsense), NotSent or Lost.
    Whatever ends the wait after sending leaves a claim that counts as uncertain.
    """
    async with journal.alone(entry.key):
        claim = await journal.claim(entry)
        if isinstance(claim, StoredReply):
            return Fetched(claim, reused=True)
        return Fetched(await _answered(journal, wire, claim, sending), reused=False)


async def _answered(journal: Journal, wire: Wire, claim: Claim, sending: Sending) -> StoredReply:
    reply = await _send(journal, wire, claim, sending)
    advice = sending.judge(reply)
    if advice.posture is not Posture.NONE:
        # Nonsense under 200 may stand for a reply that was made, and billed, and garbled.
        close = journal.lose if advice.code == NONSENSE else journal.refuse
        await close(claim, advice.code)
        raise Answered(advice)
    stored = sending.stored(reply)
    # A reply that arrived is kept even if the call is given up at this very moment.
    await asyncio.shield(journal.settle(claim, stored))
    return stored


async def _send(journal: Journal, wire: Wire, claim: Claim, sending: Sending) -> Reply:
    try:
        return await wire.exchange(sending.service, sending.endpoint, sending.request)
    except NotSent as unreachable:
        await journal.refuse(claim, str(unreachable))
        raise
    except WireError as broken:
        await journal.lose(claim, str(broken))
        raise
    except asyncio.CancelledError:
        await journal.lose(claim, "given up while waiting for the answer")
        raise
