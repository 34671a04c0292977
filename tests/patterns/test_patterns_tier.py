"""Tiers: how hard a question looks picks the role, and the record says why."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.patterns.virtual import run
from workflows.data.complexity import ComplexityRules, Rating, Tier, Tiers, complexity
from workflows.errors import Misuse
from workflows.patterns.route import RouteLog
from workflows.patterns.tier import rating_prompt, tier

TIERS = Tiers(
    policy="2026-11",
    tiers=(
        Tier(name="simple", role="triage", since=0),
        Tier(name="standard", role="analyst", since=0.2),
        Tier(name="complex", role="reviewer", since=0.6),
    ),
)
SHORT = "What is the capital of France?"
HARD = (
    "Given that the loan (of 2,500,000 at 4.75%, due 2027), which was prolonged twice, is secured"
    " by shares; and that, unless waived, clause 7.3(b) applies: who ranks first, and why? "
)


def test_the_score_picks_the_role_and_the_record_says_why() -> None:
    easy = tier("reading", TIERS, SHORT)
    assert (easy.path, easy.record.by) == ("triage", "table")
    hard = tier("reading", TIERS, HARD * 20)
    assert hard.path == "reviewer"
    assert hard.record.policy == "2026-11"
    assert hard.record.why == "the score of the rules is 0.9, which is complex"
    assert hard.record.allowed == ("triage", "analyst", "reviewer")
    factors = {f.factor: float(f.value) for f in hard.record.factors}
    assert factors == {"score": 0.9, "length": 1, "clauses": 1, "numbers": 1, "scripts": 0}


def test_a_models_rating_may_raise_the_tier_and_never_lowers_it() -> None:
    raised = tier("reading", TIERS, SHORT, Rating(score=0.7, why="needs three steps"))
    assert (raised.path, raised.record.by) == ("reviewer", "model")
    assert raised.record.why == "the model's rating is 0.7, which is complex"
    kept = tier("reading", TIERS, HARD * 20, Rating(score=0.0, why="easy"))
    assert (kept.path, kept.record.by) == ("reviewer", "table")


def test_it_is_taken_as_any_other_route() -> None:
    async def story() -> tuple[str, RouteLog]:
        log = RouteLog()
        return await log.take(tier("reading", TIERS, SHORT)), log

    role, log = run(story())
    assert role == "triage"
    assert [r.path for r in log.records] == ["triage"]


@given(st.text(max_size=300), st.text(max_size=300))
def test_more_text_never_looks_simpler_but_for_scripts(text: str, more: str) -> None:
    """A script may fall below its share as others are added."""
    rules = ComplexityRules(length=0.5, clauses=0.3, numbers=0.2, scripts=0)
    alone, both = complexity(text, rules), complexity(f"{text}. {more}", rules)
    assert 0 <= alone.score <= both.score + 0.01 <= 1.01
    assert both.clauses >= alone.clauses


def test_scripts_are_counted_beyond_the_first_and_names_are_none() -> None:
    assert complexity("Plain English words.").scripts == 0
    assert complexity("Half English и наполовину русский").scripts == 0.5
    assert complexity("Three scripts, три письменности, 三種文字です").scripts == 1
    assert complexity("A long text in English with one name, Иван, in it. " * 5).scripts == 0.5
    assert complexity("A long text in English with just one letter, ж, in it. " * 5).scripts == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tiers": TIERS.tiers[1:]}, "the first starts at 0"),
        ({"tiers": (*TIERS.tiers[:2], TIERS.tiers[1])}, "must rise"),
        ({"tiers": TIERS.tiers[:1]}, "at least 2"),
        ({"rules": {"length": 0.9}}, "must make up 1"),
    ],
)
def test_tiers_that_are_none_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Tiers.model_validate(TIERS.model_dump() | change)


def test_a_tier_of_two_names_and_what_cannot_be_rated_are_refused() -> None:
    twice = [t.model_copy(update={"name": "one"}) for t in TIERS.tiers]
    with pytest.raises(ValidationError, match="two have one name"):
        Tiers(policy="x", tiers=tuple(twice))
    with pytest.raises(Misuse, match="use Tiers"):
        tier("reading", {}, SHORT)  # type: ignore[arg-type]
    with pytest.raises(Misuse, match="has no complexity"):
        rating_prompt("  ")
    assert rating_prompt(SHORT).answer == "Rating"
