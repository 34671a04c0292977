"""Joins put together wrongly: refused when built, or failed by name whatever is tolerated."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from temporalio import workflow

from tests.patterns.joining import Work, asking, broken, refused, said, seconds, states, statuses
from tests.patterns.virtual import Trail, elapsed, run
from workflows.calls import open_door
from workflows.data.common import Record, Verdict
from workflows.errors import JoinFailed, Misuse, NotInStep, Unusable, asked_of_sdk
from workflows.patterns import failure
from workflows.patterns.branch import Branch
from workflows.patterns.desk import Desk
from workflows.patterns.failure import Known, Policy
from workflows.patterns.gate import GateResult
from workflows.patterns.join import join
from workflows.patterns.outcome import Joined, Outcome
from workflows.patterns.until import all_settled, at_least, outcome


def wrong(value: object) -> Any:
    """Give what the type checker would not let pass."""
    return value


async def word() -> str:
    return "word"


# ---- what needs a workflow, used where there is none ---------------------------------------


async def timer() -> None:
    await workflow.sleep(1)


async def child() -> None:
    await workflow.execute_child_workflow("any", id="any")


async def condition() -> None:
    await workflow.wait_condition(lambda: True)


async def wrapped() -> None:
    try:
        await workflow.sleep(1)
    except Exception as error:
        raise broken() from error


async def nested() -> Joined:
    return await join([Branch("inner", timer, failure.default(0))], until=all_settled())


SDK: dict[str, tuple[Work, str]] = {
    "timer": (timer, "workflow.sleep"),
    "child": (child, "workflow.execute_child_workflow"),
    "condition": (condition, "workflow.wait_condition"),
    "wrapped": (wrapped, "workflow.sleep"),
    "nested": (nested, "workflow.sleep"),
}


async def nobody(_spec: object) -> GateResult:
    raise AssertionError("nobody is asked")


HELD = Known("old", datetime(1970, 1, 1, tzinfo=UTC))
FORGIVING: dict[str, Policy] = {
    "tolerate": failure.tolerate(),
    "skip": failure.skip(),
    "default": failure.default(0),
    "fallback": failure.fallback(Branch("spare", word)),
    "retry": failure.retry(3, seconds(1), failure.default(0)),
    "hold": failure.hold(failure.retry(3, seconds(1), failure.skip())),
    "last_known": failure.last_known(seconds(9), HELD),
    "ask": failure.ask(asking("task"), nobody),
    "compensate": failure.compensate(),
    "finish_then_undo": failure.finish_then_undo(),
}


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("policy", FORGIVING)
@pytest.mark.parametrize("what", SDK)
def test_use_of_the_sdk_outside_a_workflow_is_never_tolerated_nor_tried_again(
    what: str, policy: str, fused: bool
) -> None:
    named: list[str] = []
    work, function = SDK[what]

    def refuse(what: str) -> NotInStep:
        named.append(what)
        return NotInStep(what)

    async def door(_call: Any, request: Record) -> Record:
        return request

    async def case() -> JoinFailed:
        branches = [Branch("a", work, FORGIVING[policy]), Branch("b", Trail().work("b", 9))]
        with open_door(door, refuse=refuse if fused else None):
            error, at = await refused(join(branches, until=all_settled()))
        assert at == 0
        return error

    error = run(case(), collect=True)
    assert states(error) == {"a": "failed", "b": "cancelled"}
    assert error.details[0]["a"]["attempts"] == 1
    assert asked_of_sdk(error) == function
    assert set(named) == ({function} if fused else set())
    assert isinstance(error.__cause__, NotInStep) is fused


@pytest.mark.parametrize("kind", ["retry", "ask"])
def test_use_of_the_sdk_in_a_later_attempt_ends_the_attempts(kind: str) -> None:
    first = [True]

    async def work() -> None:
        if first:
            first.clear()
            raise broken()
        await workflow.sleep(1)

    async def answer(desk: Desk) -> None:
        if kind == "ask":
            await said(desk, 4, "task", Verdict.RETRY)

    async def case() -> JoinFailed:
        desk = Desk()
        again = failure.retry(3, seconds(4), failure.default(0))
        policy = again if kind == "retry" else failure.ask(asking("task"), desk.open)
        person = asyncio.ensure_future(answer(desk))
        error, at = await refused(join([Branch("a", work, policy)], until=all_settled()))
        await person
        assert at == 4
        return error

    assert run(case()).details[0]["a"]["attempts"] == 2


def test_use_of_the_sdk_by_a_policy_fails_the_join_too() -> None:
    async def look() -> Known | None:
        await workflow.sleep(1)
        return HELD

    bad = Branch("a", Trail().work("a", 1, error=broken()), failure.last_known(seconds(9), look))
    error, _ = run(refused(join([bad], until=all_settled())))
    assert asked_of_sdk(error) == "workflow.sleep"


# ---- policies ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: failure.retry(1, seconds(1), wrong(failure.fail)), r"then.*write fail\(\)"),
        (
            lambda: failure.retry(1, seconds(1), wrong(failure.default)),
            r"write default\(\.\.\.\)",
        ),
        (lambda: failure.retry(wrong("2"), seconds(1)), "times='2'"),
        (lambda: failure.retry(wrong(1.5), seconds(1)), "times=1.5"),
        (lambda: failure.retry(True, seconds(1)), "times=True"),
        (lambda: failure.retry(1, wrong(5)), r"backoff=.*type int; write timedelta"),
        (lambda: failure.fallback(wrong(word)), r"write fallback\(Branch\(name, work\)\)"),
        (lambda: failure.hold(wrong(failure.retry)), r"write retry\(\.\.\.\)"),
        (lambda: failure.hold(wrong(3)), "write a policy, as tolerate"),
        (lambda: failure.last_known(wrong(5), None), "max_age=5"),
        (lambda: failure.last_known(seconds(1), wrong("old")), r"Known\(value, at\)"),
        (lambda: failure.ask(wrong("task"), nobody), r"make it with task_gate"),
        (lambda: failure.ask(asking("task"), wrong(None)), r"ask\(open=...\).*give a function"),
        (lambda: Known(1, wrong("1970")), "give the datetime"),
        (lambda: Branch("a", word, wrong(failure.tolerate)), r"write tolerate\(\)"),
        (lambda: Branch("a", word, timeout=wrong(5)), "timeout=5; use a positive timedelta"),
        (lambda: Branch("a", word, min_coverage=wrong("1")), "min_coverage goes from 0"),
        (lambda: Branch(wrong(5), word), r"name of branch 5 is of type int"),
    ],
)
def test_a_policy_or_branch_of_wrong_parts_is_refused_when_built(
    build: Callable[[], object], says: str
) -> None:
    with pytest.raises(Misuse, match=says):
        build()


def test_a_policy_nobody_knows_fails_the_join_though_it_tolerates_failures() -> None:
    class Mine(Policy):
        pass

    bad = Branch("a", Trail().work("a", 1, error=broken()), Mine())
    error, _ = run(refused(join([bad, Branch("b", word)], until=all_settled())))
    assert isinstance(error.__cause__, Misuse)
    assert "'a': Mine is no policy; use one of failure.py" in error.message


def test_an_earlier_result_that_is_none_fails_the_join() -> None:
    async def look() -> Any:
        return "old"

    bad = Branch("a", Trail().work("a", 1, error=broken()), failure.last_known(seconds(9), look))
    error, _ = run(refused(join([bad], until=all_settled())))
    assert "found is of type str; give Known(value, at) or None" in error.message


# ---- predicates ----------------------------------------------------------------------------


async def asks(_ended: Outcome[Any]) -> bool:
    return False


class Asks:
    """A predicate in the shape of an object."""

    async def __call__(self, ended: Outcome[Any]) -> bool:
        return await asks(ended)


@pytest.mark.parametrize("predicate", [asks, partial(asks), Asks()])
def test_an_async_predicate_is_refused_when_built(predicate: Any) -> None:
    with pytest.raises(Misuse, match=r"is async.*make it a plain function"):
        outcome(predicate)


@pytest.mark.parametrize("predicate", ["x", None, 3])
def test_a_predicate_that_is_no_function_is_refused_when_built(predicate: Any) -> None:
    with pytest.raises(Misuse, match=r"predicate of outcome\(...\) is of type .*give a function"):
        outcome(predicate)


@pytest.mark.parametrize("answer", ["no", None, 0, 1, asks])
def test_row_08_an_answer_that_is_no_bool_fails_the_join_and_names_the_branch(answer: Any) -> None:
    trail = Trail()

    def unclear(ended: Outcome[Any]) -> Any:
        return answer(ended) if answer is asks else answer

    branches = {"a": trail.work("a", 1), "b": trail.work("b", 9)}
    error, at = run(refused(join(branches, until=all_settled() | outcome(unclear))), collect=True)
    assert "branch 'a'" in error.message
    kind = "coroutine" if answer is asks else type(answer).__name__
    assert f"it gave a {kind}; compare, to give True or False" in error.message
    assert isinstance(error.__cause__, Unusable)
    assert (states(error), at) == ({"a": "succeeded", "b": "cancelled"}, 1)


# ---- the join itself -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (lambda: join(wrong([word])), r"number 1 of .*type function; write \[Branch\("),
        (lambda: join([Branch("a", word), wrong(("b", word))]), "number 2 of .*type tuple"),
        (lambda: join(wrong({word})), "given is of type set"),
        (lambda: join(wrong(word)), "given is of type function"),
        (lambda: join(wrong({5: word})), "name of branch 5"),
        (lambda: join({"a": word}, until=wrong(at_least)), r"call it, as until=at_least\("),
        (lambda: join({"a": word}, until=wrong(2)), r"until=2 .*as at_least\(2\)"),
        (lambda: join({"a": word}, until=wrong(0)), r"until=0 .*as at_least\(2\)"),
        (lambda: join({"a": word}, deadline=wrong(5)), "deadline=5 .*write timedelta"),
        (lambda: join({"a": word}, limit=wrong(1.5)), "limit=1.5 .*count of 1 or more"),
        (lambda: join({"a": word}, limit=wrong("3")), "limit='3'"),
        (lambda: join({"a": word}, limit=True), "limit=True"),
        (lambda: join({"a": word}, clean_up=wrong(5)), "clean_up must be a positive timedelta"),
    ],
)
def test_a_join_of_wrong_parts_is_refused_before_anything_runs(
    start: Callable[[], Any], says: str
) -> None:
    async def case() -> None:
        with pytest.raises(Misuse, match=says):
            await start()
        assert elapsed() == 0

    run(case(), collect=True)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: at_least(wrong(1.5)), r"at_least\(1.5\) .*whole number"),
        (lambda: at_least(wrong("2")), r"at_least\('2'\)"),
        (lambda: at_least(True), r"at_least\(True\)"),
        (lambda: all_settled().tolerate(count=wrong(1.5)), "whole number .*not 1.5"),
        (lambda: all_settled().tolerate(count=True), "whole number .*not True"),
        (lambda: all_settled().tolerate(share=wrong("x")), "from 0 to 1; not 'x'"),
        (lambda: all_settled() | wrong(3), r"after \| is of type int"),
        (lambda: all_settled() | wrong(at_least), r"after \| is of type function"),
        (
            lambda: at_least(1).tolerate(count=1) | all_settled().tolerate(count=2),
            r"both sides .*write \(a \| b\).tolerate",
        ),
        (
            lambda: at_least(1).tolerate(count=1) | all_settled().tolerate(share=0.5),
            r"both sides .*write \(a \| b\).tolerate",
        ),
        (lambda: all_settled().tolerate(1).tolerate(share=0.5), "stands there twice"),
    ],
)
def test_a_condition_of_wrong_parts_is_refused_when_built(
    build: Callable[[], object], says: str
) -> None:
    with pytest.raises(Misuse, match=says):
        build()


def test_a_tolerance_on_either_side_bounds_the_combination() -> None:
    bound = at_least(1).tolerate(count=1)
    for both in (bound | all_settled(), all_settled() | bound):
        assert (both.max_failures, both.max_share) == (1, None)


# ---- its result ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("look", "says"),
    [
        (lambda joined: joined["typo"], "no branch 'typo' was in this join; there are 'a', 'b'"),
        (lambda joined: joined.require("typo"), "no branch 'typo' .*there are 'a', 'b'"),
        (lambda joined: joined[Branch("zz", word)], "no branch 'zz' .*there are 'a', 'b'"),
        (lambda joined: joined[3], r"joined\[3\] is neither a branch nor its name"),
    ],
)
def test_a_branch_that_was_not_in_the_join_is_named_with_those_that_were(
    look: Callable[[Any], object], says: str
) -> None:
    joined = run(join({"a": word, "b": word}))
    assert statuses(joined) == "a:succeeded b:succeeded"
    with pytest.raises(Misuse, match=says):
        look(joined)
