"""Hedged requests on virtual time: a second one for stragglers only, and never for effects."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patterns.asking import PRICE, PROMPT, Label, Models, Panel, chain, consulted, target
from tests.patterns.joining import QUERY, counted, seconds
from tests.patterns.virtual import elapsed, run
from workflows.calls import COMPANY, ask, open_door
from workflows.data.llm import ModelFacts, RoleBook
from workflows.data.strategies import HedgeRecord
from workflows.errors import Misuse, Unresolved
from workflows.patterns.consult import Consulted, Terms
from workflows.patterns.hedge import HedgeShare, hedge, hedged_chain
from workflows.patterns.otherwise import give_up, take
from workflows.patterns.respondents import Decided, Respondent

Found = Decided[Label, HedgeRecord]
NONE = Label(label="none")


def hedged(first: Any, second: Any, after: float = 5, **more: Any) -> tuple[Found, float]:
    async def story() -> tuple[Found, float]:
        more.setdefault("otherwise", give_up())
        found = await hedge("label", first, second, after=seconds(after), **more)
        return found, elapsed()

    return run(story())


def test_one_that_answers_in_time_is_not_hedged() -> None:
    panel = Panel()
    found, at = hedged(panel.says("a", after=4), panel.says("b"))
    assert (panel.asked, at, found.record.second) == (["a"], 4, "not asked")
    assert [r.state for r in found.record.replies] == ["accepted", "not_asked"]
    assert found.record.uncertain == 0
    assert found.record.why == "a answered in time"


def test_a_straggler_loses_to_the_second_and_may_have_been_billed() -> None:
    panel = Panel()
    found, at = hedged(panel.says("a", after=60), panel.says("b", "no", after=2))
    assert (found.value.label, at, panel.cancelled) == ("no", 7, ["a"])
    assert [r.state for r in found.record.replies] == ["cancelled", "accepted"]
    assert (found.record.usd, found.record.uncertain) == (PRICE, 1)
    assert (found.record.second, found.record.via) == ("first was late", "b")


def test_a_straggler_that_answers_first_after_all_wins() -> None:
    panel = Panel()
    found, at = hedged(panel.says("a", after=6), panel.says("b", after=60))
    assert (found.record.via, at, panel.cancelled) == ("a", 6, ["b"])
    assert found.record.uncertain == 1


def test_of_two_in_one_moment_the_first_wins_and_both_prices_are_known() -> None:
    panel = Panel()
    found, _ = hedged(panel.says("a", after=6), panel.says("b", after=1))
    assert found.record.via == "a"
    assert [r.state for r in found.record.replies] == ["accepted", "rejected"]
    assert (found.record.usd, found.record.uncertain) == (2 * PRICE, 0)


def test_one_that_fails_at_once_is_replaced_not_hedged() -> None:
    panel = Panel()
    share = HedgeShare(0)
    found, at = hedged(panel.fails("a", after=1), panel.says("b", after=1), share=share)
    assert (found.record.via, at, found.record.second) == ("b", 2, "first failed")
    assert (share.asked, share.hedged) == (1, 0)
    assert found.record.usd == PRICE + Decimal("0.003")


def test_one_that_fails_after_it_was_hedged_leaves_it_to_the_second() -> None:
    panel = Panel()
    found, at = hedged(panel.fails("a", after=8), panel.says("b", after=10))
    assert (found.record.via, at) == ("b", 15)
    assert [r.state for r in found.record.replies] == ["failed", "accepted"]


def test_when_both_fail_the_declared_way_is_gone() -> None:
    panel = Panel()
    both = (panel.fails("a"), panel.fails("b"))
    found, _ = hedged(*both, otherwise=take(NONE))
    assert (found.value, found.record.decided, found.record.via) == (NONE, False, "given value")
    with pytest.raises(Unresolved, match="neither gave a usable answer: a ModelUnavailable"):
        hedged(*both)


def test_timeouts_count_from_when_each_is_asked() -> None:
    panel = Panel()
    found, at = hedged(
        panel.hangs("a", timeout=8), panel.hangs("b", timeout=20), otherwise=take(NONE)
    )
    assert at == 25
    assert [r.state for r in found.record.replies] == ["timed_out", "timed_out"]
    assert found.record.uncertain == 2


def test_the_share_of_hedges_is_bounded() -> None:
    panel = Panel()
    share = HedgeShare(0.25)

    async def story() -> list[HedgeRecord]:
        records = []
        for n in range(8):
            first, second = panel.says(f"a{n}", after=60), panel.says(f"b{n}", after=1)
            found = await hedge(
                "label", first, second, after=seconds(5), otherwise=give_up(), share=share
            )
            records.append(found.record)
        return records

    records = run(story())
    assert [r.second != "not asked" for r in records] == [True] + [False] * 6 + [True]
    assert [r.withheld for r in records] == [False] + [True] * 6 + [False]
    assert (share.asked, share.hedged) == (8, 2)


def test_one_withheld_is_still_replaced_if_it_fails() -> None:
    panel = Panel()
    spent = HedgeShare(0.05, asked=20, hedged=1)
    found, at = hedged(panel.fails("a", after=30), panel.says("b"), share=spent)
    assert (found.record.via, at) == ("b", 31)
    assert (found.record.second, found.record.withheld) == ("first failed", True)


@settings(max_examples=60, deadline=None, print_blob=True)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_it_ends_when_the_formula_says(one: int, two: int, after: int) -> None:
    """min(first, after + second) where it was hedged: planning.md, section 3."""
    panel = Panel()
    late = after + 0.5
    found, at = hedged(panel.says("a", after=one), panel.says("b", after=two), late)
    assert at == min(one, late + two)
    assert (found.record.second == "first was late") == (one > late)
    assert HedgeRecord.model_validate_json(found.record.model_dump_json()) == found.record


@pytest.mark.parametrize("work", ["first", "second"])
def test_sources_and_effects_may_not_be_hedged(work: str) -> None:
    calls: list[float] = []
    panel = Panel()

    async def looks() -> Consulted[Label]:
        await ask(COMPANY, QUERY)
        return consulted("a", NONE)

    wrong = Respondent("wrong", looks)
    pair = (wrong, panel.says("b")) if work == "first" else (panel.says("a", after=60), wrong)
    with (
        open_door(counted(calls)),
        pytest.raises(Misuse, match="'company_register', always visible, would be done twice"),
    ):
        hedged(*pair)
    assert calls == []
    assert "b" not in panel.asked, "a mistake is no reason to pay for another"


BOOK = RoleBook(
    chains=(chain("openai-a", "openai-b", "gemini-c"),),
    catalogue_sha256="",
    facts=(ModelFacts(target=target("openai-a"), p95=5.0),),
)


def test_a_role_is_hedged_after_its_p95_by_another_vendor() -> None:
    models = Models({"c": "yes"}, after=60)
    first, second, after = hedged_chain(BOOK, "judge", PROMPT, Label, terms=Terms(budget="b"))

    async def story() -> None:
        with open_door(models):
            await asyncio.wait_for(
                hedge("label", first, second, after=after, otherwise=give_up()), 200
            )

    run(story())
    assert after == timedelta(seconds=5)
    assert [(r.target.vendor, r.budget) for r in models.requests] == [
        ("openai", "b"),
        ("gemini", "b"),
    ]


def test_a_first_whose_breaker_is_open_is_replaced_at_once_and_the_rest_is_waited_for() -> None:
    models = Models({"a": "open", "b": "open", "c": "open"})
    first, second, after = hedged_chain(BOOK, "judge", PROMPT, Label)

    async def story() -> tuple[Found, float]:
        with open_door(models):
            found = await hedge("label", first, second, after=after, otherwise=give_up())
            return found, elapsed()

    found, at = run(story())
    assert (found.record.second, found.record.via) == ("first failed", "c")
    assert at == 4, "three looks at breakers and an answer, a second each"
    assert [r.target.model for r in models.requests if not r.patient] == ["a", "c", "b"]


def test_a_role_that_cannot_be_hedged_is_refused() -> None:
    without = BOOK.model_copy(update={"facts": ()})
    alone = BOOK.model_copy(update={"chains": (chain("openai-a"),)})
    for book, message in ((without, "says no p95 of 'a'"), (alone, "has one model")):
        with pytest.raises(Misuse, match=message):
            hedged_chain(book, "judge", PROMPT, Label)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"after": 0}, "hedges at once"),
        ({"otherwise": give_up}, "call one"),
        ({"share": 0.05}, "use HedgeShare"),
    ],
)
def test_misuse_is_refused_before_anybody_is_asked(change: dict[str, Any], message: str) -> None:
    panel = Panel()
    one = panel.says("a")
    with pytest.raises(Misuse, match=message):
        hedged(one, panel.says("b"), **change)
    with pytest.raises(Misuse, match="would read one paid answer back"):
        hedged(one, Respondent("b", one.ask))
    with pytest.raises(Misuse, match="is no share"):
        HedgeShare(5)
    assert panel.asked == []
