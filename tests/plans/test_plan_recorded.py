"""Recorded runs as blueprints: what data flowed gives the order, and filled in it is the run."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
import yaml

from cli.blueprints.auditing import OURS
from cli.blueprints.reading import read_blueprint
from cli.errors import BadInput
from cli.plans.recorded import written
from insight.history.reader import read_history
from insight.plan.audit.history import Known
from insight.plan.critical import critical
from insight.plan.recorded.calls import Recorded, recorded, start_values
from insight.plan.recorded.written import as_blueprint
from runtime.settings import ROOT, Settings
from tests.insight.builder import Run, payload
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.planned import plan_of
from workflows.data.blueprints.references import needs_of
from workflows.data.blueprints.templates import filled
from workflows.data.common import JSON

MAIL = "The second delivery of oak tables came with three broken legs."
TONE = "Annoyed, though still polite and willing to wait."
DRAFT = "We are sorry for the broken legs and send three new ones on Monday."
EFFECTS = Known(ordered=frozenset({"send"}))


def in_turn(*calls: tuple[str, float, object, object]) -> Run:
    """Make a run of calls one after another: name, seconds, question, answer."""
    run = Run("Reply")
    begun = run.events[0].workflow_execution_started_event_attributes
    begun.input.payloads.append(payload({"mail": MAIL, "customer": 20417}))
    run.turn(0)
    now = 0
    for name, seconds, asked, answer in calls:
        call = run.schedule(name, now, inputs=[payload(asked)])
        run.start(call, now)
        now += int(seconds * 1000)
        run.complete(call, now, payload(answer))
        run.turn(now)
    run.finish(now)
    return run


def reply() -> Run:
    return in_turn(
        ("tone", 8, {"of": MAIL}, {"tone": TONE}),
        ("draft", 10, {"prompt": f"Answer: {MAIL}", "customer": 20417}, {"text": DRAFT}),
        ("check", 6, {"prompt": f"Is {{{{ this }}}} right? {DRAFT}"}, {"ok": True}),
    )


def test_calls_in_turn_of_which_the_third_used_the_second_are_bounded_at_16_seconds() -> None:
    found = Blueprint.model_validate(as_blueprint(tuple(reply().events), "reply", Known()))
    assert {name: needs.hard for name, needs in needs_of(found).items()} == {
        "tone": (),
        "draft": (),
        "check": ("draft",),
    }
    way = critical(plan_of(found))
    assert (way.in_order, way.bound, way.path) == (24, 16, ("draft", "check"))
    assert found.steps["draft"].given["customer"] == "{{ input.customer }}"
    assert found.input == {"mail": "text", "customer": "integer"}


def test_order_stays_where_data_cannot_tell() -> None:
    run = in_turn(
        ("check", 1, {"of": MAIL}, True),
        ("tone", 1, {"of": MAIL}, {"tone": TONE}),
        ("draft", 1, {"of": MAIL}, {"text": DRAFT}),
        ("send", 1, {"to": "a customer"}, {"sent": "message number 20417-7"}),
        ("bare", 1, None, {"x": "nobody knows what for"}),
    )
    found = recorded(tuple(run.events), EFFECTS)
    needs = {one.id: [found[n].id for n in one.needs] for one in found}
    assert needs["tone"] == needs["draft"] == ["check"]  # a yes or no decides what comes
    assert needs["send"] == ["tone", "draft"]  # an effect keeps its place
    assert needs["bare"] == ["send"]  # who asks nothing may read anything


def test_what_comes_after_a_message_waits_for_it() -> None:
    run = Run("Reply")
    run.turn(0)
    run.call("tone", 0, 1000, payload({"tone": TONE}))
    run.turn(1000)
    run.signal("go_on", 2000)
    run.turn(2000)
    last = run.schedule("draft", 2000, inputs=[payload({"of": MAIL})])
    run.start(last, 2000)
    run.complete(last, 3000, payload({"text": DRAFT}))
    run.turn(3000)
    run.finish(3000)
    made = Blueprint.model_validate(as_blueprint(tuple(run.events), "reply", Known()))
    assert (made.steps["go_on"].kind, made.steps["draft"].needs) == ("event", ("go_on",))


def asked_of(one: Recorded) -> str:
    (request,) = one.asked
    prompt = request["prompt"] if isinstance(request, dict) else None
    assert isinstance(prompt, dict)
    return "\n\n".join(str(prompt[part]) for part in ("system", "user") if prompt[part])


def known(calls: tuple[Recorded, ...], start: JSON) -> dict[str, JSON]:
    return {"input": start, "steps": {one.id: one.gave for one in calls}}


def ancestors(needs: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, some in needs.items():
        found[name] = set(some).union(*(found[need] for need in some))
    return found


@pytest.mark.parametrize(
    "name",
    [
        "blueprint_invoice",
        "content_generation_in_turn",
        "content_production_heat_pumps",
        "order_fulfilment_split",
        "support_request_printer",
    ],
)
def test_filled_in_with_what_was_given_the_steps_ask_what_was_asked(
    name: str, tmp_path: Path
) -> None:
    file = ROOT / "tests" / "replay" / f"{name}.json"
    path = tmp_path / "made.yaml"
    path.write_text(written(file, Settings().models), encoding="utf-8")
    made = read_blueprint(path).blueprint
    assert plan_of(made).steps
    events = read_history(file.read_bytes())

    calls = recorded(events, OURS)
    assert [*made.steps] == [one.id for one in calls]
    kept = ancestors({name: needs.hard for name, needs in needs_of(made).items()})
    wanted = ancestors({one.id: [calls[n].id for n in one.needs] for one in calls})
    assert all(wanted[step] <= kept[step] for step in wanted), "no need gets lost"
    values = known(calls, start_values(events))
    for one in calls:
        step = made.steps[one.id]
        if one.asked and step.given:
            assert filled(dict(step.given), values) == one.asked[0]
        if step.prompt:
            assert filled(step.prompt, values) == asked_of(one)


def test_content_production_runs_at_once_what_its_code_does() -> None:
    events = read_history(
        (ROOT / "tests" / "replay" / "content_production_heat_pumps.json").read_bytes()
    )

    needs = needs_of(Blueprint.model_validate(as_blueprint(events, "content", OURS)))
    assert "figures_begun" not in {*needs["research"].hard, *needs["outline"].hard}
    assert "research" not in needs["figures_begun"].hard
    assert needs["handing_over"].hard == ("check",)


def test_a_step_asks_the_role_whose_first_model_was_asked() -> None:
    file = ROOT / "tests" / "replay" / "content_production_heat_pumps.json"
    steps = yaml.safe_load(written(file, Settings().models))["steps"]
    roles = {name: steps[name]["ask"] for name in ("brief", "facts", "draft", "check")}
    assert list(roles.values()) == ["triage", "analyst", "drafter", "reviewer"], roles


def test_a_history_of_nothing_is_refused(tmp_path: Path) -> None:
    run = Run()
    run.turn(0)
    run.finish(1)
    with pytest.raises(ValueError, match="no call of this run came to its end"):
        as_blueprint(tuple(run.events), "x", Known())
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BadInput):
        written(tmp_path / "x.json", Settings().models)
