"""Strategies on the server, against the simulator's vendors over HTTP, in both grades."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import worker
from deployed import WORKFLOWS as DEPLOYED
from simulator.config import Fault, FaultKind
from store.estimates import EstimateRow, Estimates, Snapshot, WireCall
from tests.flows.strategies import ROLE, Asked, Counted, Remarks, Said, Strategist, Voting, strategy
from tests.support.flows import Flows
from tests.support.world import World, world
from workflows.data import answers
from workflows.grades import GRADE, Grade

pytestmark = pytest.mark.server
WORKFLOWS = (Strategist, Voting)
either = pytest.mark.parametrize("grade", list(Grade))


@pytest.fixture(autouse=True)
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deploy the test workflow beside the product's."""
    monkeypatch.setattr(worker, "WORKFLOWS", (*DEPLOYED, *WORKFLOWS))
    monkeypatch.setattr(worker, "STEPS", (strategy,))
    monkeypatch.setitem(answers.ANSWERS, "Remarks", Remarks)


@asynccontextmanager
async def flows(address: str, data: Path) -> AsyncIterator[tuple[World, Flows]]:
    async with world(address, data) as here:
        made = Flows(here.client, here.queue, WORKFLOWS, here.started)
        yield here, made


async def said(here: Flows, grade: Grade, **asked: Any) -> Said:
    """Run a strategy; its history must replay."""
    result = await here.run(Strategist, Asked(**asked), memo={GRADE: grade}, result_type=Said)
    return Said.model_validate(result)


@either
async def test_a_sure_first_model_is_the_only_one_that_is_billed(
    address: str, tmp_path: Path, grade: Grade
) -> None:
    async with flows(address, tmp_path) as (here, made):
        found = await said(made, grade, how="cascade")
        billed = (await here.book())["billed"]
    assert found.favourable is True
    assert found.cascade is not None
    first, *others = found.cascade.replies
    assert (first.state, {r.state for r in others}) == ("accepted", {"not_asked"})
    assert billed == {first.model.partition("/")[0]: 1}
    assert found.cascade.usd > 0


@either
async def test_votes_of_one_model_are_each_paid_for(
    address: str, tmp_path: Path, grade: Grade
) -> None:
    async with flows(address, tmp_path) as (here, made):
        found = await said(made, grade, how="vote")
        billed = (await here.book())["billed"]
    assert found.vote is not None
    assert found.vote.votes == {"True": 3}
    assert sum(billed.values()) == 3
    assert "samples of one model" in found.vote.correlated


@either
async def test_a_straggler_is_hedged_at_another_vendor_and_given_up(
    address: str, tmp_path: Path, grade: Grade
) -> None:
    async with flows(address, tmp_path) as (here, made):
        await here.faults(Fault(service="openai", kind=FaultKind.SLOW, seconds=60))
        found = await said(made, grade, how="hedge", after=0.3)
        billed = (await here.book())["billed"]
    assert found.favourable is True
    assert found.hedge is not None
    first, second = found.hedge.replies
    assert (first.state, second.state) == ("cancelled", "accepted")
    assert not second.model.startswith("openai/")
    assert (found.hedge.second, found.hedge.uncertain) == ("first was late", 1)
    assert billed == {"openai": 1, second.model.partition("/")[0]: 1}


async def test_a_hedge_waits_for_the_learned_p95_and_its_loser_is_no_quick_call(
    address: str, tmp_path: Path
) -> None:
    async with flows(address, tmp_path) as (here, made):
        kept, now = Estimates(here.store), here.store.clock()
        models = here.settings.models
        head = models.ref(models.roles[ROLE][0])
        row = EstimateRow("", "", head.vendor, head.model, True, n=50, p95=0.4, body="{}")
        await kept.keep(Snapshot(1, now, 0, 50), [row], [])
        await here.faults(Fault(service=head.vendor, kind=FaultKind.SLOW, seconds=60))
        found = await said(made, Grade.VISIBLE, how="hedge", after=0)
        ended: list[WireCall] = []
        while len(ended) < 2:  # the loser's claim is closed a moment after its cancel
            ended = await kept.ended(now, here.store.clock())
    assert found.hedge is not None
    assert (found.hedge.after, found.hedge.second) == (timedelta(seconds=0.4), "first was late")
    ends = {call.vendor: (call.given_up, call.answered, call.simulated) for call in ended}
    assert ends.pop(head.vendor) == (True, False, True), "it only says that it took longer"
    assert list(ends.values()) == [(False, True, True)]


@either
async def test_a_quick_failure_is_replaced_without_waiting(
    address: str, tmp_path: Path, grade: Grade
) -> None:
    async with flows(address, tmp_path) as (here, made):
        await here.faults(Fault(service="openai", kind=FaultKind.REFUSAL))
        found = await said(made, grade, how="hedge", after=600)
    assert found.hedge is not None
    assert (found.hedge.second, found.hedge.replies[0].state) == ("first failed", "failed")
    assert "ModelRefused" in found.hedge.replies[0].why
    assert found.hedge.replies[0].usd > 0, "a refusal is billed"


@either
async def test_items_a_packed_answer_lacks_are_asked_alone(
    address: str, tmp_path: Path, grade: Grade
) -> None:
    """Of the first pack every third item is left out, and one garbled."""
    async with flows(address, tmp_path) as (here, made):
        await here.faults(Fault(service="openai", kind=FaultKind.MISSING_ITEMS, times=1))
        found = await said(made, grade, how="pack")
        billed = (await here.book())["billed"]
    assert found.ids == tuple(f"i{n}" for n in range(12))
    assert found.pack is not None
    assert {why.partition(":")[0] for why in found.pack.again.values()} == {"missing", "malformed"}
    assert sum(billed.values()) == len(found.pack.calls) == 2 + len(found.pack.again) < 12
    assert found.pack.unanswered == {}


async def test_a_process_adds_up_what_its_voters_cost(address: str, tmp_path: Path) -> None:
    async with flows(address, tmp_path) as (here, made):
        found = Counted.model_validate(await made.run(Voting, result_type=Counted))
        billed = (await here.book())["billed"]
    assert found.cost.calls == sum(billed.values()) > 1
    assert found.cost.usd == found.votes.usd > 0
