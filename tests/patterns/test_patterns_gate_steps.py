"""Gates about a step: retry, skip, supply a value, done by hand."""

from dataclasses import replace
from typing import Any

import pytest

from tests.patterns.gating import DAY, Amount, decides, opened, roles, spec
from tests.patterns.virtual import run
from workflows.data.common import Verdict
from workflows.errors import Misuse
from workflows.patterns.desk import Desk
from workflows.patterns.gate import GateResult, GateSpec, task_gate

EVERYBODY = roles({"ann": "analyst", "bob": ""})


def task(**more: Any) -> GateSpec:
    given: dict[str, Any] = {"deadline": 3 * DAY, "remind_every": DAY}
    return task_gate("step-3", "What becomes of step 3?", EVERYBODY, **(given | more))


def says(verdict: Verdict, **more: Any) -> Any:
    return decides("bob", verdict, gate="step-3", **more)


def test_any_one_person_decides_about_a_step() -> None:
    view = opened(task()).view()
    assert (view.needs, view.may_decide) == (("anybody",), ("ann", "bob"))
    assert (view.verdicts, view.proposal) == ((Verdict.RETRY, Verdict.SKIP), "retry")
    assert view.supplies is None


@pytest.mark.parametrize("verdict", [Verdict.DONE, Verdict.RETRY])
def test_the_verdict_that_settled_the_gate_is_the_last(verdict: Verdict) -> None:
    gate = opened(task(verdicts=(Verdict.DONE, Verdict.RETRY)))
    assert gate.take(says(verdict)).settled
    result = GateResult(tuple(gate.decisions))
    assert result.last is not None
    assert result.last.verdict is verdict


def test_a_value_is_supplied_as_its_record() -> None:
    given = task(supplies=Amount)
    assert given.verdicts == (Verdict.RETRY, Verdict.SKIP, Verdict.SUPPLY)
    gate = opened(given)
    schema = gate.view().supplies
    assert isinstance(schema, dict)
    assert schema["required"] == ["usd"]
    gate.take(says(Verdict.SUPPLY, value={"usd": 7}))
    assert given.supplied(gate.decisions[0].value) == Amount(usd=7)
    assert task().supplied({"usd": 7}) is None


@pytest.mark.parametrize(
    ("verdict", "more", "why"),
    [
        (Verdict.APPROVE, {}, "gate 'step-3' takes retry, skip, supply, not approve"),
        (Verdict.DONE, {}, "not done"),
        (Verdict.RETRY, {"value": {"usd": 1}}, "takes no value with retry"),
        (Verdict.RETRY, {"limit": "10"}, "conditions go with approve only"),
        (Verdict.SUPPLY, {}, "the value does not fit"),
        (Verdict.SUPPLY, {"value": {"usd": "seven"}}, "the value does not fit: usd: "),
        (Verdict.SUPPLY, {"value": {"usd": 7, "eur": 8}}, "eur: Extra inputs"),
        (Verdict.SUPPLY, {"value": [7]}, "the value does not fit"),
    ],
)
def test_a_verdict_or_value_that_does_not_fit_is_refused(
    verdict: Verdict, more: dict[str, Any], why: str
) -> None:
    gate = opened(task(supplies=Amount))
    refused = gate.refuse(says(verdict, **more))
    assert why in (refused or "counted")
    assert "seven" not in (refused or ""), "a refusal repeats no value"


def test_a_draft_is_shown_and_more_may_say_what_it_asks_for() -> None:
    view = opened(task(supplies=Amount)).view()
    assert (view.suggested, view.asks) == (None, None)
    drafted = replace(task(supplies=Amount), suggests=Amount(usd=5))
    assert opened(drafted).view().suggested == {"usd": 5, "why": ""}
    gate = opened(spec("anybody", asks=Amount))
    assert isinstance(gate.view().asks, dict)
    for value, why in ((None, None), ({"usd": 3}, None), ({"eur": 3}, "does not fit")):
        refused = gate.refuse(decides("ann", Verdict.MORE, value=value))
        assert (refused is None) if why is None else why in (refused or "")


def test_a_value_that_fits_its_record_may_still_be_refused_with_a_reason() -> None:
    def misfit(value: Amount) -> str | None:
        return "usd: more than there is" if value.usd > 5 else None

    gate = opened(spec("anybody", asks=Amount, misfit=misfit))
    more = {usd: decides("ann", Verdict.MORE, value={"usd": usd}) for usd in (5, 6)}
    assert gate.refuse(more[6]) == "the value does not fit: usd: more than there is"
    assert gate.refuse(more[5]) is None
    with pytest.raises(Misuse, match="takes no value `misfit` could judge"):
        spec("anybody", misfit=misfit)


def test_a_draft_of_another_record_or_a_question_nobody_can_ask_is_refused_when_built() -> None:
    with pytest.raises(Misuse, match="suggest one of `supplies`"):
        replace(task(), suggests=Amount(usd=5))
    with pytest.raises(Misuse, match="goes with the verdict 'more'"):
        replace(task(), asks=Amount)


def test_a_gate_about_a_case_takes_no_verdict_about_a_step() -> None:
    gate = opened(spec("anybody"))
    assert "takes approve, decline, refer, more, not skip" in (
        gate.refuse(decides("ann", Verdict.SKIP)) or ""
    )


def test_what_is_barred_is_not_offered() -> None:
    gate = opened(spec("anybody", barred={Verdict.MORE: "no more rounds"}))
    assert gate.view().verdicts == (Verdict.APPROVE, Verdict.DECLINE, Verdict.REFER)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"verdicts": ()}, "has no verdict left; offer one"),
        ({"verdicts": (Verdict.RETRY, Verdict.SUPPLY)}, "give both or neither"),
    ],
)
def test_a_task_nobody_can_answer_is_refused_when_built(more: dict[str, Any], why: str) -> None:
    with pytest.raises(Misuse, match=why):
        task(**more)


def test_a_gate_whose_verdicts_are_all_barred_or_whose_value_has_no_verdict_is_refused() -> None:
    with pytest.raises(Misuse, match="has no verdict left"):
        spec("anybody", verdicts=(Verdict.MORE,), barred={Verdict.MORE: "no rounds"})
    with pytest.raises(Misuse, match="give both or neither"):
        spec("anybody", supplies=Amount)
    with pytest.raises(Misuse, match="can never be settled"):
        task_gate("t", "?", {}, deadline=DAY, remind_every=DAY)


def test_nobody_in_time_is_no_verdict() -> None:
    result = run(Desk().open(task()))
    assert (result.timed_out, result.last) == (True, None)
