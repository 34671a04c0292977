"""Sentiment on a real server: packs, the unsure asked alone, and what nobody pays for."""

import pytest

from simulator.brain.remarks import remarks
from simulator.config import VENDORS, Fault, FaultKind
from tests.support.world import SEED, World, example
from workflows.data.sentiment import SentimentCase, SentimentResult

pytestmark = pytest.mark.server


async def felt(here: World, **changes: object) -> SentimentResult:
    given = example("sentiment/week", SentimentCase, **changes)
    return await here.done(await here.begin("sentiment", given), SentimentResult)


async def test_the_unsure_are_asked_alone_and_without_money_none_is_made_up(here: World) -> None:
    result = await felt(here)
    assert result.totals == {"negative": 1, "neutral": 2, "positive": 2}
    assert [t.asked for t in result.tones] == ["packed"] * 3 + ["alone", "packed"]
    assert sum((await here.book())["billed"].values()) == result.cost.calls == 2 + 1
    poor = await felt(here, models={"budget_usd": "0.0001"})
    assert (poor.unanswered, poor.totals) == (5, {})
    assert all("BudgetSpent" in t.why for t in poor.tones)


async def test_a_thousand_remarks_take_a_hundred_calls_and_none_is_lost(here: World) -> None:
    known = {key: (text, feeling) for key, text, feeling in remarks(SEED, 1000)}
    given = [{"id": key, "text": text} for key, (text, _) in known.items()]
    result = await felt(here, remarks=given, per_call=10)
    assert {t.id: t.sentiment for t in result.tones} == {k: f for k, (_, f) in known.items()}
    assert sum((await here.book())["billed"].values()) == result.cost.calls == 100


async def test_a_remark_left_out_is_asked_about_again_and_an_unsure_one_keeps_its_tone(
    here: World,
) -> None:
    """One answer lacks a remark, and nobody answers about the unsure remark alone."""
    lacking = Fault(service="gemini", kind=FaultKind.MISSING_ITEMS, times=1)
    first = r"[{\"id\": \"r4\""
    alone = (Fault(service=vendor, kind=FaultKind.REFUSAL, body=first) for vendor in VENDORS)
    await here.faults(lacking, *alone)
    result = await felt(here, per_call=5)
    assert (result.unanswered, len(result.tones)) == (0, 5)
    unsure = next(t for t in result.tones if t.id == "r4")
    assert unsure.asked == "packed"
    assert 0 < unsure.confidence < 0.7
