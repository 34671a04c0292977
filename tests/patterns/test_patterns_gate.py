"""Who may decide at a gate, who is still needed, and what is refused."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.patterns.gating import PEOPLE, after, decides, opened, spec
from workflows.data.common import Decision, DecisionAnswer, Verdict
from workflows.errors import Misuse, Refused
from workflows.patterns.gate import ABOUT_CASE, ANYBODY, GateResult, GateSpec
from workflows.patterns.open_gate import Gate

NO_MORE = {Verdict.MORE: "no more rounds are left"}


@pytest.mark.parametrize(
    ("needs", "excluded", "decided", "still", "may"),
    [
        ("analyst", "", "", "analyst", "ann bob"),
        ("senior", "", "", "senior", "bob dan"),
        ("anybody", "", "", "anybody", "ann bob cleo dan eve"),
        ("anybody", "eve ann", "", "anybody", "bob cleo dan"),
        ("senior compliance", "", "", "senior compliance", "bob cleo dan"),
        ("senior compliance", "", "cleo", "senior", "bob dan"),
        ("senior compliance", "", "bob", "compliance", "cleo dan"),
        ("senior compliance", "", "dan", "compliance", "bob cleo"),
        ("compliance compliance", "", "cleo", "compliance", "dan"),
        ("compliance anybody", "", "eve", "compliance", "cleo dan"),
        ("compliance anybody", "", "cleo", "anybody", "ann bob dan eve"),
        ("anybody compliance", "", "dan", "anybody", "ann bob cleo eve"),
        ("anybody anybody", "ann", "bob", "anybody", "cleo dan eve"),
        ("senior compliance analyst", "", "bob dan", "", "ann cleo"),
        ("analyst", "", "ann", "", ""),
    ],
)
def test_who_is_still_needed_and_who_may_decide(
    needs: str, excluded: str, decided: str, still: str, may: str
) -> None:
    gate = after(opened(spec(needs, excluded=excluded)), decided)
    assert " ".join(sorted(gate.may_decide())) == may
    if still:
        assert " ".join(gate.still_needed()) == still
    assert gate.closed is (not gate.still_needed())


def test_whoever_may_decide_brings_the_gate_to_its_end() -> None:
    def settle(gate: Gate, names: list[str]) -> int:
        if gate.closed:
            assert len(gate.decisions) == len(gate.spec.needs)
            return 1
        assert gate.may_decide(), f"stuck after {names}"
        ways = 0
        for name in gate.may_decide():
            ways += settle(after(opened(gate.spec), " ".join([*names, name])), [*names, name])
        return ways

    assert settle(opened(spec("analyst")), []) == 2
    assert settle(opened(spec("senior compliance")), []) == 6
    assert settle(opened(spec("senior compliance anybody")), []) > 6


NO_EYES = "wrote the case or decided here before"


@pytest.mark.parametrize(
    ("given", "decided", "decision", "why"),
    [
        (spec("senior", excluded="dan"), "", decides("dan"), NO_EYES),
        (spec("anybody", excluded="eve"), "", decides("eve"), NO_EYES),
        (spec("anybody"), "", decides("mallory"), "mallory is not a reviewer of this case: ann"),
        (spec("anybody anybody"), "ann", decides("ann"), "ann has decided already"),
        (spec("senior"), "", decides("ann"), "ann has not the role needed here: senior"),
        (spec("senior senior"), "bob", decides("cleo"), "role needed here: senior"),
        (
            spec("senior compliance"),
            "",
            decides("eve"),
            "role needed here: senior and compliance",
        ),
        (
            spec("anybody"),
            "",
            decides("ann", Verdict.DECLINE, limit="10"),
            "conditions go with approve only",
        ),
        (spec("anybody"), "", decides("ann", Verdict.REFER, limit="10"), "approve only"),
        (spec("anybody"), "", decides("ann", Verdict.MORE, limit="10"), "approve only"),
        (spec("anybody", barred=NO_MORE), "", decides("ann", Verdict.MORE), "no more rounds"),
        (spec("anybody"), "ann", decides("bob"), "too late: gate 'review' is settled"),
        (spec("anybody"), "ann", decides("mallory"), "too late"),
    ],
)
def test_a_decision_that_cannot_count_is_refused_with_the_reason(
    given: GateSpec, decided: str, decision: Decision, why: str
) -> None:
    gate = after(opened(given), decided)
    before = gate.view()
    assert why in (gate.refuse(decision) or "")
    with pytest.raises(Refused, match=re.escape(why)):
        gate.take(decision)
    assert gate.view() == before


@pytest.mark.parametrize("verdict", ABOUT_CASE)
def test_every_verdict_counts_and_conditions_go_with_approve(verdict: Verdict) -> None:
    gate = opened(spec("anybody"))
    limit = "1000" if verdict is Verdict.APPROVE else ""
    decision = decides("eve", verdict, limit)
    assert gate.refuse(decision) is None
    assert gate.take(decision) == DecisionAnswer(gate="review", accepted=True, settled=True)
    assert gate.decisions == [decision]
    assert GateResult(tuple(gate.decisions)).asks_more is (verdict is Verdict.MORE)


def test_answers_say_who_is_still_needed() -> None:
    gate = opened(spec("senior compliance"))
    answer = gate.take(decides("cleo"))
    assert (answer.settled, answer.still_needed, gate.closed) == (False, ("senior",), False)
    answer = gate.take(decides("bob"))
    assert (answer.settled, answer.still_needed, gate.closed) == (True, (), True)


def test_asking_for_more_settles_the_gate_at_once() -> None:
    gate = opened(spec("senior compliance"))
    answer = gate.take(decides("cleo", Verdict.MORE))
    assert (answer.settled, answer.still_needed, gate.closed) == (True, (), True)
    assert "too late" in (gate.refuse(decides("bob")) or "")


def test_the_view_shows_when_it_opened_and_by_when_it_ends() -> None:
    view = after(opened(spec("compliance anybody")), "eve").view()
    assert view.opened == datetime(1970, 1, 1, tzinfo=UTC)
    assert view.deadline - view.opened == timedelta(days=3)
    assert (view.needs, view.may_decide) == (("compliance",), ("cleo", "dan"))
    assert [d.by for d in view.decided] == ["eve"]


@pytest.mark.parametrize(
    ("needs", "people", "excluded"),
    [
        ("director", PEOPLE, ""),
        ("anybody", {}, ""),
        ("anybody", {"ann": ""}, "ann"),
        ("compliance", PEOPLE, "cleo dan"),
        ("senior senior senior", PEOPLE, ""),
        ("senior compliance", {"dan": "senior compliance"}, ""),
        ("compliance anybody", {"cleo": "compliance"}, ""),
        ("analyst senior", {"ann": "analyst", "bob": "analyst"}, ""),
    ],
)
def test_a_gate_nobody_can_settle_is_refused_when_built(
    needs: str, people: dict[str, str], excluded: str
) -> None:
    with pytest.raises(Misuse, match=r"can never be settled.*add people"):
        spec(needs, people=people, excluded=excluded)


def test_a_gate_that_needs_nobody_or_has_no_time_is_refused_when_built() -> None:
    with pytest.raises(Misuse, match="needs nobody"):
        spec("")
    with pytest.raises(Misuse, match="must be positive"):
        spec(ANYBODY, deadline=timedelta(0))
    with pytest.raises(Misuse, match="must be positive"):
        spec(ANYBODY, remind_every=timedelta(0))
