"""What nobody counts as it happens: a worker looks at queues, breakers and the store now and then.

Every worker tells the same; a dashboard takes the largest.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError

from runtime import backlog
from runtime.gates import Noted
from runtime.metrics import begin_gates, level
from store.breakers import Breakers, BreakerState
from store.database import Store
from store.errors import StoreError
from store.pool_states import held
from store.uncertain import uncertain_of_late
from workflows.data import metrics
from workflows.data.llm import VENDOR_QUEUE

EVERY = 15.0
"""Seconds between two looks: as often as Prometheus asks."""
ENDING = 2.0
"""Seconds that what was noted last has to reach the store."""
KINDS = {"activity": backlog.ACTIVITY, "workflow": backlog.WORKFLOW}
STATES = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Watched:
    """What is looked at: the queues a worker serves, the main one first if it does, the vendors
    asked for certain, and the workflow types.
    """

    queues: Sequence[str]
    vendors: Sequence[str]
    workflows: Sequence[str]


@asynccontextmanager
async def watching(
    client: Client, store: Store, what: Watched, gates: Noted
) -> AsyncIterator[None]:
    """Look every now and then while the block runs, and keep what is noted of gates."""
    begin_gates(client.namespace, what.queues[0], what.workflows)
    busy = [
        asyncio.create_task(_watch(client, store, what, gates)),
        asyncio.create_task(gates.keep()),
    ]
    try:
        yield
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(gates.kept(), ENDING)
        for task in busy:
            task.cancel()
        await asyncio.wait(busy)


async def _watch(client: Client, store: Store, what: Watched, gates: Noted) -> None:
    """Look for ever. Of a Temporal service that is away, what was seen last remains."""
    while True:
        with suppress(RPCError):
            await _look_at_queues(client, what.queues)
        if await _look_at_store(store, what.vendors):
            with suppress(RPCError, StoreError, SQLAlchemyError, OSError):
                await gates.look(client, what.workflows)
        await asyncio.sleep(EVERY)


async def _look_at_queues(client: Client, queues: Sequence[str]) -> None:
    for queue in queues:
        only = ("activity",) if queue.startswith(VENDOR_QUEUE) else tuple(KINDS)
        for name in only:
            waiting, oldest = await backlog.backlog(client, queue, KINDS[name])
            level(metrics.BACKLOG, waiting, queue=queue, kind=name)
            level(metrics.BACKLOG_AGE, oldest.total_seconds(), queue=queue, kind=name)


async def _look_at_store(store: Store, vendors: Sequence[str]) -> bool:
    """Look, and say whether the store answered."""
    try:
        async with asyncio.timeout(EVERY):
            breakers, waiting = await Breakers(store).views(), await held(store)
            uncertain = await uncertain_of_late(store)
    except (SQLAlchemyError, StoreError, OSError, TimeoutError) as away:
        log.warning("the store does not answer", error=type(away).__name__)
        level(metrics.STORE_UP, 0)
        return False
    level(metrics.STORE_UP, 1)
    level(metrics.UNCERTAIN, uncertain)
    states = dict.fromkeys(vendors, BreakerState.CLOSED) | {b.service: b.state for b in breakers}
    for service, state in states.items():
        level(metrics.BREAKER, STATES[state], service=service)
    for service, number in (dict.fromkeys(states, 0) | waiting).items():
        level(metrics.HELD, number, service=service)
    return True
