"""Blueprints that run by choices: models, priorities, moves, second tries, the simpler way."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory

from cli.blueprints.checking import case_of
from cli.errors import BadInput
from cli.plans.deciding import at_last_pace, decided_on
from cli.plans.optimising import Wished
from cli.plans.turns import by_now
from insight.plan.optimise.decide import Trial
from insight.report import report
from runtime.settings import Settings
from scripts.stories.blueprint import by_choices
from simulator.config import Fault, FaultKind
from store.limits import Override, override
from tests.support.world import SPEED, World
from workflows.data.blueprints.case import BlueprintCase, BlueprintResult
from workflows.data.blueprints.choices import Choices
from workflows.data.blueprints.decided import Decided, TurnKind
from workflows.data.blueprints.references import needs_of
from workflows.data.common import BRANCH_HEADER
from workflows.rules.blueprints.chosen import unfit

SERVER = pytest.mark.server
QUIZ = """
name: quiz
input: {topic: text}
steps:
  article: {ask: drafter, prompt: "Write on {{ input.topic }}", takes: 12s}
  summary: {ask: analyst, prompt: "Sum up {{ steps.article.text }}", takes: 5s}
  aside: {ask: analyst, prompt: "Say more on {{ input.topic }}", takes: 1s, optional: true}
  quiz: {ask: drafter, prompt: "Ask about {{ steps.summary.text }}", takes: 8s}
