"""Doors of the worker that the command line opens itself: items in, results out."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from temporalio.client import ActivityFailureError, Client
from temporalio.exceptions import TimeoutError as TimedOut

from cli.cases import LOW, PATIENCE
from cli.errors import Trouble
from workflows import calls
from workflows.calls import HEARTBEAT, MAIN_QUEUE, Call, retries
from workflows.data.chunk import ItemSource
from workflows.data.spread import (
    MOST_BYTES,
    Item,
    ItemBatch,
    ItemResult,
    KeptList,
    ResultPage,
    ResultQuery,
    SpreadRef,
)
from workflows.errors import reason
from workflows.patterns.spread_work import work_order

MOST_ITEMS = 500
"""Items sent in one message, at most."""
INPUTS = "inputs"
"""Name of a batch's list of items in the store; its scope is the batch."""


async def opened(client: Client, call: Call[Any, Any], given: Any, id: str, queue: str) -> Any:
    """Open one door of the worker, outside of any workflow. Raises Trouble if nobody answers."""
    try:
        return await client.execute_activity(
            call.name,
            given,
            id=id,
            task_queue=queue,
            result_type=call.output,
            start_to_close_timeout=call.timeout,
            schedule_to_start_timeout=PATIENCE,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=retries(call.attempts),
            priority=LOW,
        )
    except ActivityFailureError as error:
        if isinstance(error.cause, TimedOut):
            raise Trouble(
                f"no worker took {call.name!r} within {PATIENCE.seconds} s; start one with"
                " `make worker` (or the whole stack with `make stack`)"
            ) from error
        raise Trouble(f"{call.name}: {reason(error.cause)}") from error


async def keep(
    client: Client,
    batch: str,
    items: Iterable[Item],
    total: int,
    tell: Callable[[int], None],
    queue: str = MAIN_QUEUE,
) -> ItemSource:
    """Send items to the store, some hundred at once; `tell` hears how many are there."""
    sent = 0
    for some in _parts(items):
        given = ItemBatch(scope=batch, list=INPUTS, first=sent, items=tuple(some))
        await opened(client, calls.KEEP_ITEMS, given, f"{batch}-inputs-{sent}", queue)
        tell(sent := sent + len(some))
    about = KeptList(scope=batch, list=INPUTS, total=total).model_dump()
    return ItemSource(page=work_order(calls.KEPT_ITEMS), about=about)


async def results(
    client: Client, ref: SpreadRef, asked_by: str, *, since: str = "", queue: str = MAIN_QUEUE
) -> AsyncIterator[ItemResult]:
    """Read results page by page: all by their keys or, with `since`, those kept later."""
    query = ResultQuery(ref=ref, since=since, limit=MOST_ITEMS)
    while True:
        id = f"{asked_by}-results-{query.since}-{query.after}"
        page: ResultPage = await opened(client, calls.SPREAD_RESULTS, query, id, queue)
        for result in page.results:
            yield result
        if page.next is None:
            return
        update = {"after": page.next} | ({"since": page.results[-1].at} if since else {})
        query = query.model_copy(update=update)


def _parts(items: Iterable[Item]) -> Iterable[list[Item]]:
    """Give items in lists that fit a message."""
    part: list[Item] = []
    size = 0
    for item in items:
        more = len(item.model_dump_json())
        if part and (len(part) == MOST_ITEMS or size + more > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(item)
        size += more
    if part:
        yield part
