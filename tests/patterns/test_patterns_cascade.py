"""Cascades on virtual time: who is asked, who never is, and what it cost."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patterns.asking import PRICE, PROMPT, Label, Models, Panel, chain, sure_of
from tests.patterns.virtual import run
from workflows.calls import open_door
from workflows.data.strategies import StrategyRecord
from workflows.errors import BudgetSpent, Misuse, ScopeClosed, Unresolved, Unusable
from workflows.patterns.cascade import cascade, expected_usd
from workflows.patterns.confidence import agreement, combine, coverage
from workflows.patterns.otherwise import give_up, take, take_best
from workflows.patterns.respondents import Decided, Respondent, models_of, samples_of

Found = Decided[Label, StrategyRecord]


def sure(name: str, asked: list[Respondent[Label]], **more: Any) -> Any:
    more = {"confidence": sure_of, "threshold": 0.95, "otherwise": give_up(), **more}
    return cascade(name, asked, **more)


def states(record: StrategyRecord) -> str:
    return " ".join(f"{r.who}:{r.state}" for r in record.replies)


def test_with_a_sure_first_model_the_other_two_are_never_called() -> None:
    panel = Panel()
    asked = [panel.says("small", confidence=0.96), panel.says("mid"), panel.says("large")]
    found: Found = run(sure("label", asked))
    assert panel.asked == ["small"]
    assert states(found.record) == "small:accepted mid:not_asked large:not_asked"
    assert (found.value.label, found.record.via, found.record.usd) == ("yes", "small", PRICE)
    assert found.record.why == "small is sure: 0.96, where 0.95 is enough"
    assert found.record.decided


def test_through_real_calls_only_the_first_model_is_sent_to() -> None:
    models = Models({"a": "yes", "b": "yes", "c": "yes"})
    asked = models_of(chain("openai-a", "gemini-b", "anthropic-c"), PROMPT, Label)

    async def story() -> Found:
        with open_door(models):
            return await cascade("label", asked, accept=lambda v: True, otherwise=give_up())

    found = run(story())
    assert [r.target.model for r in models.requests] == ["a"]
    assert found.record.replies[0].model == "openai/a"


def test_an_open_breaker_is_gone_past_without_waiting() -> None:
    models = Models({"a": "open", "b": "yes"})
    asked = models_of(chain("openai-a", "gemini-b"), PROMPT, Label)

    async def story() -> Found:
        with open_door(models):
            return await cascade("label", asked, accept=lambda v: True, otherwise=give_up())

    found = run(story())
    assert [(r.target.model, r.patient) for r in models.requests] == [("a", False), ("b", False)]
    assert "ModelCircuitOpen" in found.record.replies[0].why


def test_who_is_unsure_fails_or_is_late_is_gone_past_and_its_cost_is_kept() -> None:
    panel = Panel()
    asked = [
        panel.says("small", confidence=0.7),
        panel.says("mute"),
        panel.fails("mid"),
        panel.hangs("slow", timeout=10),
        panel.says("large", "no", confidence=0.95),
        panel.says("expert"),
    ]
    found: Found = run(sure("label", asked))
    assert found.value.label == "no"
    assert states(found.record) == (
        "small:rejected mute:rejected mid:failed slow:timed_out large:accepted expert:not_asked"
    )
    assert found.record.usd == 3 * PRICE + Decimal("0.003")
    assert found.record.uncertain == 1, "the slow one may have been billed"
    small, mute, mid, *_ = found.record.replies
    assert (small.confidence, mute.confidence, mid.why) == (
        0.7,
        None,
        "ModelUnavailable: mid is down",
    )


def test_without_a_sure_answer_the_declared_way_is_gone() -> None:
    panel = Panel()
    asked = [
        panel.says("a", "one", confidence=0.5),
        panel.says("b", "two", confidence=0.6),
        panel.says("c", "three"),
    ]
    best: Found = run(sure("label", asked, otherwise=take_best()))
    assert (best.value.label, best.record.via, best.record.decided) == ("two", "best so far", False)
    given_: Found = run(sure("label", asked, otherwise=take(Label(label="none"))))
    assert given_.value.label == "none"
    with pytest.raises(
        Unresolved,
        match=r"nobody was sure enough: a rejected at 0\.5; b rejected at 0\.6; c rejected",
    ):
        run(sure("label", asked))


def test_a_spent_budget_takes_the_best_so_far() -> None:
    panel = Panel()
    spent = BudgetSpent("budget 'case' has 0.001 US$ left")
    asked = [panel.says("a", "one", confidence=0.5), panel.fails("b", error=spent)]
    found: Found = run(sure("label", asked, otherwise=take_best()))
    assert found.value.label == "one"
    assert "b BudgetSpent: budget 'case' has 0.001 US$ left" in found.record.why


def test_a_models_word_is_worth_what_its_calibration_says() -> None:
    """Both say 0.9; one is mostly wrong then."""
    panel = Panel()
    asked = [panel.says("boaster", confidence=0.9), panel.says("modest", confidence=0.9)]
    worth = {"boaster": lambda v: v.confidence / 2, "modest": sure_of}
    found: Found = run(sure("label", asked, confidence=worth, threshold=0.85))
    assert [r.confidence for r in found.record.replies] == [0.45, 0.9]
    assert found.record.via == "modest"


def test_thresholds_may_differ_by_name() -> None:
    panel = Panel()
    asked = [panel.says("a", confidence=0.9), panel.says("b", confidence=0.8)]
    found: Found = run(sure("label", asked, threshold={"a": 0.95, "b": 0.8}))
    assert found.record.via == "b"


@settings(max_examples=60, deadline=None, print_blob=True)
@given(
    st.lists(st.one_of(st.none(), st.just("fails"), st.floats(0, 1)), min_size=1, max_size=5),
    st.floats(0.01, 1),
)
def test_it_ends_where_the_oracle_says(kinds: list[Any], threshold: float) -> None:
    panel = Panel()
    asked = [
        panel.fails(f"m{n}") if kind == "fails" else panel.says(f"m{n}", confidence=kind)
        for n, kind in enumerate(kinds)
    ]
    first = next((n for n, k in enumerate(kinds) if isinstance(k, float) and k >= threshold), None)
    found: Found = run(
        sure("label", asked, threshold=threshold, otherwise=take(Label(label="none")))
    )
    assert panel.asked == [f"m{n}" for n in range(len(kinds) if first is None else first + 1)]
    assert found.record.via == ("given value" if first is None else f"m{first}")
    assert len(found.record.replies) == len(kinds)
    assert StrategyRecord.model_validate_json(found.record.model_dump_json()) == found.record


PANEL = Panel()
ONE = [PANEL.says("a")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threshold": None}, "takes either a threshold or accept"),
        ({"accept": bool}, "takes either a threshold or accept"),
        ({"confidence": None}, "nothing to hold against it"),
        ({"confidence": 0.9}, "give a function"),
        ({"threshold": 0}, "threshold 0 is none"),
        ({"threshold": 95}, "threshold 95 is none"),
        ({"threshold": {"b": 0.9}}, "no threshold for a"),
        ({"confidence": {"b": sure_of}}, "no confidence for a"),
        ({"otherwise": give_up}, "call one, as give_up"),
        (
            {"otherwise": take_best(), "confidence": None, "threshold": None, "accept": bool},
            "without confidence",
        ),
    ],
)
def test_misuse_is_refused_before_anybody_is_asked(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Misuse, match=message):
        run(sure("label", ONE, **change))
    assert PANEL.asked == []


def test_respondents_put_together_wrongly_are_refused() -> None:
    twins = models_of(chain("openai-a"), PROMPT, Label)
    twins += [Respondent("again", twins[0].ask)]
    for asked, message in (
        ([], "name at least 1"),
        ([PANEL.says("a"), PANEL.says("a", "no")], "must differ in name"),
        (twins, "would read one paid answer back"),
        (["a"], "list Respondent"),
    ):
        with pytest.raises(Misuse, match=message):
            run(sure("label", asked))  # type: ignore[arg-type]
    with pytest.raises(Misuse, match="needs a name"):
        PANEL.says(" ")
    with pytest.raises(Misuse, match="no time at all"):
        PANEL.hangs("a", timeout=0)
    with pytest.raises(Misuse, match="give a function"):
        Respondent("a", "b")  # type: ignore[arg-type]
    with pytest.raises(Misuse, match="ask for 1 or more"):
        samples_of(0, chain("openai-a"), PROMPT, Label)
    assert PANEL.asked == []


@pytest.mark.parametrize("given_", [1.5, float("nan"), "high", True])
def test_a_confidence_that_is_none_ends_the_cascade(given_: Any) -> None:
    with pytest.raises(Unusable, match="give a number from 0 to 1, or None"):
        run(sure("label", [Panel().says("a")], confidence=lambda _: given_))


def test_a_judgement_that_raises_or_is_none_ends_the_cascade() -> None:
    def broken(_: Label) -> Any:
        raise KeyError("label")

    async def later(_: Label) -> bool:
        return True

    for more in ({"confidence": broken}, {"accept": broken, "threshold": None}):
        with pytest.raises(Unusable, match="'a': its"):
            run(sure("label", [Panel().says("a")], **more))
    with pytest.raises(Unusable, match="accept gave a coroutine"):
        run(sure("label", [Panel().says("a")], accept=later, threshold=None))


def test_what_was_put_together_wrongly_is_not_gone_past() -> None:
    for error in (Misuse("wrong"), ScopeClosed("closed")):
        panel = Panel()
        with pytest.raises(type(error)):
            run(sure("label", [panel.fails("a", error=error), panel.says("b", confidence=1.0)]))
        assert panel.asked == ["a"]


# ---- formulas and sources of confidence ----------------------------------------------------


def test_a_cascade_pays_while_the_cheap_stage_costs_less_than_what_it_spares() -> None:
    """planning.md, section 3: c1 + cv < a * c2."""
    cheap, strong = 0.06, 1.0
    for accepted in (0.03, 0.0599, 0.0601, 0.3, 0.71):
        pays = expected_usd([(cheap, accepted), (strong, 1)]) < strong
        assert pays == (cheap < accepted * strong)
    assert expected_usd([(0.06, 0.7), (1, 1)]) == pytest.approx(0.36)
    assert expected_usd([(1, 0.5), (2, 0.5), (4, 1)]) == pytest.approx(1 + 1 + 1)


def test_confidence_from_agreement_and_coverage() -> None:
    assert agreement(["a", "a", "b", "A"], str.lower) == 0.75
    assert agreement(["a"], str) == agreement([], str) == 0
    assert coverage(["e1", "e2", "e9"], ["e1", "e2", "e3", "e4"]) == 0.5
    with pytest.raises(Misuse, match="says nothing"):
        coverage(["e1"], [])
    assert combine(0.9, None, 0.7) == 0.7
    assert combine(None) is None
