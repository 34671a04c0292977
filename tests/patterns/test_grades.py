"""Steps in pure tests: built rightly or refused, and run in place behind an open door."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from temporalio.exceptions import ActivityError, ApplicationError

from tests.flows.steps import Done, Order, Orders, at_once, one_by_one
from tests.patterns.virtual import run
from workflows.calls import Call, ask, only_in_workflow, open_door
from workflows.data.common import Record
from workflows.errors import (
    CALL_FAILED,
    JoinFailed,
    Misuse,
    NotInStep,
    ScopeClosed,
    call_failed,
    raised_inside,
    sent_out,
)
from workflows.grades import Grade, Step, current_grade, fused, graded, step
from workflows.scope import Scope, enter_scope


class Holder:
    async def method(self, given: Orders) -> Orders:
        return given


def plain(given: Orders) -> Orders:
    return given


@pytest.mark.parametrize(
    "work",
    [Holder().method, Holder.method, plain, lambda given: given, partial(Holder().method)],
    ids=["bound method", "method", "no coroutine", "lambda", "partial"],
)
def test_a_step_is_a_module_level_coroutine(work: Any) -> None:
    with pytest.raises(Misuse, match=r"step 'x' is .*: a step is a module-level `async def`"):
        step("x", Orders, Orders)(work)


def test_a_closure_is_no_step() -> None:
    async def inner(given: Orders) -> Orders:
        return given

    with pytest.raises(Misuse, match="move it to the module"):
        step("x", Orders, Orders)(inner)


@pytest.mark.parametrize("work", [plain, Holder().method, partial(one_by_one, Orders(orders=()))])
def test_only_a_step_can_be_fused(work: Any) -> None:
    with pytest.raises(Misuse, match=r"cannot be fused: .* under @step\(name, Input, Output\)"):
        fused(work)


def test_a_fused_step_is_the_same_step() -> None:
    again = fused(one_by_one)
    assert (again.grade, again.name, again.work) == (Grade.FUSED, one_by_one.name, one_by_one.work)
    assert one_by_one.grade is None


def test_the_grade_holds_inside_its_block() -> None:
    assert current_grade() is Grade.VISIBLE
    with graded(Grade.FUSED):
        assert current_grade() is Grade.FUSED
    assert current_grade() is Grade.VISIBLE


@pytest.mark.parametrize("grade", list(Grade))
def test_behind_an_open_door_a_step_runs_in_place(grade: Grade) -> None:
    asked: list[str] = []

    async def door(call: Call[Any, Any], request: Record) -> Record:
        assert isinstance(request, Order)
        asked.append(request.name)
        return Done(name=request.name.upper())

    async def case() -> None:
        with open_door(door), graded(grade):
            said = await at_once(Orders(orders=(Order(name="a"), Order(name="b"))))
        assert said.said == ("A", "B", "LAST")

    run(case())
    assert asked == ["a", "b", "last"]


def test_a_closed_branch_runs_no_fused_step() -> None:
    async def case() -> None:
        enter_scope(Scope("given-up", closed=True))
        with graded(Grade.FUSED), pytest.raises(ScopeClosed, match="'given-up' was given up"):
            await one_by_one(Orders(orders=()))

    run(case())


def test_what_needs_a_workflow_is_refused_only_inside_a_fused_step() -> None:
    async def door(call: Call[Any, Any], request: Record) -> Record:
        return request

    visible = Call("mail", Order, Order, timedelta(seconds=1), 1, always_visible=True)

    async def case() -> None:
        with open_door(door):
            only_in_workflow("gate 'review'")
            await ask(visible, Order(name="x"))
        with open_door(door, refuse=NotInStep):
            with pytest.raises(NotInStep, match="gate 'review'"):
                only_in_workflow("gate 'review'")
            with pytest.raises(NotInStep, match="call 'mail', always visible,"):
                await ask(visible, Order(name="x"))

    run(case())


# ---- errors that cross ---------------------------------------------------------------------


def crossed(error: Any) -> Exception:
    """Send an error out of an activity and raise it again in the workflow."""
    outside = call_failed("run_step", sent_out(error))
    return raised_inside(outside)


def test_the_failure_of_a_call_crosses_with_its_cause() -> None:
    cause = ApplicationError("no luck", {"usd": "1"}, type="Broke")
    error = crossed(call_failed("ask_model", cause))
    assert isinstance(error, ActivityError)
    assert error.activity_type == "ask_model"
    assert isinstance(error.cause, ApplicationError)
    assert (error.cause.type, error.cause.message) == ("Broke", "no luck")
    assert list(error.cause.details) == [{"usd": "1"}]


@pytest.mark.parametrize("error", [JoinFailed("x", {"a": "failed"}), Misuse("y"), NotInStep("z")])
def test_our_own_errors_cross_as_they_are(error: ApplicationError) -> None:
    again = crossed(error)
    assert type(again) is type(error)
    assert isinstance(again, ApplicationError)
    assert (again.message, list(again.details)) == (error.message, list(error.details))
    assert again.non_retryable


def test_an_error_of_the_process_keeps_its_type() -> None:
    again = crossed(ApplicationError("not today", 7, type="Own"))
    assert isinstance(again, ApplicationError)
    assert (again.type, again.message, list(again.details)) == ("Own", "not today", [7])
    assert again.type != CALL_FAILED


def test_a_step_is_named_and_typed() -> None:
    assert isinstance(one_by_one, Step)
    assert (one_by_one.input, one_by_one.name) == (Orders, "test_one_by_one")
