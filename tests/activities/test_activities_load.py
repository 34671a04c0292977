"""Load and the service's search attributes, read from a real server."""

import secrets
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.journalled import CallDesk
from activities.load import LoadActivities
from activities.wire import Wire
from runtime.connection import connect_to
from runtime.conversion import DATA_CONVERTER
from runtime.server import add_attributes
from runtime.settings import Settings
from store.admission import Admission
from store.database import Store
from store.limits import Override, override
from workflows.data.route import (
    PATH_ATTRIBUTE,
    Load,
    LoadQuery,
    QueueLoad,
    ServiceQuery,
    ServiceView,
)

pytestmark = pytest.mark.server
ASKED = ServiceQuery(keywords=("Nowhere", PATH_ATTRIBUTE, "Customer"))


@pytest.fixture
async def client(address: str) -> Client:
    return await connect_to(address)


@pytest.fixture
async def elsewhere(address: str, client: Client) -> Client:
    """A client of a fresh namespace."""
    name = f"other-{secrets.token_hex(4)}"
    request = RegisterNamespaceRequest(
        namespace=name, workflow_execution_retention_period=Duration(seconds=86_400)
    )
    await client.workflow_service.register_namespace(request)
    return await Client.connect(address, namespace=name, data_converter=DATA_CONVERTER)


async def add(client: Client, kind: IndexedValueType.ValueType) -> None:
    """Add the path's attribute to the client's namespace, with this type."""
    request = AddSearchAttributesRequest(
        namespace=client.namespace, search_attributes={PATH_ATTRIBUTE: kind}
    )
    await client.operator_service.add_search_attributes(request)


async def on_queue(queue: str, work: Any, request: Any) -> Any:
    """Do an activity as the worker on `queue` does."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, task_queue=queue)
    return await environment.run(work, request)


async def test_the_embedded_server_knows_the_paths_attribute(client: Client) -> None:
    view = await LoadActivities(client).read_service(ASKED)
    assert view == ServiceView(keywords=(PATH_ATTRIBUTE, "Customer"))


async def test_a_namespace_is_asked_for_its_own_attributes(elsewhere: Client) -> None:
    activities = LoadActivities(elsewhere)
    assert await activities.read_service(ASKED) == ServiceView(keywords=())
    await add(elsewhere, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD)
    assert await activities.read_service(ASKED) == ServiceView(keywords=(PATH_ATTRIBUTE,))


async def test_a_namespace_from_before_gets_the_attributes_when_the_server_starts(
    elsewhere: Client,
) -> None:
    for _start in range(2):
        await add_attributes(elsewhere)
        view = await LoadActivities(elsewhere).read_service(ASKED)
        assert view == ServiceView(keywords=(PATH_ATTRIBUTE, "Customer"))


async def test_an_attribute_of_another_type_does_not_count(elsewhere: Client) -> None:
    """A word upserted to a number would stop the workflow as an unknown attribute does."""
    await add(elsewhere, IndexedValueType.INDEXED_VALUE_TYPE_INT)
    assert await LoadActivities(elsewhere).read_service(ASKED) == ServiceView(keywords=())


async def test_queues_nobody_uses_are_empty_and_come_in_the_order_asked(client: Client) -> None:
    queues = ("llm-b", "llm-a")
    found = await on_queue("braid-x1", LoadActivities(client).read_load, LoadQuery(queues=queues))
    empty = [QueueLoad(queue=q, backlog=0, oldest=timedelta(0)) for q in queues]
    assert found == Load(queues=tuple(empty))


async def test_a_vendor_that_is_paused_or_left_alone_is_shut(
    client: Client, tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path)
    store, wire = await Store.open(settings.database), Wire(settings)
    desk = CallDesk(store, wire, Admission(store, settings.models.limits, "w"))
    await override(store, "gemini", "", Override(paused=True))
    async with store.writing() as connection:
        for _ in range(desk.breakers.rule.at_least):
            await desk.breakers.note(connection, "openai", good=False)
    names = ("openai", "gemini", "anthropic")
    query = LoadQuery(queues=tuple(f"llm-{name}" for name in names))
    found = await on_queue("braid", LoadActivities(client, desk).read_load, query)
    assert [load.shut for load in found.queues] == ["breaker", "paused", ""]
    await desk.close()
    await wire.close()
    await store.close()


async def test_a_service_that_cannot_answer_is_worth_another_attempt(address: str) -> None:
    nowhere = await Client.connect(address, namespace="no-such-namespace")
    activities = LoadActivities(nowhere)
    for work, request in (
        (activities.read_load, LoadQuery(queues=("llm-a",))),
        (activities.read_service, ASKED),
    ):
        with pytest.raises(
            ApplicationError, match=r"the Temporal service: .*no-such-name"
        ) as caught:
            await on_queue("braid", work, request)
        assert caught.value.type == "ServiceUnavailable"
        assert not caught.value.non_retryable
