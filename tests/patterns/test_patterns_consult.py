"""Asking a role: its models in order, what went wrong with each, and who pays."""

from decimal import Decimal
from typing import Any

import pytest
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError

from tests.patterns.asking import PRICE, PROMPT, Label, Models, chain, consulted
from tests.patterns.virtual import run
from workflows.calls import open_door
from workflows.data.common import Record
from workflows.data.llm import ModelRequest
from workflows.errors import (
    BudgetSpent,
    ModelUnavailable,
    budget_spent,
    call_failed,
    raised_inside,
    sent_out,
)
from workflows.patterns.consult import Consulted, Terms, consult

SHORT: dict[str, str] = {"budget": "case", "unit": "usd", "left": "0.1", "needed": "0.2"}


def failed(kind: str, usd: str = "0") -> ActivityError:
    return call_failed("ask_model", ApplicationError(kind, {**SHORT, "usd": usd}, type=kind))


def ask(answers: dict[str, Any], **terms: Any) -> Consulted[Label]:
    """Consult the models named; each gives a label, or raises."""

    async def door(_call: Any, request: Record) -> Record:
        assert isinstance(request, ModelRequest)
        answer = answers[request.target.model]
        if isinstance(answer, Exception):
            raise answer
        return consulted(request.target.model, Label(label=answer)).answer

    async def story() -> Consulted[Label]:
        with open_door(door):
            return await consult(chain(*answers), PROMPT, Label, terms=Terms(**terms))

    return run(story())


def test_the_first_usable_answer_counts_and_costs_what_the_others_lost() -> None:
    found = ask({"a": failed("ModelRefused", "0.5"), "b": failed("ModelBusy"), "c": "yes"})
    assert found.value.label == "yes"
    assert [(t.target.model, t.kind, t.usd) for t in found.tried] == [
        ("a", "ModelRefused", Decimal("0.5")),
        ("b", "ModelBusy", Decimal(0)),
    ]
    assert found.usd == PRICE + Decimal("0.5")


def test_a_chain_without_answer_tells_why_and_what_it_lost() -> None:
    with pytest.raises(ModelUnavailable, match=r"ModelRefused.*ModelBusy") as caught:
        ask({"a": failed("ModelRefused", "0.5"), "b": failed("ModelBusy")})
    assert caught.value.details[0] == {"usd": "0.5"}


def test_a_short_budget_ends_it_with_what_was_paid_before() -> None:
    with pytest.raises(BudgetSpent) as caught:
        ask({"a": failed("ModelRefused", "0.5"), "b": failed("BudgetSpent", "0.25"), "c": "yes"})
    assert caught.value.details[0] == {**SHORT, "usd": "0.75"}


@pytest.mark.parametrize("patient", [True, False])
def test_an_open_breaker_is_gone_past_and_waited_for_last(patient: bool) -> None:
    models = Models({"a": "open"})

    async def story() -> Consulted[Label]:
        with open_door(models):
            return await consult(chain("a"), PROMPT, Label, terms=Terms(patient=patient))

    if not patient:
        with pytest.raises(ModelUnavailable, match="ModelCircuitOpen"):
            run(story())
    else:
        assert run(story()).answer.target.model == "a"
    assert [r.patient for r in models.requests] == [False, True][: 1 + patient]


def test_a_short_budget_is_told_across_steps_and_children() -> None:
    def crossed(error: Any) -> Exception:
        outer = call_failed("run_step", sent_out(error))
        return raised_inside(outer)

    def child(error: BaseException) -> ChildWorkflowError:
        ids = {"namespace": "", "workflow_id": "", "run_id": "", "workflow_type": ""}
        numbers = {"initiated_event_id": 0, "started_event_id": 0}
        made = ChildWorkflowError("child", **ids, **numbers, retry_state=None)  # type: ignore[arg-type]
        made.__cause__ = error
        return made

    short = BudgetSpent("short", SHORT)
    call = failed("BudgetSpent")
    for error in (short, call, crossed(short), crossed(call), child(short)):
        told = budget_spent(error)
        assert told is not None
        assert told.details[0]["needed"] == "0.2"
    assert budget_spent(failed("ModelBusy")) is None
