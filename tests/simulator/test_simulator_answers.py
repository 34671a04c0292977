"""Answers to questions without rules: the bank of labelled answers, packs of items, free text."""

import json
from dataclasses import replace
from typing import Annotated, Literal

import httpx
import pytest
from pydantic import Field, JsonValue

from simulator.brain.extract import extract, reply
from simulator.brain.labels import answered, labelled
from simulator.brain.mind import Question, answer
from simulator.config import SimulatorConfig
from simulator.exchange import Finish
from simulator.vendors.vendor import say
from workflows.data.common import Record
from workflows.data.complexity import complexity
from workflows.data.pack import Shaped

NEVER_WRONG = SimulatorConfig(seed=7, error_rate=0)
MODELS = ("claude-opus-5-5", "gpt-6.1-terra", "gpt-6-luna")


class Classified(Record):
    label: Literal["invoice", "complaint", "other"]
    confidence: Annotated[float, Field(ge=0, le=1)]
    why: Annotated[str, Field(max_length=40)]


class Item(Classified):
    id: str


class Items(Record):
    items: tuple[Annotated[JsonValue, Shaped(Item)], ...]


def question(user: str, record: type[Record] | None, model: str = "some-model") -> Question:
    schema = record.model_json_schema() if record else None
    return Question("openai", model, "", user, schema, None, "0")


def test_the_bank_is_the_same_for_the_same_seed_and_asks_all_models_the_same() -> None:
    first = list(labelled(7, 50, "a"))
    assert first == list(labelled(7, 50, "a"))
    assert [x.question for x in first] == [x.question for x in labelled(7, 50, "b")]
    assert first != list(labelled(8, 50, "a"))
    assert len({x.id for x in first}) == 50


def test_models_differ_and_are_surer_than_they_are_right() -> None:
    right = []
    for model in MODELS:
        bank = list(labelled(7, 600, model))
        accuracy = sum(x.correct for x in bank) / 600
        stated = sum(x.confidence for x in bank) / 600
        print("seed 7,", model, f"right {accuracy:.3f}, stated {stated:.3f}")
        assert accuracy + 0.03 < stated
        right.append(accuracy)
    assert right == sorted(right, reverse=True)


def test_hard_questions_look_hard_and_confidence_tells_something() -> None:
    bank = list(labelled(7, 600, MODELS[1]))
    bank.sort(key=lambda x: complexity(x.question).score)
    easy, hard = bank[:200], bank[-200:]
    assert sum(x.correct for x in easy) > sum(x.correct for x in hard) + 20
    sure = [x.correct for x in bank if x.confidence > 0.95]
    unsure = [x.correct for x in bank if x.confidence <= 0.95]
    assert sum(sure) / len(sure) > sum(unsure) / len(unsure)


def test_the_label_is_the_truth() -> None:
    asked = (
        "A supplier bills 3 hours at 10 euros each, then less 1 hours at 4 euros each."
        " What is the total in euros?"
    )
    seen = {m: answered(7, asked, m) for m in map(str, range(40))}
    assert {s.answer == 26 for s in seen.values() if s and s.correct} == {True}
    assert {s.answer == 26 for s in seen.values() if s and not s.correct} <= {False}


def test_asked_for_real_a_model_says_what_the_bank_says() -> None:
    class Total(Record):
        answer: str
        confidence: float

    for line in labelled(7, 20, "gpt-6-luna"):
        user = f"Work it out.\n{line.question}\nBe brief."
        said = Total.model_validate_json(answer(question(user, Total, "gpt-6-luna"), NEVER_WRONG))
        assert (said.answer, said.confidence) == (line.answer, line.confidence)


def test_a_choice_is_what_the_text_speaks_for() -> None:
    def asked(user: str, config: SimulatorConfig = NEVER_WRONG) -> Classified:
        return Classified.model_validate_json(answer(question(user, Classified), config))

    found = asked("This is a complaint about the delivery of chairs.")
    assert found.label == "complaint"
    assert found.why
    assert found.confidence >= 0.7
    wrong = asked(
        "This is a complaint about the delivery of chairs.", SimulatorConfig(error_rate=1)
    )
    assert wrong.label != "complaint"


PACK = "Classify.\nITEMS:\n" + json.dumps(
    [
        {"id": "a", "text": "An invoice for ten chairs."},
        {"id": "b", "text": "A complaint about ten chairs."},
        {"id": "c", "text": "Greetings from the seaside."},
        {"id": "d", "text": "One more invoice, for tables."},
    ]
)


def test_a_pack_is_answered_item_by_item_and_each_as_if_alone() -> None:
    items = json.loads(answer(question(PACK, Items), NEVER_WRONG))["items"]
    found = [Item.model_validate(item) for item in items]
    assert [(i.id, i.label) for i in found] == [
        ("a", "invoice"),
        ("b", "complaint"),
        ("c", "invoice"),
        ("d", "invoice"),
    ]
    alone = 'ITEMS:\n[{"id":"b","text":"A complaint about ten chairs."}]'
    assert json.loads(answer(question(alone, Items), NEVER_WRONG))["items"] == [items[1]]


def test_missing_items_leave_some_out_and_garble_one() -> None:
    said = say(question(PACK, Items), Finish.MISSING_ITEMS, NEVER_WRONG)
    items = json.loads(said.text)["items"]
    assert [item["id"] for item in items] == ["a", "b", "d"]
    assert [len(item) for item in items] == [1, 4, 4]
    assert said.finish is Finish.NORMAL


def test_free_text_is_answered_from_the_text_alone() -> None:
    text = (
        "Summarise this.\nThe harbour of the town was built in 1890. The town traded salt through"
        " the harbour. Gulls like chips. The harbour closed when the salt trade ended."
    )
    said = answer(question(text, None), NEVER_WRONG)
    assert "harbour" in said
    assert all(sentence in text for sentence in said.split(". "))
    assert "Gulls" not in extract(text)
    assert "What is salt?" in reply("What is salt?")
    assert extract("") == ""
    assert answer(replace(question(text, None), model="another"), NEVER_WRONG) == said


@pytest.mark.server
async def test_the_bank_is_served_as_json_lines(client: httpx.AsyncClient) -> None:
    reply = await client.get("/_simulator/labelled", params={"n": 3, "model": "m", "seed": 9})
    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert [line["question"] for line in lines] == [x.question for x in labelled(9, 3, "m")]
    assert {"id", "model", "group", "answer", "confidence", "correct"} < set(lines[0])
    assert (await client.get("/_simulator/labelled?n=none")).status_code == 422
