"""What the tests of events and shared state have in common: services, watching, every run."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from temporalio.service import RPCError

from activities.services import ServiceActivities
from runtime.connection import connect_to
from tests.support.flows import Answers, Flows, Handle, flowing
from workflows import calls
from workflows.services.keeper import Keeper
from workflows.services.topic import Topic


@asynccontextmanager
async def served(
    address: str, workflows: Sequence[type], answers: Answers | None = None
) -> AsyncIterator[Flows]:
    """Serve test workflows with the keeper, topics and what starts them."""
    services = ServiceActivities(await connect_to(address, "services"))
    given: Answers = {
        calls.KEEPER: services.keeper_message,
        calls.TOPIC: services.topic_message,
        **(answers or {}),
    }
    async with flowing(address, workflows=[*workflows, Keeper, Topic], answers=given) as here:
        yield here


def service(here: Flows, kind: str, name: str) -> Handle:
    """Give a service of this deployment; it is ended with the test."""
    handle = here.client.get_workflow_handle(
        f"{kind}-{name}{here.queue.removeprefix(calls.MAIN_QUEUE)}"
    )
    here.started.append(handle)
    return handle


async def until(handle: Handle, query: str, ready: Callable[[Any], bool]) -> Any:
    """Wait, event by event, until a query's answer satisfies `ready`; runs may change."""
    while True:
        seen = (await handle.describe()).history_length  # read first: what comes later wakes us
        answer = await handle.query(query)
        if ready(answer):
            return answer
        with suppress(RPCError):  # the run we listened to is over
            async for event in handle.fetch_history_events(wait_new_event=True):
                if event.event_id > seen:
                    break


async def runs(here: Flows, handle: Handle) -> list[Handle]:
    """Give every run of a workflow, the first one first."""
    run_id: str | None = (await handle.describe()).run_id
    found: list[Handle] = []
    while run_id:
        one = here.client.get_workflow_handle(handle.id, run_id=run_id)
        found.append(one)
        async for event in one.fetch_history_events(page_size=1):
            started = event.workflow_execution_started_event_attributes
            run_id = started.continued_execution_run_id
            break
    return found[::-1]
