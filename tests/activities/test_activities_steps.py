"""A fused step tells what its model calls took, each counted once."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from activities.steps import StepActivities
from runtime.settings import Settings
from store.database import Store
from tests.activities.running import run
from workflows.calls import ASK_MODEL, RUN_STEP, ask
from workflows.data.common import Record
from workflows.data.llm import ModelAnswer, ModelRef, ModelRequest, Prompt, Usage
from workflows.data.steps import StepOrder, StepSpent
from workflows.grades import step

TARGET = ModelRef(vendor="openai", model="m")


class Asked(Record):
    """What a step asks, question by question; the answers are not told."""

    questions: tuple[str, ...]


@step("test_asking", Asked, Asked)
async def asking(given: Asked) -> Asked:
    """Ask one question after the other."""
    for question in given.questions:
        prompt = Prompt(name="p", version=1, system="", user=question, answer="")
        await ask(ASK_MODEL, ModelRequest(target=TARGET, prompt=prompt))
    return given


@pytest.mark.parametrize("attempt", [1, 2])
async def test_what_models_took_is_told_once(tmp_path: Path, attempt: int) -> None:
    """A second attempt tells what the first one took; another step's answers are not its own."""
    asked = Counter[str]()

    async def answer(request: ModelRequest) -> ModelAnswer:
        asked[request.prompt.user] += 1
        usage, cached = Usage(input_tokens=10, output_tokens=1), request.prompt.user == "cached"
        usd = Decimal(0) if cached else Decimal("0.5")
        return ModelAnswer(
            target=TARGET, text="x", usage=usage, usd=usd, simulated=True, cached=cached
        )

    store = await Store.open(Settings(data=tmp_path).database)
    try:
        door = StepActivities(store, [asking], {"ask_model": answer}).run_step

        async def spent(*questions: str, attempt: int = 1) -> StepSpent | None:
            given = Asked(questions=questions).model_dump(mode="json")
            order = StepOrder(step="test_asking", version=1, given=given)
            return (await run(RUN_STEP, door, order, attempt=attempt)).spent

        assert await spent() is None
        once = StepSpent(usd=Decimal("0.5"), input_tokens=10, output_tokens=1)
        assert await spent("a", "a", "cached") == once
        assert await spent("a", "a", "cached", attempt=attempt) == (
            once if attempt > 1 else StepSpent()
        )
        assert set(asked.values()) == {1}
    finally:
        await store.close()
