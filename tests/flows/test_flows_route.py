"""Routes on the server: the path is shown, load is read and recorded, and all of it replays."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.load import LoadActivities
from runtime.connection import connect_to
from runtime.conversion import DATA_CONVERTER
from tests.flows.route import BUSY_FROM, VENDOR, Crowd, Order, Routed, TwoLogs
from tests.support.flows import PATIENCE, Answers, Flows, Handle, flow_worker, flowing
from workflows.calls import MAIN_QUEUE, READ_LOAD, READ_SERVICE
from workflows.data.route import (
    PATH_ATTRIBUTE,
    Load,
    LoadQuery,
    RouteRecord,
    ServiceQuery,
    ServiceView,
)

pytestmark = pytest.mark.server
WORKFLOWS = (Routed, TwoLogs, Crowd)
PATH = SearchAttributeKey.for_keyword(PATH_ATTRIBUTE)
UPSERTS = (
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
    EventType.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED,
)


def real(client: Client) -> Answers:
    """Answer as the product does."""
    activities = LoadActivities(client)
    return {READ_LOAD: activities.read_load, READ_SERVICE: activities.read_service}


async def shown(handle: Handle) -> tuple[str | None, Mapping[str, Any]]:
    """Give the path in the search attribute, and the memo."""
    described = await handle.describe()
    return described.typed_search_attributes.get(PATH), await described.memo()


async def upserts(handle: Handle) -> int:
    return sum([e.event_type in UPSERTS async for e in handle.fetch_history_events()])


async def records(handle: Handle) -> list[RouteRecord]:
    said = await handle.query("routes")
    return [RouteRecord.model_validate(one) for one in said]


async def backlog(client: Client, queue: str, count: int) -> Load:
    """Read a queue's load, as the worker on `queue` does, until so many wait there."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, task_queue=queue)
    read = LoadActivities(client).read_load
    async with asyncio.timeout(PATIENCE):
        while True:
            load: Load = await environment.run(read, LoadQuery(queues=(VENDOR,)))
            if load.queues[0].backlog == count:
                return load


async def test_the_path_taken_last_is_a_search_attribute_and_the_query_says_why(
    address: str,
) -> None:
    client = await connect_to(address)
    async with flowing(address, WORKFLOWS, real(client)) as here:
        handle = await here.start(Routed, Order(times=3, last_urgent=True))
        assert await handle.result() == ["full", "full", "short"]
        assert await shown(handle) == ("short", {})
        assert await upserts(handle) == 2
        said = await records(handle)
        assert [(r.path, r.factors[1].value) for r in said] == [
            ("full", "no"),
            ("full", "no"),
            ("short", "yes"),
        ]
        assert said[0].policy == "depth-1"
        assert said[0].load[0].backlog == 0
        assert said[0].at is not None
        await here.replayed(handle)


async def test_under_load_the_simpler_path_is_taken_and_replays_when_all_is_calm_again(
    address: str,
) -> None:
    client = await connect_to(address)
    async with flowing(address, WORKFLOWS, real(client)) as here:
        lonely = VENDOR + here.queue.removeprefix(MAIN_QUEUE)
        crowd = await here.start(Crowd, lonely)
        load = await backlog(here.client, here.queue, BUSY_FROM)
        assert load.queues[0].queue == VENDOR
        handle = await here.start(Routed, Order())
        assert await handle.result() == ["short"]
        said = (await records(handle))[0]
        assert said.load[0].backlog == BUSY_FROM
        assert said.load[0].level == "busy"
        assert said.row == "row 1: load=any urgent=any -> short"
        await crowd.terminate("the crowd goes home")
        await here.replayed(handle)
        assert await shown(handle) == ("short", {})


@pytest.fixture
async def bare(address: str) -> AsyncIterator[Flows]:
    """A worker in a namespace that knows none of our search attributes."""
    name = f"bare-{secrets.token_hex(4)}"
    there = await connect_to(address)
    request = RegisterNamespaceRequest(
        namespace=name,
        workflow_execution_retention_period=Duration(seconds=86_400),
    )
    await there.workflow_service.register_namespace(request)
    client = await Client.connect(address, namespace=name, data_converter=DATA_CONVERTER)
    queue = f"{MAIN_QUEUE}-{name}"
    async with flow_worker(client, queue, name, WORKFLOWS, real(client)):
        here = Flows(client, queue, WORKFLOWS)
        yield here
        await here.end_all()


async def test_a_service_without_the_attribute_gets_a_memo_and_no_workflow_is_stuck(
    bare: Flows,
) -> None:
    handle = await bare.start(Routed, Order())
    async with asyncio.timeout(PATIENCE):
        assert await handle.result() == ["full"]
    assert await shown(handle) == (None, {PATH_ATTRIBUTE: "full"})
    await bare.replayed(handle)


async def test_where_nobody_can_say_what_the_service_knows_the_memo_is_used(address: str) -> None:
    asked: list[ServiceQuery] = []

    async def broken(query: ServiceQuery) -> ServiceView:
        asked.append(query)
        raise ApplicationError("no answer", type="ServiceUnavailable", non_retryable=True)

    client = await connect_to(address)
    answers = {**real(client), READ_SERVICE: broken}
    async with flowing(address, WORKFLOWS, answers) as here:
        handle = await here.start(Routed, Order(times=2, last_urgent=True))
        assert await handle.result() == ["full", "short"]
        assert await shown(handle) == (None, {PATH_ATTRIBUTE: "short"})
        assert asked == [ServiceQuery(keywords=(PATH_ATTRIBUTE,))]


async def test_load_nobody_can_read_is_recorded_as_unknown(address: str) -> None:
    async def broken(query: LoadQuery) -> Load:
        raise ApplicationError("no answer", type="ServiceUnavailable", non_retryable=True)

    client = await connect_to(address)
    async with flowing(address, WORKFLOWS, {**real(client), READ_LOAD: broken}) as here:
        handle = await here.start(Routed, Order())
        assert await handle.result() == ["short"]
        load = (await records(handle))[0].load[0]
        assert (load.level, load.why) == ("unknown", "ServiceUnavailable: no answer")


async def test_a_second_log_in_one_process_is_refused(address: str) -> None:
    async with flowing(address, WORKFLOWS) as here:
        handle = await here.start(TwoLogs, run_timeout=timedelta(seconds=20))
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
    assert "a process keeps one RouteLog" in str(caught.value.cause)
