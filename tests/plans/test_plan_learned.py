"""What runs of a blueprint teach of its steps, and what its plan makes of that."""

from collections.abc import Sequence

import pytest
from temporalio.api.history.v1 import HistoryEvent

from cli.histories import histories_in
from cli.plans.reading import of
from cli.plans.taught import Known
from insight.history.book import spans
from insight.learned.attempts import Attempt
from insight.learned.estimates import estimates
from insight.learned.learning import learn
from insight.learned.steps import of_steps
from insight.plan.graph import usual
from insight.plan.savings import cost
from runtime.settings import ROOT, Settings
from tests.insight.builder import Run, payload
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.case import BlueprintCase, BlueprintResult, StepEnd
from workflows.data.blueprints.plan import PlanStep

CLAIMS = Blueprint.model_validate(
    {
        "name": "claims",
        "input": {"text": "text"},
        "steps": {
            "read": {
                "ask": "analyst",
                "prompt": "{{ input.text }}",
                "gives": {"all": "list of text"},
            },
            "check": {
                "ask": "reviewer",
                "prompt": "{{ item }}",
                "for_each": "{{ steps.read.all }}",
            },
            "mend": {"ask": "drafter", "prompt": "{{ steps.check }}", "when": "{{ steps.check }}"},
            "seen": {"when": "{{ steps.mend }}", "gate": {"question": "Good?", "people": ["ana"]}},
        },
    }
)


def ran(items: int, *, mends: bool) -> Sequence[HistoryEvent]:
    """A run in which reading took 2 s, each item 3 s, mending 4 s; the engine 0.5 s a step."""
    run, ends = Run("blueprint"), {name: "succeeded" for name in CLAIMS.steps}
    case = BlueprintCase(case="c", blueprint=CLAIMS, values={"text": "x"})
    begun = run.events[0].workflow_execution_started_event_attributes
    begun.input.payloads.append(payload(case.model_dump(mode="json")))
    run.turn(500)
    run.call("ask_model", 500, 2_500, branch="read")
    run.turn(3_000)
    calls = [run.schedule("ask_model", 3_000, branch=f"check/{n}") for n in range(1, items + 1)]
    for call in calls:
        run.start(call, 3_000)
    for call in calls:
        run.complete(call, 6_000)
    run.turn(6_500)
    if mends:
        run.call("ask_model", 6_500, 10_500, branch="mend")
        run.turn(11_000)
    else:
        ends |= {"mend": "skipped", "seen": "skipped"}
    steps = {name: StepEnd(state=state) for name, state in ends.items()}
    said = BlueprintResult(case="c", blueprint="claims", sha256="", steps=steps)
    run.finish(11_000 if mends else 6_500)
    done = run.events[-1].workflow_execution_completed_event_attributes
    done.result.payloads.append(payload(said.model_dump(mode="json")))
    return run.events


def taught(*runs: Sequence[HistoryEvent]) -> list[Attempt]:
    return [a for events in runs for a in of_steps(events, spans(tuple(events)), simulated=False)]


def test_a_run_teaches_of_steps_items_and_coordination() -> None:
    found = {(a.key.step, a.seconds) for a in taught(ran(3, mends=False))}
    assert found == {
        ("claims@/run", 6.5),
        ("claims@/coordination", 0.5),
        ("claims@read", 2.0),
        ("claims@check", 3.0),
        ("claims@check/each", 3.0),
    }
    happened = {a.key.step: a.seconds for a in taught(ran(1, mends=True))}
    assert (happened["claims@mend"], happened["claims@seen"]) == (4.0, None)
    unknown = ran(1, mends=True)
    unknown[0].workflow_execution_started_event_attributes.input.payloads[0].data = b'{"x": 1}'
    assert taught(unknown) == []


def test_a_recorded_run_tells_the_tokens_of_its_steps() -> None:
    (events,) = histories_in(ROOT / "tests" / "replay" / "blueprint_invoice.json")
    found = {a.key.step: a for a in taught(events)}
    assert found["invoice@extract"].input_tokens > found["invoice@extract"].output_tokens > 0
    assert {*found} == {
        *(f"invoice@{name}" for name in ("extract", "verify", "approve", "pay")),
        *("invoice@/run", "invoice@/coordination"),
    }
    assert 0 < (found["invoice@/coordination"].seconds or 0) < 1


def test_plans_take_sizes_chances_and_tokens_from_runs() -> None:
    catalogue = Settings().models
    given = of(CLAIMS, catalogue)
    assert given.assumed == (
        "check: for_each is counted as one item (say items)",
        "mend: when is taken to hold always (say chance)",
        "seen: when is taken to hold always (say chance)",
        "a call of a model reads 1,500 tokens and writes 400",
        "coordination takes 0.1 s a step",
    )
    news = taught(*(ran(3, mends=number % 4 == 0) for number in range(40)))
    read = [
        a.model_copy(update={"input_tokens": 3_000, "output_tokens": 800})
        if a.key.step in ("claims@read", "claims@check/each")
        else a
        for a in news
    ]
    made = of(CLAIMS, catalogue, Known(1, estimates(learn([], read))))
    steps: dict[str, PlanStep] = {step.id: step for step in made.plan.steps}
    assert (steps["check"].times, steps["mend"].chance, steps["seen"].chance) == (3, 0.25, 0.25)
    assert usual(steps["read"]) == pytest.approx(2, rel=0.1)
    assert usual(steps["seen"]) == usual(given.plan.steps[3]), "people are not learned"
    assert made.plan.coordination == pytest.approx(0.5, rel=0.1)
    assert made.assumed == ("a call of the model of mend reads 1,500 tokens and writes 400",)
    once = {step.id: step.modes[0].usd for step in given.plan.steps}
    expected = 2 * once["read"] + 3 * 2 * once["check"] + 0.25 * once["mend"]
    assert cost(made.plan) == pytest.approx(expected)


def test_what_is_stated_is_taken_until_runs_teach() -> None:
    steps = CLAIMS.model_dump(exclude_unset=True)["steps"]
    steps["check"] |= {"items": 20, "at_once": 5, "takes": 12}
    steps["mend"] |= {"chance": 0.3}
    stated = Blueprint.model_validate({**CLAIMS.model_dump(exclude_unset=True), "steps": steps})
    made = of(stated, Settings().models)
    by = {step.id: step for step in made.plan.steps}
    assert (by["check"].times, by["check"].modes[0].p50, usual(by["check"])) == (20, 3, 12)
    assert by["mend"].chance == 0.3
    assert [line.partition(":")[0] for line in made.assumed[:-2]] == ["seen"]
    for wrong in ({"items": 2}, {"chance": 0.5}):
        with pytest.raises(ValueError, match="says"):
            Blueprint.model_validate({"name": "a", "steps": {"x": {"give": 1, **wrong}}})
