"""Competitive intelligence on a real server: enough, late and silent sources, the next night."""

from datetime import timedelta
from decimal import Decimal

import pytest

from simulator.config import Fault, FaultKind
from tests.support.world import World, example
from workflows.data.case_policy import ModelPolicy
from workflows.data.intelligence import IntelligenceOrder, IntelligenceOutcome, IntelligenceReport

pytestmark = pytest.mark.server
ORDER = example("competitive-intelligence/chips_and_data", IntelligenceOrder)
ASKED = {q.name for q in ORDER.questions}


async def report(here: World, order: IntelligenceOrder) -> IntelligenceReport:
    handle = await here.begin("competitive-intelligence", order)
    told = await here.done(handle, IntelligenceReport)
    names = [*told.contributed, *(m.name for m in told.missing)]
    assert sorted(names) == sorted(q.name for q in order.questions), "a question vanished"
    assert all(set(c.cites) <= set(told.contributed) for c in told.claims)
    return told


async def test_all_answer_and_only_what_is_new_the_next_night_is_new(here: World) -> None:
    first = await report(here, ORDER)
    assert first.outcome is IntelligenceOutcome.COMPLETE
    assert first.written_by == "model"
    assert first.claims
    told = [(r.competitor, s.text) for r in first.heard.values() for s in r.signals]
    assert [(s.competitor, s.text) for s in first.new] == told
    kept = first.heard["wolfspeed-filings"].signals
    less = first.heard["wolfspeed-filings"].model_copy(update={"signals": kept[1:]})
    last = first.model_copy(update={"heard": first.heard | {"wolfspeed-filings": less}})
    second = await report(here, ORDER.model_copy(update={"last": last}))
    assert [s.text for s in second.new] == [kept[0].text]


async def test_enough_answers_end_the_asking_and_the_rest_is_named(here: World) -> None:
    """The press hangs; six of ten answers come without it, and no seventh is waited for."""
    await here.faults(Fault(service="news", kind=FaultKind.SLOW, seconds=60))
    order = example("competitive-intelligence/enough", IntelligenceOrder)
    told = await report(here, order)
    assert told.outcome is IntelligenceOutcome.ENOUGH
    assert {m.name: m.status for m in told.missing} == {
        f"{c.id}-news": "cancelled" for c in order.competitors
    }


async def test_what_is_late_or_silent_is_declared_and_the_report_is_thin(here: World) -> None:
    await here.faults(
        Fault(service="news", kind=FaultKind.SLOW, seconds=60),
        Fault(service="dns", kind=FaultKind.DOWN),
        Fault(service="edgar", kind=FaultKind.QUOTA, status=403),
    )
    told = await report(here, ORDER.model_copy(update={"deadline": timedelta(seconds=8)}))
    assert told.outcome is IntelligenceOutcome.THIN
    assert set(told.contributed) == {"unilever-register"}
    why = {m.name: (m.status, m.why) for m in told.missing}
    assert why["wolfspeed-news"][0] == "cancelled"
    assert why["wolfspeed-domain"][0] == "failed"
    assert all(w for status, w in why.values() if status == "failed")


@pytest.mark.parametrize("broke", [False, True])
async def test_without_models_titles_stand_unread_and_code_writes_the_report(
    here: World, *, broke: bool
) -> None:
    """Whether no model answers or nothing pays for one."""
    vendors = ("openai", "anthropic", "gemini")
    order = ORDER
    if broke:
        poor = ModelPolicy(budget_usd=Decimal("0.0001"))
        order = ORDER.model_copy(update={"models": poor})
    else:
        await here.faults(*(Fault(service=v, kind=FaultKind.REFUSAL) for v in vendors))
    told = await report(here, order)
    assert told.outcome is IntelligenceOutcome.COMPLETE
    assert told.written_by == "code"
    assert "wolfspeed-news" in told.partial
    assert told.heard["wolfspeed-news"].unread
    assert told.claims
    assert not (broke and (await here.book())["billed"])


async def test_when_nobody_answers_the_report_says_nothing_and_asks_no_model(here: World) -> None:
    sources = ("news", "dns", "edgar", "companies_house")
    await here.faults(*(Fault(service=s, kind=FaultKind.DOWN) for s in sources))
    told = await report(here, ORDER)
    assert told.outcome is IntelligenceOutcome.NOTHING
    assert not told.claims
    assert not (await here.book())["billed"]
