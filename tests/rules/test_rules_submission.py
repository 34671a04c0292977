"""Rules of the regulatory submission: figures, what they say, who could never sign."""

from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from tests.patterns.gating import decides, opened
from tests.support.world import example
from workflows.data.common import Verdict
from workflows.data.phases import PhaseVersion
from workflows.data.submission import (
    Analysed,
    Analysis,
    Arm,
    ClinicalReading,
    DataSet,
    Phase,
    SubmissionCase,
    Writing,
    Written,
)
from workflows.rules.submission import direction, figures, objections, sign_off

CASE = example("regulatory-submission/tablets", SubmissionCase)


def trial(treated: tuple[int, int], control: tuple[int, int], *, wanted: bool = True) -> DataSet:
    arms = [Arm(patients=n, events=e) for e, n in (treated, control)]
    return DataSet(
        name="t", title="t", endpoint="e", wanted=wanted, treated=arms[0], control=arms[1]
    )


def test_the_interval_is_newcombes() -> None:
    """His own examples: 56/70 less 48/80, and 9/10 less 3/10 (Statistics in Medicine, 1998)."""
    found = figures(trial((56, 70), (48, 80)))
    assert (found.low, found.high) == (0.0524, 0.3339)
    found = figures(trial((9, 10), (3, 10)))
    assert (found.low, found.high) == (0.1705, 0.8090)


@pytest.mark.parametrize(
    ("treated", "wanted", "said"),
    [
        ((56, 70), True, "favours_treatment"),
        ((56, 70), False, "favours_control"),
        ((42, 70), True, "no_difference"),
        ((10, 70), False, "favours_treatment"),
    ],
)
def test_whom_the_figures_favour(treated: tuple[int, int], wanted: bool, said: str) -> None:
    data = trial(treated, (48, 80), wanted=wanted)
    assert direction(data, figures(data)) == said


def test_a_document_is_held_to_what_it_cites() -> None:
    first, second, third = CASE.data_sets
    wrong = ClinicalReading(direction="favours_control", statement="worse")
    analysis = Analysis(
        data_sets=(
            Analysed(data_set=first.name, figures=figures(first), reading=wrong),
            Analysed(data_set=second.name, figures=figures(second), gap="no model answered"),
            Analysed(data_set=third.name, figures=figures(third)),
        )
    )

    def found(*cites: str) -> str:
        written = Written(document="d", title="d", text="text", cites=cites)
        return " | ".join(objections(CASE, analysis, written))

    assert "its figures say favours_treatment" in found("lom-301")
    assert "was not read: no model answered" in found("lom-302")
    assert found("lom-303") == ""
    assert "no data set | rests on no data set" in found("lom-999")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"author": "oren"}, "nobody could sign the review, which needs quality"),
        ({"deadline": "P0D"}, "deadline: write a time above nothing"),
        ({"documents": [{"name": "a", "title": "A"}] * 2}, "'a' is there twice"),
        ({"data_sets": []}, "at least 1 item"),
    ],
)
def test_a_case_that_could_never_end_well_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        example("regulatory-submission/tablets", SubmissionCase, **changes)


@pytest.mark.parametrize(("at", "named"), list(product(Phase, Phase)))
def test_an_amendment_names_the_phase_at_the_gate_or_one_before_it(at: Phase, named: Phase) -> None:
    order = list(Phase)
    gate = opened(sign_off(CASE, PhaseVersion.of(at, 1, {}, Writing(documents=())), (), 1))
    wish = {"phase": named, "reason": "a typing error"}
    refused = gate.refuse(decides(gate.may_decide()[0], Verdict.MORE, value=wish))
    if order.index(named) <= order.index(at):
        assert refused is None
    else:
        assert f"phase: {named} comes after {at}" in str(refused)
        assert str(refused).endswith(f"name one of: {', '.join(order[: order.index(at) + 1])}")


def test_more_events_than_patients_are_refused() -> None:
    with pytest.raises(ValidationError, match="count each once"):
        Arm(patients=3, events=4)
