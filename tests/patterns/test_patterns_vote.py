"""Votes on virtual time: they stop once it is certain, and say who agreed and who did not."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patterns.asking import PRICE, PROMPT, Label, Models, Panel, chain, said
from tests.patterns.joining import seconds
from tests.patterns.virtual import elapsed, run
from workflows.calls import open_door
from workflows.data.strategies import VoteRecord
from workflows.errors import Misuse, Unresolved, Unusable
from workflows.patterns.consult import Terms
from workflows.patterns.otherwise import give_up, take, take_best
from workflows.patterns.respondents import Decided, Respondent, samples_of
from workflows.patterns.vote import majority_accuracy, vote

Found = Decided[Label, VoteRecord]


def held(voters: list[Respondent[Label]], **more: Any) -> tuple[Found, float]:
    async def story() -> tuple[Found, float]:
        found = await vote("label", voters, **{"key": said, "otherwise": give_up(), **more})
        return found, elapsed()

    return run(story())


def test_it_ends_with_the_deciding_vote_and_the_rest_is_cancelled() -> None:
    panel = Panel()
    voters = [
        panel.says("openai-a", after=1),
        panel.says("gemini-b", "no", after=2),
        panel.says("anthropic-c", after=3),
        panel.says("groq-d", after=100),
        panel.says("mistral-e", "no", after=200),
    ]
    found, at = held(voters)
    assert (found.value.label, at) == ("yes", 100)
    assert panel.cancelled == ["mistral-e"]


def test_a_quorum_of_two_is_enough_and_the_minority_is_kept() -> None:
    panel = Panel()
    voters = [
        panel.says("openai-a", after=1),
        panel.says("gemini-b", "no", after=2),
        panel.says("anthropic-c", after=3),
        panel.says("groq-d", after=100),
    ]
    found, at = held(voters, quorum=2)
    record = found.record
    assert (found.value.label, at, record.via) == ("yes", 3, "openai-a")
    assert (record.votes, record.minority) == ({"yes": 2, "no": 1}, ("gemini-b",))
    assert record.agreement == pytest.approx(2 / 3)
    assert [r.state for r in record.replies] == ["accepted", "rejected", "accepted", "cancelled"]
    assert (record.usd, record.uncertain) == (3 * PRICE, 1)
    assert (record.models, record.vendors, record.correlated) == (2, 2, "")
    assert record.why == "2 of 4 agree: 2 for yes, 1 for no"
    assert VoteRecord.model_validate_json(record.model_dump_json()) == record


def test_it_ends_once_no_value_can_reach_the_quorum() -> None:
    panel = Panel()
    voters = [
        panel.says("a", "one", after=1),
        panel.says("b", "two", after=2),
        panel.fails("c", after=3),
        panel.says("d", "one", after=100),
    ]
    found, at = held(voters, otherwise=take(Label(label="nobody")))
    assert (found.value.label, at, panel.cancelled) == ("nobody", 3, ["d"])
    assert not found.record.decided
    assert found.record.why.startswith(
        "no quorum can be reached, 3 are needed; 1 for one, 1 for two: a one; b two; c "
        "ModelUnavailable: c is down"
    )


def test_without_quorum_the_best_is_what_most_said_and_a_tie_has_none() -> None:
    panel = Panel()
    kinds = ["one", "two", "two", "three", "four"]
    voters = [panel.says(f"m{n}", kind) for n, kind in enumerate(kinds)]
    found, _ = held(voters, otherwise=take_best(), quorum=3)
    assert (found.value.label, found.record.via) == ("two", "best so far")
    assert found.record.minority == ("m0", "m3", "m4")
    with pytest.raises(Unresolved, match="1 for one, 1 for two"):
        held([panel.says("a", "one"), panel.says("b", "two")], otherwise=take_best())


def test_of_two_that_reach_a_low_quorum_at_once_the_order_of_naming_decides() -> None:
    panel = Panel()
    kinds = ["no", "yes", "yes", "no"]
    voters = [panel.says(f"m{n}", kind) for n, kind in enumerate(kinds)]
    found, _ = held(voters, quorum=2)
    assert found.value.label == "yes", "m2 was named before m3"
    assert found.record.votes == {"no": 2, "yes": 2}, "what came with it is in the record"


def test_a_deadline_ends_it() -> None:
    panel = Panel()
    voters = [panel.says("a", "one"), panel.hangs("b"), panel.hangs("c")]
    found, at = held(voters, deadline=seconds(60), otherwise=take_best())
    assert (found.value.label, at) == ("one", 60)
    assert found.record.why.startswith("the deadline passed, 2 are needed; 1 for one")


def test_samples_of_one_model_are_asked_apart_and_noted_as_correlated() -> None:
    models = Models({"a": "yes", "a#11": "no"})
    voters = samples_of(3, chain("openai-a"), PROMPT, Label, terms=Terms(sample=10, budget="b"))

    async def story() -> Found:
        with open_door(models):
            return await vote("label", voters, key=said, otherwise=give_up())

    found = run(story())
    assert sorted(r.sample for r in models.requests) == [10, 11, 12]
    assert {r.budget for r in models.requests} == {"b"}
    assert (found.record.models, found.record.minority) == (1, ("sample-1",))
    assert found.record.correlated == (
        "all 2 votes that agree are samples of one model, and err together"
    )


def test_votes_of_one_vendor_and_of_several_are_told_apart() -> None:
    panel = Panel()

    def note(*names: str) -> str:
        return held([panel.says(n) for n in names], quorum=len(names))[0].record.correlated

    assert "come from one vendor" in note("openai-a", "openai-b")
    assert note("openai-a", "openai-b", "gemini-c") == (
        "3 votes that agree come from 3 models of 2 vendors"
    )


@settings(max_examples=80, deadline=None, print_blob=True)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", "fails"]), st.integers(1, 5)),
        min_size=2,
        max_size=7,
    ),
    st.data(),
)
def test_it_decides_as_the_oracle_and_no_later(kinds: list[Any], data: Any) -> None:
    quorum = data.draw(st.integers(2, len(kinds)))
    panel = Panel()
    voters = [
        panel.fails(f"m{n}", after=after)
        if kind == "fails"
        else panel.says(f"m{n}", kind, after=after)
        for n, (kind, after) in enumerate(kinds)
    ]
    found, at = held(voters, quorum=quorum, otherwise=take(Label(label="none")))
    won, when = oracle(kinds, quorum)
    assert (found.value.label, at) == (won, when)
    assert found.record.decided == (won != "none")


def oracle(kinds: list[Any], quorum: int) -> tuple[str, int]:
    """Give what wins and when it is certain, second by second."""
    votes = Counter[str]()
    left = len(kinds)
    for second in range(1, 6):
        for kind, after in kinds:
            if after == second:
                left -= 1
                votes[kind] += kind != "fails"
                if kind != "fails" and votes[kind] >= quorum:
                    return kind, second
        if max(votes.values(), default=0) + left < quorum:
            return "none", second
    raise AssertionError("it never ends")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quorum": 1}, "is no quorum"),
        ({"quorum": 4}, "is no quorum"),
        ({"quorum": True}, "is no quorum"),
        ({"key": "label"}, "give a function"),
        ({"otherwise": None}, "call one"),
        ({"deadline": 60}, "timedelta"),
        ({"limit": 0}, "lets nothing run"),
    ],
)
def test_misuse_is_refused_before_anybody_is_asked(change: dict[str, Any], message: str) -> None:
    panel = Panel()
    with pytest.raises(Misuse, match=message):
        held([panel.says(n) for n in "abc"], **change)
    with pytest.raises(Misuse, match="name at least 2"):
        held([panel.says("a")])
    assert panel.asked == []


def test_a_key_that_is_none_ends_the_vote() -> None:
    panel = Panel()
    voters = [panel.says("a"), panel.says("b", after=50), panel.says("c", after=50)]
    with pytest.raises(Unusable, match="the key of what 'a' said failed"):
        held(voters, key=lambda v: [v.label])
    assert panel.cancelled == ["b", "c"]


def test_a_majority_is_worth_less_the_more_its_voters_err_together() -> None:
    assert majority_accuracy(3, 2, 0.8, 0) == pytest.approx(0.896)
    assert majority_accuracy(3, 2, 0.8, 1) == 0.8
    falling = [majority_accuracy(5, 3, 0.8, share / 10) for share in range(11)]
    assert falling == sorted(falling, reverse=True)
    assert sum(
        majority_accuracy(4, m, 0.7, 0.3) - majority_accuracy(4, m + 1, 0.7, 0.3) for m in range(5)
    ) == pytest.approx(1)
    with pytest.raises(Misuse):
        majority_accuracy(3, 2, 80, 0)