result: {quiz: "{{ steps.quiz.text }}", aside: "{{ steps.aside.text }}"}
"""


@pytest.fixture
def quiz(tmp_path: Path) -> BlueprintCase:
    return written(tmp_path, QUIZ)


def written(folder: Path, text: str) -> BlueprintCase:
    file = folder / "quiz.yaml"
    file.write_text(text, encoding="utf-8")
    return case_of(file, ["topic=heat pumps"])


def in_the_worlds_time(choices: Choices) -> Choices:
    """Give the choices as of a world so much faster."""
    times = {"planned", "usual", "patient", "late", "starts", "ends", "slack", "deadline_ms"}

    def quicker(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                k: max(1, int(v / SPEED)) if k in times and v else quicker(v)
                for k, v in value.items()
            }
        return [quicker(v) for v in value] if isinstance(value, list) else value

    return Choices.model_validate(quicker(choices.model_dump(mode="json")))


def asked(history: WorkflowHistory) -> Iterator[tuple[str, str, int]]:
    """Give the step, model and level of each question to a model."""
    for event in history.events:
        told = event.activity_task_scheduled_event_attributes
        if told.activity_type.name == "ask_model":
            step = json.loads(told.header.fields[BRANCH_HEADER].data).split("/")[0]
            request = json.loads(told.input.payloads[0].data)
            yield step, request["target"]["model"], told.priority.priority_key


def test_choices_are_of_the_definition_they_were_made_for(quiz: BlueprintCase) -> None:
    case = by_choices(quiz)
    assert case.choices is not None
    needs = needs_of(case.blueprint)
    assert unfit(case, needs) == unfit(quiz, {}) == ""
    article = case.choices.steps[0]
    other = written_as(article, ways=(article.way.model_copy(update={"name": "leave out"}),))
    for changed, said in (
        ({"definition": "0" * 64}, "another definition"),
        ({"planner": "0"}, "of planner '0'"),
        ({"steps": case.choices.steps[1:2]}, "not of these steps"),
        ({"steps": (other, *case.choices.steps[1:])}, "no way 'leave out'"),
    ):
        wrong = case.choices.model_copy(update=changed)
        assert said in unfit(case.model_copy(update={"choices": wrong}), needs)


def written_as(record: Any, **changes: Any) -> Any:
    return record.model_copy(update={"chosen": 0, **changes})


def test_a_wish_out_of_reach_runs_nothing(quiz: BlueprintCase) -> None:
    with pytest.raises(BadInput, match=r"out of reach: .*; ask for \d"):
        by_choices(quiz, "5s")


@SERVER
async def test_a_case_runs_by_choices_and_moves_as_it_goes(
    here: World, quiz: BlueprintCase
) -> None:
    """A world a hundred times as fast as planned: there is time for cheaper models."""
    case = by_choices(quiz)
    assert case.choices is not None
    handle = await here.begin("blueprint", case)
    ended = await here.done(handle, BlueprintResult)
    decided = ended.decided
    assert decided is not None
    assert (decided.in_time, ended.steps["aside"].state) == (True, "skipped")
    moved = [turn for turn in decided.turns if turn.kind is TurnKind.MOVED]
    price = {way.name: way.micro_usd for step in case.choices.steps for way in step.ways}
    assert moved
    assert all(price[turn.way] < price[turn.before] for turn in moved)
    assert decided.slower < 1_000
    history = await handle.fetch_history()
    levels = {choice.step: choice.level for choice in case.choices.steps}
    for step, model, level in asked(history):
        assert (model, level) == (decided.ways[step], levels[step]), step
    assert report(history).decided == decided, "explain tells it too"
    still_open = report(history.events[:-1])
    assert still_open.decided is None
    assert (await by_now(handle, still_open)).decided == decided, "a worker tells it of an open run"
    another = await at_last_pace(case.choices, "quiz", here.settings)
    assert another.slower == decided.slower, "the next run begins with what this one came to"


def told(decided: Decided | None) -> list[tuple[str, str]]:
    return [] if decided is None else [(turn.kind.value, turn.step) for turn in decided.turns]


@SERVER
async def test_a_hanging_call_is_tried_again_at_the_latest_safe_time(
    here: World, quiz: BlueprintCase
) -> None:
    case = by_choices(quiz)
    assert case.choices is not None
    first = case.choices.models[case.choices.steps[0].way.name]
    case = case.model_copy(update={"choices": in_the_worlds_time(case.choices)})
    await here.faults(Fault(service=first.vendor, kind=FaultKind.HANG, model=first.model, times=1))
    ended = await here.done(await here.begin("blueprint", case), BlueprintResult)
    assert ended.decided is not None
    again = next(turn for turn in ended.decided.turns if turn.kind is TurnKind.AGAIN)
    assert (again.step, again.before) == ("article", first.model)
    assert "again answered first" in again.why


@SERVER
async def test_under_load_a_step_goes_the_simpler_way(here: World, tmp_path: Path) -> None:
    """With choices or without; whoever asks nothing of the busy vendor is not held up."""
    simpler = QUIZ.replace(
        "takes: 1s, optional: true}", 'takes: 1s, simpler: {give: {text: "see the article"}}}'
    ).replace("takes: 5s}", "takes: 5s, simpler: {ask: drafter, waiting: 1}}")
    case = written(tmp_path, simpler.replace("drafter", "triage"))
    first = Settings.from_env().models.roles["analyst"][0]
    vendor = Settings.from_env().models.ref(first).vendor
    await override(here.store, vendor, "", Override(paused=True))
    ended = await here.done(await here.begin("blueprint", case), BlueprintResult)
    assert ended.result["aside"] == "see the article"
    assert sorted(told(ended.decided)) == [("simpler", "aside"), ("simpler", "summary")]
    assert ended.decided is not None
    assert all("people paused it" in turn.why for turn in ended.decided.turns)


SEVERAL = """
name: several
input: {topic: text}
steps:
  label:
    ask: triage
    prompt: "Label {{ input.topic }}"
    gives: {label: text, sure: number}
    vote: {by: label, alike: 0.3}
  sorted:
    ask: judge
    prompt: "Sort {{ input.topic }}"
    gives: {label: text, sure: number}
    cascade: {first: drafter, sure: sure, at: 1, accepted: 0.6, right: 0.97}
result: {label: "{{ steps.label.label }}", sorted: "{{ steps.sorted.label }}"}
"""


@SERVER
async def test_votes_and_cascades_ask_as_their_way_says(here: World, tmp_path: Path) -> None:
    case, known = written(tmp_path, SEVERAL), Settings.from_env()
    wanted, few = Wished("best", budget=0.1), Trial(runs=50)
    made = decided_on(case.blueprint, wanted, "given", known, few, solver=None)
    assert [made.composites[step.way.name].kind for step in made.steps] == ["vote", "cascade"]
    handle = await here.begin("blueprint", case.model_copy(update={"choices": made}))
    ended = await here.done(handle, BlueprintResult)
    assert all(ended.result.values())
    vote, cascade = (made.composites[step.way.name].models for step in made.steps)
    models = [(step, model) for step, model, _ in asked(await handle.fetch_history())]
    assert [model for step, model in models if step == "label"] == [vote[0].model] * 3
    in_turn = [model for step, model in models if step == "sorted"]
    assert in_turn == [one.model for one in cascade][: len(in_turn)]
