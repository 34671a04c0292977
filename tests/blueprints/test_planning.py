"""Large blueprints are read over several workflow tasks, none of which works for long."""

from typing import Any

import pytest

from tests.patterns.virtual import elapsed, run
from workflows.data.blueprints.case import BlueprintCase
from workflows.data.blueprints.references import needs_of
from workflows.errors import Misuse
from workflows.steps.blueprints.planning import EACH, MOST_READ, NEXT_TASK, Planning

NOBODY: Any = None
"""Who does steps and opens gates: nothing is done."""
LONG = "{{ input.a }}" + "x" * (MOST_READ // 3)


def case(give: list[str]) -> BlueprintCase:
    steps = {f"s{i}": {"give": text} for i, text in enumerate(give)}
    blueprint = {"name": "large", "input": {"a": "any"}, "steps": steps}
    return BlueprintCase.model_validate({"case": "large", "blueprint": blueprint})


@pytest.mark.parametrize(
    ("give", "tasks"),
    [
        ([LONG] * 2, 1),
        ([LONG] * 5, 3),
        (["x" * MOST_READ] * 5, 1),
        ([f"{{{{ input.a + {i} }}}}" for i in range(MOST_READ // EACH)], 2),
    ],
)
def test_no_task_reads_more_than_it_may(give: list[str], tasks: int) -> None:
    large = case(give)

    async def read() -> float:
        planning = Planning(large, NOBODY, NOBODY)
        assert [step.name for step in await planning.steps()] == list(large.blueprint.steps)
        assert planning.needs == needs_of(large.blueprint)
        return elapsed()

    assert run(read()) == pytest.approx((tasks - 1) * NEXT_TASK.total_seconds())


def test_a_template_that_is_not_taken_is_told_with_its_place() -> None:
    with pytest.raises(Misuse, match=r"'large': give: nothing is called gone"):
        run(Planning(case([LONG, "{{ gone }}"]), NOBODY, NOBODY).steps())
