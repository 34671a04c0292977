"""Competitive intelligence without a server: signals of answers, and what is new."""

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from tests.support.world import example
from workflows.data.intelligence import (
    CompetitorReading,
    IntelligenceOrder,
    IntelligenceOutcome,
    NewsSignal,
    Signal,
    SourceReading,
)
from workflows.data.news import NewsAnswer, NewsItem
from workflows.data.sources import Liveness, Retry, SourceError, SourceState
from workflows.errors import SourceSilent
from workflows.rules import intelligence as rules

ITEM = NewsItem(url="u1", publisher="p", title="t", text="x", published=date(2026, 1, 2))


def test_silence_is_an_error_and_nothing_found_is_an_answer() -> None:
    error = SourceError(code="quota", retry=Retry.LATER)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    told = {"source": "News", "liveness": Liveness.LIVE, "retrieved_at": at}
    rules.heard(NewsAnswer(state=SourceState.NONE, **told))
    with pytest.raises(SourceSilent, match="News is unavailable: quota"):
        rules.heard(NewsAnswer(state=SourceState.UNAVAILABLE, error=error, **told))


def test_an_address_the_search_did_not_give_is_no_signal() -> None:
    known = NewsSignal(url="u1", kind="money", summary="s")
    invented = NewsSignal(url="u2", kind="money", summary="s")
    kept = rules.of_news((ITEM,), CompetitorReading(signals=(known, invented)))
    assert kept == (Signal(text="s", kind="money", day=ITEM.published, url="u1"),)


def test_an_item_is_new_by_its_address_whatever_the_model_says_of_it_tonight() -> None:
    def reading(text: str) -> dict[str, SourceReading]:
        signals = (Signal(text=text, kind="money", url="u1"), Signal(text="plain", kind="domain"))
        return {"a-news": SourceReading(competitor="A", source="news", signals=signals)}

    assert rules.new(reading("in other words"), reading("so")) == ()
    other = SourceReading(competitor="B", source="domain", signals=reading("so")["a-news"].signals)
    found = rules.new({**reading("so"), "b-domain": other}, reading("so"))
    assert [(s.competitor, s.text) for s in found] == [("B", "so"), ("B", "plain")]


def test_items_before_the_day_are_old_and_undated_ones_may_be_new() -> None:
    undated = ITEM.model_copy(update={"published": None})
    assert rules.recent((ITEM, undated), date(2026, 1, 3)) == (undated,)
    assert rules.recent((ITEM,), date(2026, 1, 2)) == (ITEM,)


def test_outcomes() -> None:
    assert rules.outcome(3, 3, 2) is IntelligenceOutcome.COMPLETE
    assert rules.outcome(2, 3, 2) is IntelligenceOutcome.ENOUGH
    assert rules.outcome(1, 3, 2) is IntelligenceOutcome.THIN
    assert rules.outcome(2, 3, None) is IntelligenceOutcome.THIN
    assert rules.outcome(0, 3, None) is IntelligenceOutcome.NOTHING


def test_more_answers_than_questions_are_refused_with_the_number_there_is() -> None:
    order = example("competitive-intelligence/enough", IntelligenceOrder)
    asked = len(order.questions)
    with pytest.raises(ValidationError, match=f"enough: 99 of {asked} questions; write at most"):
        IntelligenceOrder.model_validate(order.model_dump() | {"enough": 99})
