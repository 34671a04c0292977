"""The audit: nothing in clean blueprints, and every planted flaw with its place and mend."""

import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.blueprints.reading import read_blueprint
from insight.plan.audit.audit import audit
from insight.plan.audit.findings import AuditFinding, Code, Level, Offers
from runtime.settings import ROOT
from tests.blueprints.making import PLANTED, Data, clean
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.planned import plan_of

SOAK = bool(os.environ.get("BRAID_SOAK"))
MANY = settings(
    max_examples=500 if SOAK else 40,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


ANYWHERE = {"template", "unknown-step", "unknown-input", "path-explosion"}
"""Planted in some step there was, or in all of them; all others in steps and fields x1, x2, ..."""


def rng_of(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - no secret


def found(made: Data) -> tuple[AuditFinding, ...]:
    return audit(Blueprint.model_validate(made))


@MANY
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_clean_blueprints_have_no_findings(seed: int) -> None:
    assert found(clean(rng_of(seed))) == ()


def test_every_code_of_blueprints_is_planted() -> None:
    others = {Code.SEQUENTIAL, Code.UNKNOWN_NAME}
    assert set(PLANTED) == {code.value for code in Code if code not in others}
    page = (ROOT / "docs" / "flaws.md").read_text(encoding="utf-8")
    assert [code for code in Code if f"`{code}`" not in page] == []


@settings(MANY, max_examples=500 if SOAK else 8)
@pytest.mark.parametrize("code", PLANTED)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_every_planted_flaw_is_found(code: str, seed: int) -> None:
    rng = rng_of(seed)
    findings = found(PLANTED[code](clean(rng), rng))
    assert {finding.code for finding in findings} == {code}
    assert all(finding.says and finding.mend and finding.at for finding in findings)
    if code not in ANYWHERE:
        assert any(str(part).startswith("x") for f in findings for part in (*f.at, *f.steps))


FROM_PRACTICE = """\
name: three-calls
input: {text: text}
steps:
  entities:
    ask: analyst
    prompt: "Entities of {{ input.text }}"
    takes: 8s
  sentiment:
    ask: analyst
    prompt: "Sentiment of {{ input.text }}"
    takes: 10s
  reply:
    ask: writer
    prompt: |
      Answer in parallel with the two above.
      The mood is {{ steps.sentiment.text }}.
    beside: [entities, sentiment]
    takes: 6s
"""


def test_three_calls_in_parallel_of_which_the_third_uses_the_second(tmp_path: Path) -> None:
    path = tmp_path / "three.yaml"
    path.write_text(FROM_PRACTICE, encoding="utf-8")
    source = read_blueprint(path)
    (error,) = [f for f in audit(source.blueprint) if f.level is Level.ERROR]
    assert error.code is Code.FALSE_INDEPENDENCE
    assert error.steps == ("sentiment", "reply")
    assert "reply uses the result of sentiment" in error.says
    assert source.place(error.at, error.line) == f"{path}:17:24"
    times = {step.id: step.modes[0].p50 for step in plan_of(source.blueprint).steps}
    assert max(times["entities"], times["sentiment"] + times["reply"]) == 16


def test_a_flaw_in_a_template_names_its_line() -> None:
    made = clean(rng_of(1))
    made["steps"]["x1"] = {"ask": "writer", "prompt": "one\ntwo {{ steps.nobody.text }}"}
    (error,) = [f for f in found(made) if f.level is Level.ERROR]
    assert (error.code, error.at, error.line) == (
        Code.UNKNOWN_STEP,
        ("steps", "x1", "prompt"),
        2,
    )


def test_roles_are_checked_where_they_are_known() -> None:
    made = {"name": "a", "steps": {"x": {"ask": "wrtier", "prompt": "Go"}}}
    offers = Offers(roles=frozenset({"writer"}))
    (error,) = audit(Blueprint.model_validate(made), offers)
    assert (error.code, error.at) == (Code.UNKNOWN_NAME, ("steps", "x", "ask"))


@pytest.mark.parametrize(("field", "codes"), [("contract", [Code.DECIDED_TWICE]), ("reason", [])])
def test_what_only_says_why_is_not_decided_twice(field: str, codes: list[Code]) -> None:
    one, other = ({"ask": "writer", "gives": {n: "text", field: "text"}} for n in ("code", "page"))
    both = {"ask": "writer", "prompt": f"{{{{ steps.a.{field} }}}} {{{{ steps.b.{field} }}}}"}
    steps = {"a": {**one, "prompt": "One"}, "b": {**other, "prompt": "Another"}, "c": both}
    findings = found({"name": "m", "steps": steps, "result": {"c": "{{ steps.c.text }}"}})
    assert [f.code for f in findings if f.code is Code.DECIDED_TWICE] == codes


@pytest.mark.parametrize("path", sorted((ROOT / "blueprints").glob("*.yaml")), ids=lambda p: p.stem)
def test_blueprints_there_are_have_no_flaw_but_notes(path: Path) -> None:
    findings = audit(read_blueprint(path).blueprint)
    assert [f for f in findings if f.level is not Level.NOTE] == []


@pytest.mark.parametrize("read", ["input.text.title", "steps.a.names.first", "steps.b.text.words"])
def test_what_is_declared_to_have_no_fields_has_none(read: str) -> None:
    a = {"ask": "writer", "prompt": "{{ input.text }}", "gives": {"names": "list of text"}}
    steps = {"a": a, "b": {**a, "gives": {}}, "c": {**a, "prompt": f"{{{{ {read} }}}}"}}
    made = {"name": "m", "input": {"text": "text (with a title)"}, "steps": steps}
    (error,) = [f for f in found(made) if f.level is Level.ERROR]
    assert (error.code, error.at) == (Code.UNKNOWN_FIELD, ("steps", "c", "prompt"))
    assert "is declared as" in error.says
