"""Sentiment without a server: what a pack told, who is asked alone, how many feel how."""

from workflows.data.document_analysis import Sentiment
from workflows.data.pack import PackRecord
from workflows.data.sentiment import Remark, Tone
from workflows.patterns.pack import Packed
from workflows.rules import sentiment as rules

GOOD, BAD = Sentiment.POSITIVE, Sentiment.NEGATIVE
REMARKS = tuple(Remark(id=name, text="x") for name in ("sure", "edge", "torn", "nil", "lost"))
SAID = {"sure": 0.9, "edge": 0.7, "torn": 0.69, "nil": 0.0}
PACKED = Packed(
    {name: Tone(id=name, sentiment=GOOD, confidence=c) for name, c in SAID.items()},
    PackRecord(name="tones", items=5, unanswered={"lost": "the budget is spent"}),
)
TONES = {r.id: rules.told(r, PACKED) for r in REMARKS}


def test_a_remark_without_an_answer_has_no_tone_but_a_reason() -> None:
    assert (TONES["lost"].sentiment, TONES["lost"].why) == (None, "the budget is spent")
    assert (TONES["torn"].sentiment, TONES["torn"].asked, TONES["torn"].why) == (GOOD, "packed", "")
    assert rules.told(REMARKS[0], PACKED, "alone").asked == "alone"


def test_alone_are_asked_about_those_below_the_bound_but_none_that_nobody_answered() -> None:
    assert [r.id for r in rules.unsure(REMARKS, TONES, 0.7)] == ["torn", "nil"]


def test_totals_count_tones_and_make_none_up() -> None:
    changed = TONES["nil"].model_copy(update={"sentiment": BAD})
    assert rules.totals([*TONES.values(), changed]) == {"negative": 1, "positive": 4}
