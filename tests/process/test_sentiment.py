"""Sentiment on a real server: packs, the unsure asked alone, and what nobody pays for."""

import pytest

from simulator.brain.remarks import remarks
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
