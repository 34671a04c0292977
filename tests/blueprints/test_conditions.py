"""Conditions taken apart: which exclude each other, which follow, how many paths they make."""

import pytest

from insight.plan.audit.audit import audit
from insight.plan.audit.conditions import exclude, paths
from insight.plan.audit.findings import Code
from workflows.data.blueprints.blueprint import Blueprint

VERDICT = "steps.review.verdict"


def when(text: str) -> str:
    return f"{{{{ {text} }}}}"


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (f"{VERDICT} == 'approve'", f"{VERDICT} == 'decline'", True),
        ("input.kind == 'a'", "'a' != input.kind", True),
        ("input.n > 5", "input.n <= 5", True),
        ("input.n > 5", "input.n > 7", False),
        ("input.n < 3", "input.n > 3 and input.vip", True),
        ("not (input.a or input.b)", "input.b", True),
        ("input.kind in ['a', 'b']", "input.kind == 'c'", True),
        ("input.kind in ['a', 'b']", "input.kind == 'b'", False),
        ("input.a", "input.b", False),
        ("input.a or input.b", "not input.a", False),
    ],
)
def test_conditions_that_never_hold_together(one: str, other: str, apart: bool) -> None:
    assert exclude(when(one), when(other)) is apart
    assert exclude(when(other), when(one)) is apart


def test_conditions_on_one_value_make_few_paths() -> None:
    kinds = [when(f"input.kind == '{n}'") for n in range(9)]
    assert paths(kinds) == 10
    assert paths([when("input.a"), when("not input.a"), "{{input.a}}"]) == 2
    assert paths(when(f"input.c{n}") for n in range(9)) == 512
    assert paths([when("input.a or input.b"), when("input.c > 1")]) == 4


def read_by(condition: str, prompt: str = "On {{ steps.a.score }}") -> set[Code]:
    """Audit a step that reads another, which happens only if `vip`."""
    a = {"ask": "x", "prompt": "{{ input.n }}", "gives": {"score": "number"}}
    steps = {
        "a": {**a, "when": when("input.vip")},
        "b": {**a, "prompt": "{{ steps.a.score or 0 }}", "when": when("steps.a != none")},
        "c": {"ask": "x", "prompt": prompt, "when": condition},
    }
    made = {"name": "m", "input": {"vip": "boolean", "n": "number"}, "steps": steps}
    found = audit(Blueprint.model_validate(made))
    return {finding.code for finding in found if "c" in finding.steps}


@pytest.mark.parametrize(
    "condition",
    [
        "{{input.vip}}",
        when("input.vip and input.n > 3"),
        when("steps.a"),
        when("steps.b"),
        when("steps.b.score == 3"),
        when("input.vip and steps.a.score > 5"),
        when("steps.a and steps.a.score > 5"),
        when("(steps.a.score or 0) > 5"),
    ],
)
def test_what_a_condition_makes_certain_is_not_missing(condition: str) -> None:
    assert Code.MISSING_PATH not in read_by(condition)


@pytest.mark.parametrize(
    ("condition", "prompt"),
    [
        ("", "On {{ steps.a.score }}"),
        ("", "{% if steps.a.score > 5 %}high{% endif %}"),
        ("", "{{ (steps.a.score + 1) or 0 }}"),
        (when("steps.a.score > 5"), "Go"),
        (when("not steps.a"), "On {{ steps.a.score }}"),
        (when("not input.vip"), "On {{ steps.a.score }}"),
        (when("input.vip or input.n > 3"), "On {{ steps.a.score }}"),
    ],
)
def test_what_may_be_empty_is_found(condition: str, prompt: str) -> None:
    assert Code.MISSING_PATH in read_by(condition, prompt)


def test_steps_that_exclude_each_other_do_not_conflict() -> None:
    def write(verdict: str) -> dict[str, object]:
        return {"effect": "chat", "uses": ["record"], "when": when(f"{VERDICT} == '{verdict}'")}

    gate = {"gate": {"question": "Good?", "people": ["ana"]}}

    def found(other: str) -> set[Code]:
        steps = {"review": gate, "yes": write("approve"), "no": write(other)}
        blueprint = Blueprint.model_validate({"name": "m", "steps": steps})
        return {finding.code for finding in audit(blueprint)}

    assert Code.CONFLICT not in found("decline")
    assert Code.CONFLICT in found("approve")
