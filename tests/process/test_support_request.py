"""Support request on a real server: each way through the tables, and without any model."""

import asyncio

import pytest

from simulator.config import VENDORS, Fault, FaultKind
from tests.support.world import World, example
from workflows.data.support import SupportOutcome, SupportPath, SupportRequest, SupportResult

pytestmark = pytest.mark.server


async def test_article_model_and_person_each_tell_the_customer_once(here: World) -> None:
    names = ("export", "printer", "refund")
    given = [here.keyed(example(f"support-request/{name}", SupportRequest)) for name in names]
    handles = [await here.begin("support-request", one) for one in given]
    view = await here.gate(handles[2], "answer")
    assert set(view.may_decide) == {"ida", "tim"}
    value = {"text": "We refunded the second payment today."}
    await here.decide(handles[2], "supply", "ida", gate="answer", value=value)
    results = await asyncio.gather(*(here.done(h, SupportResult) for h in handles))
    assert [r.path for r in results] == list(SupportPath)
    assert [r.by for r in results] == ["knowledge", "specialist", "ida"]
    assert results[1].cites == ("label-printer", "restart-agent")
    assert {(r.outcome, r.told) for r in results} == {(SupportOutcome.ANSWERED, "mail")}
    mails = (await here.book())["mails"]
    assert sorted(m["to"] for m in mails) == sorted(one.customer.contact for one in given)


async def test_without_any_model_a_person_answers(here: World) -> None:
    await here.faults(*(Fault(service=v, kind=FaultKind.QUOTA) for v in VENDORS))
    handle = await here.begin("support-request", example("support-request/export", SupportRequest))
    await here.gate(handle, "answer")
    value = {"text": "Open Orders, then Export."}
    await here.decide(handle, "supply", "tim", gate="answer", value=value)
    result = await here.done(handle, SupportResult)
    assert [a.state for a in result.attempts] == ["failed", "failed"]
    assert (result.by, result.told) == ("tim", "mail")
    assert result.gaps
