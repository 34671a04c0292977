"""Counts what becomes of calls and what their replies cost: the metrics of one worker."""

import asyncio
from collections.abc import Awaitable
from decimal import Decimal

from activities.journalled import Answered, Fetched
from activities.posture import NONSENSE
from activities.wire import LeftAlone, NotSent, WireError
from runtime.metrics import count, process, record
from store.journal import CallEntry, StoredReply
from workflows.data.metrics import CALLS, COST, PERMIT_WAIT


async def counted(entry: CallEntry, fetching: Awaitable[Fetched]) -> Fetched:
    """Fetch, and count how it ended. Raises what the fetching raises."""
    try:
        found = await fetching
    except (Answered, WireError, asyncio.CancelledError) as ended:
        count(CALLS, service=entry.vendor, outcome=_ended(ended))
        raise
    if found.reused:
        count(CALLS, service=entry.vendor, outcome="cache" if found.cached else "journal")
        return found
    count(CALLS, service=entry.vendor, outcome="sent")
    record(PERMIT_WAIT, found.waited, service=entry.vendor)
    if entry.model:
        paid(entry, found.reply)
    return found


def paid(entry: CallEntry, reply: StoredReply) -> None:
    """Count what a model's reply cost."""
    count(
        COST,
        int(reply.usd * Decimal(1_000_000)),
        service=entry.vendor,
        model=entry.model,
        process=process(),
        simulated="yes" if reply.simulated else "no",
    )


def _ended(error: BaseException) -> str:
    match error:
        case LeftAlone():
            return "left_alone"
        case NotSent():
            return "not_sent"
        case Answered() if error.advice.code != NONSENSE:
            return "refused"
        case asyncio.CancelledError():
            return "given_up"
        case _:
            return "lost"
