"""A case tells an endpoint what happens to it: signed, each event once, and after its end too."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from runtime.settings import ROOT
from simulator.config import Fault, FaultKind
from store.journal import canonical
from tests.support.world import Handle, World, case_file
from workflows.data.announce import ANNOUNCE, Announced

pytestmark = pytest.mark.server


async def told(here: World) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Give the events the endpoint has, and what each was signed with."""
    found = (await here.http.get("/endpoints/crm")).json()
    return found["posted"], found["signed"]


async def delivered(here: World, case: Handle) -> list[str]:
    """Wait for the announcements of a case, and give what each tells."""
    kinds = []
    async for event in case.fetch_history_events():
        child = event.child_workflow_execution_started_event_attributes
        if child.workflow_type.name == "announce":
            identity = child.workflow_execution.workflow_id
            said = await here.client.get_workflow_handle(identity).result()
            assert Announced.model_validate(said).delivered
            kinds.append(identity.split("/")[1])
    return sorted(kinds)


def shown_by_the_page() -> Callable[[str, dict[str, str], bytes], bool]:
    """Give what docs/operations/webhooks.md shows receivers to check a delivery with."""
    page = (ROOT / "docs/operations/webhooks.md").read_text(encoding="utf-8")
    shown: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], shown)  # noqa: S102 - our own page
    return shown["genuine"]  # type: ignore[no-any-return]


async def test_gates_decisions_and_the_end_are_told_once_and_signed(here: World) -> None:
    """The endpoint is away at first: the case does not wait for it."""
    await here.faults(Fault(service="endpoints", kind=FaultKind.DOWN, times=3))
    handle = await here.begin("due-diligence", case_file("unilever"), memo={ANNOUNCE: "crm"})
    await here.gate(handle)
    await here.decide(handle, "approve", "ana")
    await here.result(handle)

    kinds = await delivered(here, handle)
    events, signed = await told(here)
    assert sorted(e["type"] for e in events) == kinds
    assert {e["subject"] for e in events} == {handle.id}
    [end] = [e["data"] for e in events if e["type"] == "braid.case.completed"]
    assert (end["process"], end["outcome"]) == ("due-diligence", "approve")
    [opened] = [e["data"]["gate"] for e in events if e["type"] == "braid.gate.opened"]
    decided = [e["data"] for e in events if e["type"] == "braid.gate.decided"]
    assert [(d["gate"], d["verdict"], d["by"], d["settled"]) for d in decided] == [
        (opened, "approve", "ana", True)
    ]
    secret = (here.settings.data / "webhook-keys").read_text("ascii").strip()
    genuine = shown_by_the_page()
    for event, headers in zip(events, signed, strict=True):
        body = canonical(event).encode()
        assert genuine(secret, headers, body)
        assert not genuine(secret, headers, body + b" ")
        assert headers["webhook-id"] == event["id"]
    assert "Unilever" not in json.dumps(events), "names and enumerated words, no customer"


async def test_a_cancelled_case_tells_so_and_a_silent_one_nothing(here: World) -> None:
    given = case_file("unilever")
    silent = await here.begin("due-diligence", given)
    handle = await here.begin("due-diligence", given, memo={ANNOUNCE: "crm"})
    for one in (silent, handle):
        await here.gate(one)
        await one.cancel()
        with pytest.raises(WorkflowFailureError):
            await one.result()
    assert await delivered(here, handle) == ["braid.case.cancelled", "braid.gate.opened"]
    events, _ = await told(here)
    assert {e["subject"] for e in events} == {handle.id}
