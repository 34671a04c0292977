"""A query is answered while a dead worker holds a task of the case: what follows still replays."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import TaskQueueKind
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    PollWorkflowTaskQueueRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError

from runtime.release import release
from tests.flows.asked import Asked
from tests.support.flows import Handle, Killable, killable

pytestmark = pytest.mark.server

QUERIES = 3
"""At once: one is taken to see that they have arrived."""
HELD = timedelta(seconds=10)
"""For so long the dead hold the task."""
DEAD = "dead"
"""Who takes a task, or a query, and never answers."""


async def at_rest(handle: Handle) -> bool:
    """Tell whether the other workflow has started and every task of the case is done."""
    known = (await handle.describe()).raw_description
    started = known.pending_children and known.pending_children[0].run_id
    return bool(started) and not known.HasField("pending_workflow_task")


async def take(client: Client, queue: TaskQueue) -> None:
    """Take the next thing a queue has to give."""
    await client.workflow_service.poll_workflow_task_queue(
        PollWorkflowTaskQueueRequest(namespace=client.namespace, task_queue=queue, identity=DEAD)
    )


async def sticky_queue(handle: Handle) -> TaskQueue:
    """Give the queue of the worker that keeps the case: its last task was put there."""
    for event in reversed((await handle.fetch_history()).events):
        queue = event.workflow_task_scheduled_event_attributes.task_queue
        if queue.kind == TaskQueueKind.TASK_QUEUE_KIND_STICKY:
            return queue
    raise AssertionError("no worker keeps it")


async def goes_on(mine: Killable, handle: Handle, other: str) -> None:
    """End the other workflow and have the dead take the task that comes of it."""
    client = mine.flows.client
    await release(client, mine.identity)  # so that the task is not kept for the killed worker
    await client.get_workflow_handle(other).terminate()
    while not (await handle.describe()).raw_description.HasField("pending_workflow_task"):
        pass
    await take(client, TaskQueue(name=mine.flows.queue))


async def held_by_the_dead(handle: Handle) -> bool:
    """Tell whether the task of the case that was recorded last is theirs, and not over."""
    last = (await handle.fetch_history()).events[-1]
    return last.workflow_task_started_event_attributes.identity == DEAD


async def first_answer(asked: Sequence[asyncio.Task[list[str]]]) -> list[str]:
    """Give what is answered first; nothing if it is refused, as it is once a task has failed."""
    with suppress(RPCError):
        return await next(asyncio.as_completed(asked))
    return []


async def asked_in_between(mine: Killable) -> bool:
    """Play it once; tells whether a query was answered while the dead worker held the task."""
    client, other = mine.flows.client, f"nobody-{mine.identity}"
    handle = await mine.flows.start(Asked, other, task_timeout=HELD)
    while not await at_rest(handle):
        pass
    await mine.kill(released=False)
    asked = [asyncio.create_task(handle.query(Asked.heard)) for _ in range(QUERIES)]
    await take(client, await sticky_queue(handle))  # one: the others are there too, to be given up
    await goes_on(mine, handle, other)
    await mine.start()
    hit = await first_answer(asked) == ["ended"] and await held_by_the_dead(handle)
    await handle.signal(Asked.tell)
    assert sorted(await handle.result()) == ["ended", "signalled"]
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    await mine.flows.replayed(handle)
    return hit


async def test_a_query_answered_while_a_dead_worker_holds_a_task_leaves_no_trace(
    address: str, tmp_path: Path
) -> None:
    """Until it was so: a slow machine may give up what was asked too late or too early."""
    async with killable(address, "tests.flows.asked_world", tmp_path) as mine:
        for _ in range(10):
            if await asked_in_between(mine):
                return
    pytest.fail("no query of ten cases was answered while the dead worker held the task")
