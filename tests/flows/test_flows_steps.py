"""Both grades: the same process code, the same results; a crash runs no completed call again."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHistory
from temporalio.exceptions import CancelledError

from tests.flows import steps_world
from tests.flows.holding import hold, until_held
from tests.flows.steps import WORK, Done, Mixed, Order, Orders, Said, Stepper
from tests.support.flows import Flows, Handle, flowing, killable
from workflows.data.common import ONE_AT_A_TIME
from workflows.grades import GRADE, Grade

pytestmark = pytest.mark.server

GRADES = list(Grade)
SOME = Orders(
    orders=(
        Order(name="a", ms=30),
        Order(name="b", fails=1),
        Order(name="c", fails=9, ms=0),
        Order(name="d", fails=1, final=True),
        Order(name="e"),
    )
)


def scheduled(history: WorkflowHistory) -> Counter[str]:
    """Count the activities of a history by type."""
    found = (e.activity_task_scheduled_event_attributes for e in history.events)
    return Counter(a.activity_type.name for a in found if a.activity_type.name)


async def stepped(
    here: Flows, grade: Grade, name: str, given: Orders, **memo: bool
) -> tuple[Said, Counter[str]]:
    """Run one step in a grade; give what it said and the activities it took."""
    marks = {GRADE: grade, **memo}
    handle = await here.start(Stepper, name, given, memo=marks, result_type=Said)
    said = Said.model_validate(await handle.result())
    await here.replayed(handle)
    return said, scheduled(await handle.fetch_history())


@pytest.mark.parametrize("name", ["test_one_by_one", "test_at_once"])
async def test_a_step_gives_the_same_in_both_grades(
    address: str, tmp_path: Path, name: str
) -> None:
    """Visible: an activity per call. Fused: one for the step, whatever it holds."""
    given = SOME if name == "test_at_once" else Orders(orders=SOME.orders[:2])
    answers = steps_world.answers(tmp_path / "done.log")
    async with flowing(
        address, steps_world.WORKFLOWS, answers, steps=steps_world.STEPS, data=tmp_path
    ) as here:
        visible, of_visible = await stepped(here, Grade.VISIBLE, name, given)
        fused, of_fused = await stepped(here, Grade.FUSED, name, given)
    assert visible == fused
    assert set(of_visible) == {"test_work"}
    assert of_fused == {"run_step": 1}
    if name == "test_at_once":
        assert visible.said == ("A", "B", "failed", "failed", "E", "LAST")


async def test_a_step_sends_one_thing_at_a_time_if_its_case_does(
    address: str, tmp_path: Path
) -> None:
    """In either grade, and says the same. Else the first waits for another, while it may."""
    inside, most, two = 0, Counter[bool](), asyncio.Event()

    async def one(order: Order) -> Done:
        nonlocal inside
        inside += 1
        most[turns] = max(most[turns], inside)
        if inside > 1:
            two.set()
        try:
            if not turns:
                with suppress(TimeoutError):
                    await asyncio.wait_for(two.wait(), 3)
            return Done.model_validate(await do(order))
        finally:
            inside -= 1

    do = steps_world.answers(tmp_path / "done.log")[WORK]
    async with flowing(
        address, steps_world.WORKFLOWS, {WORK: one}, steps=steps_world.STEPS, data=tmp_path
    ) as here:
        for grade in GRADES:
            said = []
            for turns in (False, True):
                memo = {ONE_AT_A_TIME: turns}
                said.append((await stepped(here, grade, "test_at_once", SOME, **memo))[0])
            assert said[0] == said[1]
            assert most[False] > 1
            assert most[True] == 1
            most.clear()
            two.clear()


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("call", ("ActivityError", "test_work", "Broke: bad broke")),
        ("join", ("JoinFailed", "branch 'bad' failed: Broke: bad broke")),
        ("own", ("Own", "not today", "7")),
    ],
)
async def test_a_step_fails_the_same_in_both_grades(
    address: str, tmp_path: Path, end: str, said: tuple[str, ...]
) -> None:
    answers = steps_world.answers(tmp_path / "done.log")
    async with flowing(
        address, steps_world.WORKFLOWS, answers, steps=steps_world.STEPS, data=tmp_path
    ) as here:
        for grade in GRADES:
            ended, _ = await stepped(here, grade, "test_failing", Orders(orders=(), end=end))
            assert ended.said == said, grade


OF_SDK = {"timer": "sleep", "child": "execute_child_workflow", "condition": "wait_condition"}


@pytest.mark.parametrize(
    ("end", "named"),
    [
        ("gate", "gate 'review' is reached inside the fused step 'test_failing'"),
        *(
            (f"{end}{where}", f"workflow.{name} is reached inside the fused step 'test_failing'")
            for end, name in OF_SDK.items()
            for where in ("", " in a branch")
        ),
        ("timer in a join whose failure is caught", "workflow.sleep is reached inside the fused"),
        ("effect", "call 'test_effect', always visible, is reached inside the fused step"),
    ],
)
async def test_what_needs_a_workflow_fails_a_fused_step_at_once_by_name(
    address: str, tmp_path: Path, end: str, named: str
) -> None:
    """Even inside a branch that tolerates failures; in the visible grade it is no failure."""
    answers = steps_world.answers(tmp_path / "done.log")
    given = Orders(orders=(), end=end)
    async with flowing(
        address, steps_world.WORKFLOWS, answers, steps=steps_world.STEPS, data=tmp_path
    ) as here:
        ended, took = await stepped(here, Grade.FUSED, "test_failing", given)
        assert (await stepped(here, Grade.VISIBLE, "test_failing", given))[0].said == ()
    assert ended.said[0] == "NotInStep"
    assert ended.said[1].startswith(named)
    assert took == {"run_step": 1}, "not retried"
    done = tmp_path / "done.log"
    done.touch()
    mails = [line for line in done.read_text().splitlines() if "mail" in line]
    assert len(mails) == (1 if end == "effect" else 0)


async def test_a_step_that_gives_another_record_fails(address: str, tmp_path: Path) -> None:
    answers = steps_world.answers(tmp_path / "done.log")
    async with flowing(
        address, steps_world.WORKFLOWS, answers, steps=steps_world.STEPS, data=tmp_path
    ) as here:
        given = Orders(orders=(), end="output")
        ended, _ = await stepped(here, Grade.FUSED, "test_failing", given)
    assert ended.said[0] == "WrongOutput"


async def test_an_unknown_step_is_named(address: str, tmp_path: Path) -> None:
    answers = steps_world.answers(tmp_path / "done.log")
    async with flowing(address, steps_world.WORKFLOWS, answers, data=tmp_path) as here:
        ended, _ = await stepped(here, Grade.FUSED, "test_one_by_one", SOME)
    assert ended.said[0] == "UnknownStep"
    assert "add it to STEPS in worker.py" in ended.said[1]


async def test_a_case_may_fuse_one_step_and_not_the_next(address: str, tmp_path: Path) -> None:
    answers = steps_world.answers(tmp_path / "done.log")
    given = Orders(orders=(Order(name="a"), Order(name="b")))
    async with flowing(
        address, steps_world.WORKFLOWS, answers, steps=steps_world.STEPS, data=tmp_path
    ) as here:
        handle = await here.start(Mixed, given)
        said = Said.model_validate(await handle.result())
        await here.replayed(handle)
        took = scheduled(await handle.fetch_history())
    assert said.said == ("A", "B", "A", "B", "LAST")
    assert took == {"run_step": 1, "test_work": 3}


async def test_a_grade_nobody_knows_is_refused(address: str, tmp_path: Path) -> None:
    async with flowing(address, steps_world.WORKFLOWS, data=tmp_path) as here:
        handle = await here.start(Stepper, "test_one_by_one", SOME, memo={GRADE: "fuse"})
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
    assert "start with visible or fused" in str(caught.value.cause)


async def test_cancelling_a_case_undoes_what_its_fused_step_did(
    address: str, tmp_path: Path
) -> None:
    """The workflow waits for the undoing inside the activity."""
    answers = steps_world.answers(tmp_path / "done.log")
    given = Orders(orders=(Order(name="a"), Order(name="b"), Order(name="slow", ms=60_000)))
    async with flowing(
        address, steps_world.WORKFLOWS, answers, steps=steps_world.STEPS, data=tmp_path
    ) as here:
        for grade in GRADES:
            (tmp_path / "done.log").write_text("")
            handle = await here.start(Stepper, "test_undoing", given, memo={GRADE: grade})
            await until_written(handle, tmp_path / "done.log", "begun slow")
            await handle.cancel()
            with pytest.raises(WorkflowFailureError) as caught:
                await handle.result()
            assert isinstance(caught.value.cause, CancelledError), grade
            lines = [line.split() for line in (tmp_path / "done.log").read_text().splitlines()]
            done = [name for what, name, *_ in lines if what == "done"]
            assert done == ["a", "b", "undo-slow", "undo-b", "undo-a"], grade


async def until_written(handle: Handle, log: Path, line: str) -> None:
    """Wait until a line stands in the log, looking whenever the case's state was described."""
    while line not in log.read_text(encoding="utf-8"):  # noqa: ASYNC240 - a test's own file
        described: Any = await handle.describe()
        assert described.close_time is None, "closed before its time"


@pytest.mark.parametrize("grade", GRADES)
async def test_no_completed_call_runs_again_after_a_kill(
    address: str, tmp_path: Path, grade: Grade
) -> None:
    """Ten calls in a row and a worker killed in two of them, drawn from a seed."""
    seed = 20261121
    print(f"seed {seed}")
    points = sorted(random.Random(seed).sample(range(1, 10), 2))  # noqa: S311
    given = Orders(orders=tuple(Order(name=f"n{n}") for n in range(10)))
    async with killable(address, "tests.flows.steps_world", tmp_path) as mine:
        marks = [hold(mine.log, f"n{point}") for point in points]
        handle = await mine.flows.start(Stepper, "test_one_by_one", given, memo={GRADE: grade})
        for mark in marks:
            await until_held(handle, mark)
            await mine.kill()
            await mine.start()
        said = Said.model_validate(await handle.result())
        await mine.flows.replayed(handle)
    assert said.said == tuple(f"N{n}" for n in range(10))
    assert [line.split()[1] for line in mine.lines()] == [f"n{n}" for n in range(10)]
