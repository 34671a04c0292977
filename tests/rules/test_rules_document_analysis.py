"""What readings of a document agree on: votes, quotes to the letter, parties, totals."""

from typing import Any

import pytest

from workflows.data.common import CostView
from workflows.data.document_analysis import (
    BusinessDocument,
    DocumentReading,
    DocumentVerdict,
    Kind,
    Passage,
    Risk,
    Sentiment,
)
from workflows.errors import ModelUnavailable
from workflows.patterns.outcome import Joined, Outcome
from workflows.rules.document_analysis import WHOLE, Tally, stands, verdict

TEXT = """Quayside Retail Ltd was late again,
and we will take legal action. Ostler Foods Ltd is told."""
DOCUMENT = BusinessDocument(id="d-1", text=TEXT)
TOPICS = ("delivery", "payment")


def reading(**changes: Any) -> DocumentReading:
    grave = "and we will take legal action."
    said = DocumentReading(
        kind=Kind.COMPLAINT,
        risk=Risk.HIGH,
        risk_quote=grave,
        sentiment=Sentiment.NEGATIVE,
        topics=(Passage(topic="delivery", quote="was late again, and we will"),),
        parties=("Quayside  Retail LTD",),
        confidence=0.9,
    )
    return said.model_copy(update=changes)


def judged(*readings: DocumentReading | None) -> DocumentVerdict:
    lost = ModelUnavailable("down")
    branches = {
        f"m{n}": Outcome(f"m{n}", "succeeded", r) if r else Outcome(f"m{n}", "failed", error=lost)
        for n, r in enumerate(readings, 1)
    }
    return verdict(DOCUMENT, TEXT, TOPICS, Joined("complete", branches), CostView())


def test_two_of_three_decide_field_by_field_and_the_third_is_in_the_votes() -> None:
    other = reading(risk=Risk.LOW, risk_quote="", sentiment=Sentiment.NEUTRAL)
    found = judged(reading(), other, reading(kind=Kind.LETTER))
    assert (found.kind, found.risk, found.sentiment) == ("complaint", "high", "negative")
    assert found.votes["risk"] == {"low": 1, "high": 2}
    assert found.disputed == ()
    assert found.agreement == pytest.approx(2 / 3)
    assert found.risk_quote == "and we will take legal action."
    assert found.topics[0].quote == "was late again, and we will"
    assert found.parties == ("Quayside  Retail LTD",)


def test_three_who_say_three_things_leave_the_field_open_and_say_so() -> None:
    quiet = reading(risk=Risk.LOW, risk_quote="")
    found = judged(reading(), quiet, reading(risk=Risk.MEDIUM))
    assert (found.risk, found.disputed, found.agreement) == (None, ("risk",), 0)
    assert found.risk_quote == ""


@pytest.mark.parametrize("others", [(), (None, None)])
def test_the_word_of_one_model_is_no_agreement(others: tuple[None, ...]) -> None:
    found = judged(reading(), *others)
    assert found.disputed == ("kind", "risk", "sentiment")
    assert (found.topics, found.parties) == ((), ())
    assert found.votes["risk"] == {"high": 1}
    assert set(found.missing.values()) <= {"ModelUnavailable: down"}


def test_what_does_not_stand_in_the_document_counts_for_nothing() -> None:
    false = reading(
        risk_quote="They will surely sue us.",
        topics=(
            Passage(topic="delivery", quote="three weeks late"),
            Passage(topic="weather", quote="was late again, and we will"),
        ),
        parties=("Somebody Else Ltd",),
    )
    found = judged(false, false, reading())
    assert found.risk is None, "two of three votes for high rest on a sentence nobody wrote"
    assert found.votes["risk"] == {"high": 1}
    assert (found.topics, found.parties) == ((), ())
    assert len([d for d in found.dropped if d.startswith("m1: ")]) == 4


@pytest.mark.parametrize(
    ("quote", "is_there"),
    [("was late  again,\n\nand", True), ("late again", False), ("was late, again, and", False)],
)
def test_a_quote_stands_to_the_letter_spaces_aside(quote: str, is_there: bool) -> None:
    assert stands(quote, TEXT) is is_there


def test_a_tally_counts_all_and_keeps_those_most_worth_a_look() -> None:
    tally = Tally(keep=2)
    quiet = judged(*[reading(risk=Risk.LOW, risk_quote="")] * 3)
    for n in range(9):
        tally.add(quiet.model_copy(update={"id": f"quiet-{n}"}))
        if n == 1:
            tally.add(judged(*[reading()] * 3))
    tally.add(judged(reading(), None, None).model_copy(update={"id": "unclear"}))
    tally.missed("lost", "nobody answered")
    assert [d.id for d in tally.documents] == ["d-1", "unclear"]
    totals = tally.totals
    assert (totals.documents, totals.agreed, totals.disputed, totals.unread) == (12, 10, 1, 1)
    assert totals.by_risk == {"high": 1, "low": 9}
    assert totals.by_topic == {"delivery": 10}
    states = {name: outcome.status for name, outcome in tally.results().items()}
    kept = {"d-1": "succeeded", "unclear": "partial", "lost": "failed"}
    assert states == {WHOLE: "succeeded", **kept}
