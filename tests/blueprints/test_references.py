"""What steps read of each other, and the plan that follows."""

import pytest
import yaml

from insight.plan.audit.audit import audit
from insight.plan.audit.findings import Code, Level
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.filters import BadTemplate
from workflows.data.blueprints.planned import plan_of
from workflows.data.blueprints.references import ReadKind, needs_of, reads, result_reads
from workflows.data.blueprints.templates import Known
from workflows.errors import Unusable
from workflows.steps.blueprints.filling import names

LEADS = Blueprint.model_validate(
    {
        "name": "leads",
        "input": {"mail": "text"},
        "steps": {
            "score": {"ask": "analyst", "prompt": "Score {{ input.mail }}", "takes": "8s"},
            "claims": {
                "ask": "analyst",
                "prompt": "{{ item.text }}{% for s in steps.score.parts %}{{ s.x }}{% endfor %}",
                "for_each": "{{ steps.score.list }}",
                "at_once": 4,
            },
            "hint": {"source": "news", "with": {"terms": ["{{ input['mail'] }}"]}},
            "draft": {
                "ask": "writer",
                "prompt": "{{ steps.claims }} {{ steps.hint.title }} {{ last.text }}",
                "needs": ["score"],
                "soft": ["hint"],
                "repeat": {"until": "{{ last.score > 8 and steps.draft }}", "at_most": 3},
            },
            "send": {
                "effect": "mail",
                "with": {"text": "{{ steps.draft.text }}"},
                "when": "{{ steps.score.ok }}",
                "undo": {"effect": "unsend", "with": {"id": "{{ steps.send.id }}"}},
                "uses": ["outbox"],
            },
            "confirm": {"gate": {"question": "{{ steps.send.id }}?", "people": ["ana"]}},
        },
        "result": {"id": "{{ steps.send.id }}"},
        "limits": {"analyst": {"at_once": 2}, "outbox": {"at_once": 1}},
    }
)


def test_needs_follow_from_what_is_read() -> None:
    needs = needs_of(LEADS)
    assert {name: need.hard for name, need in needs.items()} == {
        "score": (),
        "claims": ("score",),
        "hint": (),
        "draft": ("score", "claims"),
        "send": ("draft", "score"),
        "confirm": ("send",),
    }
    assert {name for name, need in needs.items() if need.soft == ("hint",)} == {"draft"}


def test_reads_tell_what_and_where() -> None:
    found = {(r.kind, r.name, r.field, r.where) for r in reads(LEADS.steps["claims"])}
    assert found == {
        (ReadKind.ITEM, "", "text", "prompt"),
        (ReadKind.STEP, "score", "parts", "prompt"),
        (ReadKind.STEP, "score", "list", "for_each"),
    }
    assert {r.where for r in reads(LEADS.steps["hint"])} == {"with.terms[0]"}
    assert {(r.name, r.where) for r in result_reads(LEADS)} == {("send", "result.id")}


def test_a_template_not_taken_names_its_place() -> None:
    step = LEADS.steps["score"].model_copy(update={"prompt": "one\n{{ steps() }}"})
    with pytest.raises(BadTemplate, match=r"prompt: nothing can be called") as refused:
        reads(step)
    assert refused.value.line == 2


def test_the_plan_has_one_mode_each() -> None:
    steps = {step.id: step for step in plan_of(LEADS).steps}
    assert [m.p50 for s in steps.values() for m in s.modes] == [8, 6, 2, 6, 1, 4 * 3600]
    assert steps["score"].modes[0].limit == "analyst"
    assert steps["send"].modes[0].limit == "outbox"
    assert steps["claims"].at_once == 4
    assert [name for name, step in steps.items() if step.effect] == ["send"]
    assert [name for name, step in steps.items() if step.waits] == ["confirm"]


def test_a_loop_is_refused() -> None:
    step = LEADS.steps["score"].model_copy(update={"needs": ("draft",)})
    looped = LEADS.model_copy(update={"steps": {**LEADS.steps, "score": step}})
    with pytest.raises(ValueError, match="wait for each other"):
        plan_of(looped)


def test_a_blueprint_travels_as_json() -> None:
    policies = [{"fail": True}, {"skip": True}, {"default": None}, {"ask": ["ana"]}]
    for policy in policies:
        step = {"ask": "writer", "prompt": "Go", "on_failure": policy, "undo": None}
        made = Blueprint.model_validate({"name": "a", "steps": {"x": step}})
        for by_alias in (True, False):
            sent = made.model_dump_json(by_alias=by_alias)
            assert Blueprint.model_validate_json(sent) == made


GATE = """
name: g
input: {team: list of text, boss: text, age: number, spare: text}
steps:
  who:
    ask: analyst
    prompt: "Who decides, {{ input.age }}?"
    gives: {name: text}
    on_failure: {ask: ["{{ input.spare }}"]}
  asked:
    gate:
      question: Now?
      people: [ana, "{{ input.team }}", "{{ steps.who.name }}"]
result: {said: "{{ steps.asked.by }}", to: "{{ input.boss }}"}
"""


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("input.team", None),
        ("input.boss", None),
        ("input.gone", Code.UNKNOWN_INPUT),
        ("input.age", Code.UNKNOWN_NAME),
        ("steps.who.nam", Code.UNKNOWN_FIELD),
    ],
)
def test_people_who_are_asked_may_be_read_and_are_audited(said: str, code: Code | None) -> None:
    made = Blueprint.model_validate(yaml.safe_load(GATE.replace("input.team", said)))
    assert needs_of(made)["asked"].hard == ("who",)
    found = [(f.code, f.at[:4]) for f in audit(made) if f.level is Level.ERROR]
    assert found == ([] if code is None else [(code, ("steps", "asked", "gate", "people"))])
    if said.startswith("input"):
        failed = Blueprint.model_validate(yaml.safe_load(GATE.replace("input.spare", said)))
        found = [(f.code, f.at[:4]) for f in audit(failed) if f.level is Level.ERROR]
        assert found == ([] if code is None else [(code, ("steps", "who", "on_failure", "ask"))])


def test_people_are_filled_in_as_names() -> None:
    known: Known = {"input": {"team": ["bo", "ana"], "boss": "cy", "none": [], "odd": "A B"}}
    people = ("ana", "{{ input.team }}", "{{ input.boss }}")
    assert names("steps.x.gate.people", people, known) == ("ana", "bo", "cy")
    for wrong in ("{{ input.none }}", "{{ input.odd }}"):
        with pytest.raises(Unusable, match=r"steps\.x\.gate\.people"):
            names("steps.x.gate.people", (wrong,), known)
