"""Forks and resets on the real server, against the simulator's vendors; what is paid is counted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from temporalio.client import WorkflowFailureError

import worker
from cli import forking, resetting
from cli.cases import Handle
from cli.errors import BadInput, Trouble
from cli.forking import known_of as known
from cli.replaying import replay
from deployed import WORKFLOWS
from simulator.config import Fault, FaultKind
from tests.flows.again import Topic, Writer, Written
from tests.support.flows import Flows
from tests.support.world import World, world

pytestmark = pytest.mark.server

GIVEN = Topic(case="r", about="UNILEVER PLC")
FAULT = Fault(service="gemini", kind=FaultKind.ERROR, status=400)


@asynccontextmanager
async def writing(address: str, data: Path) -> AsyncIterator[tuple[World, Flows]]:
    async with world(address, data) as here:
        yield here, Flows(here.client, here.queue, (Writer,), here.started)


@pytest.fixture(autouse=True)
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "WORKFLOWS", (*WORKFLOWS, Writer))


async def billed(here: World) -> dict[str, int]:
    bills: dict[str, int] = (await here.book())["billed"]
    return {vendor: count for vendor, count in bills.items() if count}


async def test_a_fork_takes_no_id_twice_and_no_step_that_is_none(
    address: str, tmp_path: Path
) -> None:
    async with writing(address, tmp_path) as (here, flows):
        parent = await flows.start(Writer, GIVEN, id=f"writer-{tmp_path.name}")
        await parent.result()
        events, report = await known(parent)
        with pytest.raises(BadInput, match=r"4 steps are called 'ask_model'.*5 \(ask_model\)"):
            forking.planned(events, report, "ask_model")
        plan = forking.planned(events, report, "check/ask_model")
        with pytest.raises(BadInput, match="already; choose another --id"):
            await forking.start(here.client, plan, name=parent.id)
        told = "\n".join(forking.told(plan))
        assert "asked anew: check: ask_model" in told
        assert "3 model replies" in told
        assert "people are asked again" in told


async def forked(here: World, parent: Handle, at: str, *, only: bool) -> tuple[Written, Handle]:
    plan = forking.planned(*await known(parent), at, only=only)
    child = await forking.start(here.client, plan)
    here.started.append(child)
    return Written.model_validate(await child.result()), child


async def test_a_fork_pays_for_its_step_and_nothing_before_it(address: str, tmp_path: Path) -> None:
    async with writing(address, tmp_path) as (here, flows):
        parent = await flows.start(Writer, GIVEN, id=f"writer-{tmp_path.name}")
        first = Written.model_validate(await parent.result())
        once = {"openai": 1, "gemini": 1, "anthropic": 1}
        assert (await billed(here), first.reused) == (once, 1), "the check reads the facts back"

        alone, _ = await forked(here, parent, "5", only=True)
        assert alone.texts == first.texts
        assert (await billed(here), alone.reused) == ({**once, "openai": 2}, 3)

        later, child = await forked(here, parent, "11", only=False)
        assert later.texts == first.texts
        assert (await billed(here), later.reused) == ({"openai": 3, "gemini": 2, "anthropic": 2}, 1)
        (_, before), (_, after) = await known(parent), await known(child)
        said = forking.compared(before, after)
        assert (said["asked_anew"], said["read_back"]) == (3, 1)
        assert forking.paid(after) > 0
        await flows.replayed(child)


async def test_a_failed_run_is_taken_up_again_at_the_step_that_failed(
    address: str, tmp_path: Path
) -> None:
    async with writing(address, tmp_path) as (here, flows):
        await here.faults(FAULT)
        handle = await flows.start(Writer, GIVEN, id=f"writer-{tmp_path.name}")
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert await billed(here) == {"openai": 1}
        await here.faults()

        while handle.id not in await resetting.failed(here.client, "report-writer"):
            continue  # the list of cases lags a little
        plan = await resetting.planned(here.client, handle.id)
        assert [span.name for span in plan.kept] == ["ask_model"]
        assert plan.at.vendor in ("", "gemini")
        run = await resetting.reset(here.client, plan, "the vendor is back")
        again = here.client.get_workflow_handle(handle.id, run_id=run)
        written = Written.model_validate(await again.result())
        assert await billed(here) == {"openai": 1, "gemini": 1, "anthropic": 1}
        assert (len(written.texts), written.reused) == (3, 1)

        assert handle.id not in await resetting.failed(here.client, "report-writer")
        with pytest.raises(Trouble, match="it is completed; nothing failed"):
            await resetting.planned(here.client, handle.id)
        events, _ = await known(again)
        found = await replay(events, here.client.data_converter, workflows=[Writer])
        assert found.agrees, found.comparison
