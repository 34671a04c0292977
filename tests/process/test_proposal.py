"""Proposal on a real server: fast and full, each reviewer, model and action failing."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from simulator.config import VENDORS, Fault, FaultKind
from tests.support.world import Handle, World, example
from workflows.data.proposal import (
    ProposalAction,
    ProposalCase,
    ProposalOutcome,
    ProposalPath,
    ProposalResult,
)

pytestmark = pytest.mark.server


async def begun(here: World, name: str, **changes: Any) -> Handle:
    case = example(f"proposal/{name}", ProposalCase, **changes)
    return await here.begin("proposal", here.keyed(case))


async def test_simple_goes_fast_and_complex_is_reviewed_refined_acted_on_and_verified(
    here: World,
) -> None:
    fast, full = await asyncio.gather(begun(here, "labels"), begun(here, "fleet"))
    simple, complex_ = await asyncio.gather(
        here.done(fast, ProposalResult), here.done(full, ProposalResult)
    )
    assert (simple.path, simple.rounds, simple.reviews) == (ProposalPath.FAST, 1, {})
    assert complex_.path is ProposalPath.FULL
    assert set(complex_.reviews) == {"technical", "business", "compliance"}
    assert (complex_.rounds, complex_.stopped) == (2, "quality")
    assert complex_.draft is not None
    assert "offline" in complex_.draft.text
    for result in (simple, complex_):
        assert (result.outcome, result.told) == (ProposalOutcome.SENT, "mail")
        assert result.plan == result.done == result.verified == tuple(ProposalAction)
    customer = (await here.http.get(f"/accounts/customers/{full.id}")).json()
    assert customer["limit"] == "186000.00"
    assert len((await here.book())["mails"]) == 2


async def test_a_stop_of_compliance_is_lifted_or_not_by_its_people(here: World) -> None:
    handles = [await begun(here, "pumps") for _ in range(2)]
    for handle, verdict in zip(handles, ("decline", "approve"), strict=True):
        view = await here.gate(handle, "clear compliance")
        assert view.question.endswith("say how we treat it. Go on?")
        assert view.may_decide == ("mira",)
        await here.decide(handle, verdict, "mira", gate=view.name)
    declined, sent = [await here.done(h, ProposalResult) for h in handles]
    assert (declined.outcome, declined.done) == (ProposalOutcome.DECLINED, ())
    assert (sent.outcome, sent.cleared) == (ProposalOutcome.SENT, ("compliance: mira",))
    assert len((await here.book())["mails"]) == 1


async def test_without_models_the_fast_path_becomes_the_full_one_and_people_write_the_offer(
    here: World,
) -> None:
    await here.faults(*(Fault(service=v, kind=FaultKind.QUOTA) for v in VENDORS))
    handle = await begun(here, "labels")
    view = await here.gate(handle, "clear compliance")
    assert "did not review" in view.question
    await here.decide(handle, "approve", "mira", gate=view.name)
    view = await here.gate(handle, "quality")
    value = {"title": "Our offer", "text": "We offer all of it."}
    await here.decide(handle, "supply", "omar", gate=view.name, value=value)
    result = await here.done(handle, ProposalResult)
    assert (result.outcome, result.stopped) == (ProposalOutcome.SENT, "failed")
    gaps = {g.split(":")[0] for g in result.gaps}
    assert gaps >= {"no draft", "no technical review", "no compliance review", "no plan"}
    routes = [r["path"] for r in await handle.query("routes") if r["route"] == "proposal"]
    assert routes == ["fast", "full"]
    assert result.path is ProposalPath.FULL


async def test_a_gap_nobody_closes_in_time_lets_nothing_out(here: World) -> None:
    handle = await begun(here, "pumps", answer_within=timedelta(milliseconds=200))
    result = await here.done(handle, ProposalResult)
    assert result.outcome is ProposalOutcome.DECLINED
    assert "nobody decided in time" in result.why
    assert (await here.book())["mails"] == []


async def test_an_action_that_fails_for_good_is_undone_and_nothing_is_sent(here: World) -> None:
    await here.faults(Fault(service="accounts", kind=FaultKind.DOWN, times=8))
    result = await here.done(await begun(here, "labels"), ProposalResult)
    assert (result.outcome, result.done) == (ProposalOutcome.FAILED, ())
    assert result.undone == (ProposalAction.RECORD_CUSTOMER,)
    assert (await here.book())["mails"] == []


async def test_what_cannot_be_read_back_is_put_right_by_a_person(here: World) -> None:
    await here.faults(Fault(service="accounts", kind=FaultKind.DOWN, path="customers"))
    handle = await begun(here, "labels")
    view = await here.gate(handle, "verification")
    await here.decide(handle, "done", "lena", gate=view.name)
    result = await here.done(handle, ProposalResult)
    assert result.outcome is ProposalOutcome.SENT
    assert ProposalAction.RESERVE_AMOUNT not in result.verified
    assert result.by_hand[0].endswith(": lena")
