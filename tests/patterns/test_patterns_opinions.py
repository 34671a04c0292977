"""Second opinions on virtual time: sure passes, unsure is voted on, a person has the last word."""

import asyncio
from typing import Any

import pytest

from tests.patterns.asking import PRICE, Label, Panel, said, sure_of
from tests.patterns.gating import spec
from tests.patterns.joining import seconds
from tests.patterns.virtual import elapsed, run
from workflows.data.common import Decision, Verdict
from workflows.data.strategies import OpinionsRecord
from workflows.errors import Misuse, Unresolved, Unusable
from workflows.patterns.desk import Desk
from workflows.patterns.opinions import opinions
from workflows.patterns.otherwise import ask_person, give_up, take, take_best
from workflows.patterns.respondents import Decided

Found = Decided[Label, OpinionsRecord]


def heard(first: Any, *others: Any, **more: Any) -> tuple[Found, float]:
    given = {"confidence": sure_of, "sure": 0.9, "key": said, "otherwise": give_up(), **more}

    async def story() -> tuple[Found, float]:
        return await opinions("hit", first, others, **given), elapsed()

    return run(story())


def test_a_sure_answer_passes_and_nobody_else_is_asked() -> None:
    panel = Panel()
    found, at = heard(panel.says("a", confidence=0.9), panel.says("b"), panel.says("c"))
    assert (panel.asked, at) == (["a"], 1)
    assert (found.record.path, found.record.usd) == (("sure",), PRICE)
    assert [r.state for r in found.record.replies] == ["accepted", "not_asked", "not_asked"]
    assert found.record.why == "a is sure: 0.9, where 0.9 is enough; nobody else was asked"


def test_an_unsure_answer_counts_as_one_vote_and_is_asked_for_once() -> None:
    panel = Panel()
    found, at = heard(
        panel.says("openai-a", confidence=0.5),
        panel.says("gemini-b", "no", after=2),
        panel.says("groq-c", after=3),
    )
    assert (found.value.label, at) == ("yes", 4)
    assert panel.asked == ["openai-a", "gemini-b", "groq-c"]
    record = found.record
    assert (record.path, record.votes) == (("unsure", "agreed"), {"yes": 2, "no": 1})
    assert record.usd == 3 * PRICE
    first = record.replies[0]
    assert first.confidence == 0.5
    assert first.started is not None
    assert first.ended is not None
    assert (first.ended - first.started) == seconds(1)


def test_two_others_may_outvote_the_first() -> None:
    panel = Panel()
    found, at = heard(panel.says("a"), panel.says("b", "no"), panel.says("c", "no", after=2))
    assert (found.value.label, found.record.minority, at) == ("no", ("a",), 3)


def test_one_that_fails_or_is_late_leaves_it_to_the_others() -> None:
    panel = Panel()
    found, _ = heard(panel.fails("a"), panel.says("b"), panel.says("c"))
    assert found.record.path == ("unsure", "agreed")
    assert found.record.replies[0].why == "ModelUnavailable: a is down"
    slow = panel.hangs("d", timeout=10)
    found, at = heard(slow, panel.says("b"), panel.says("c"), panel.says("e", "no"), quorum=2)
    assert (found.record.path, at) == (("unsure", "agreed"), 11)
    assert (found.record.replies[0].state, found.record.uncertain) == ("timed_out", 1)
    assert panel.asked.count("d") == 1


def test_still_unsure_goes_to_a_person_who_sees_why() -> None:
    panel = Panel()
    gate = spec(
        "analyst",
        name="hit",
        verdicts=(Verdict.DECLINE, Verdict.SUPPLY),
        supplies=Label,
    )
    desk = Desk()

    async def story() -> tuple[Found, str]:
        work = asyncio.ensure_future(
            opinions(
                "hit",
                panel.says("a", "one"),
                [panel.says("b", "two"), panel.says("c", "three")],
                confidence=sure_of,
                sure=0.9,
                key=said,
                otherwise=ask_person(desk.open, gate),
            )
        )
        await asyncio.sleep(60)
        shown = desk.views()[0].proposal
        desk.take(Decision(verdict=Verdict.SUPPLY, by="ann", gate="hit", value={"label": "four"}))
        return await work, shown

    found, shown = run(story())
    assert "no quorum can be reached, 2 are needed; 1 for one, 1 for two" in shown
    assert (found.value.label, found.record.via) == ("four", "gate hit")
    assert found.record.path == ("unsure", "otherwise")


def test_without_agreement_the_best_is_what_most_said() -> None:
    panel = Panel()
    voters = [panel.says("b", "two"), panel.says("c", "two"), panel.says("d", "three")]
    found, _ = heard(panel.says("a", "one"), *voters, quorum=4, otherwise=take_best())
    assert found.value.label == "two"
    with pytest.raises(Unresolved, match="no quorum"):
        heard(panel.says("a", "one"), panel.says("b", "two"))


def test_a_deadline_bounds_the_opinions() -> None:
    panel = Panel()
    found, at = heard(
        panel.says("a", "one"),
        panel.hangs("b"),
        deadline=seconds(30),
        otherwise=take(Label(label="none")),
    )
    assert (found.value.label, at) == ("none", 31)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sure": 0}, "is none; it is above 0"),
        ({"sure": 90}, "is none; it is above 0"),
        ({"quorum": 3}, "is no quorum"),
        ({"confidence": 0.9}, "give a function"),
        ({"otherwise": give_up}, "call one"),
    ],
)
def test_misuse_is_refused_before_anybody_is_asked(change: dict[str, Any], message: str) -> None:
    panel = Panel()
    with pytest.raises(Misuse, match=message):
        heard(panel.says("a"), panel.says("b"), **change)
    with pytest.raises(Misuse, match="name at least 2"):
        heard(panel.says("a"))
    assert panel.asked == []


def test_a_confidence_that_is_none_ends_it() -> None:
    panel = Panel()
    with pytest.raises(Unusable, match="'a': its confidence is 2"):
        heard(panel.says("a", confidence=2.0), panel.says("b"))
    assert panel.asked == ["a"]
