"""Loops, ladders and polls on the server: durable, replayed, and small in their history."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.service import RPCError

from tests.flows.refine import (
    LOOK,
    PAGE,
    TAKE,
    WRITE,
    All,
    AllDone,
    Answer,
    Batcher,
    Climb,
    Climber,
    Cursor,
    Ended,
    Items,
    Job,
    Letter,
    Order,
    Poller,
    Question,
    Refiner,
    Stepped,
    Wait,
    refine_and_poll,
)
from tests.support.flows import Flows, Handle, flowing, lasting
from workflows.calls import Call
from workflows.data.refine import RefineView
from workflows.errors import NotYet
from workflows.grades import GRADE, Grade
from workflows.patterns.poll import EVENTS_PER_LOOK

pytestmark = pytest.mark.server

WORKFLOWS = (Refiner, Batcher, Climber, Poller, Stepped)
WHOLE = 12
"""The most events of a history whose only work is one activity."""
AnswersOf = Mapping[Call[Any, Any], Callable[[Any], Awaitable[Any]]]


@dataclass
class Outside:
    """The outside: writers of growing worth, a source of items, jobs done at their n-th look."""

    done_at: int = 1
    count: int = 0
    size: int = 1
    client: Client | None = None
    asked: list[Question] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    looks: Counter[str] = field(default_factory=Counter)
    sent: list[asyncio.Task[None]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    seen_at: list[float] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)

    def answers(self) -> AnswersOf:
        return {WRITE: self.write, PAGE: self.page, TAKE: self.take, LOOK: self.look}

    async def write(self, question: Question) -> Answer:
        self.asked.append(question)
        if question.writer == "broken":
            raise ApplicationError("no ink", type="Broken", non_retryable=True)
        if question.writer == "slow":
            await self.held.wait()
        worth = {"poor": 0, "good": 8}.get(question.writer, question.round)
        return Answer(text=f"{question.writer}{question.round}({question.on})", worth=worth)

    async def page(self, cursor: Cursor) -> Items:
        """Give a page; messages are on their way meanwhile, and long after."""
        self.pages.append(cursor.cursor)
        first = int(cursor.cursor or "0")
        names = tuple(f"item-{n}" for n in range(first, min(first + self.size, self.count)))
        self.sent += [asyncio.create_task(self.tell(f"page {cursor.cursor}-{n}")) for n in range(3)]
        following = first + self.size
        return Items(items=names, following=str(following) if following < self.count else None)

    async def take(self, items: Items) -> Items:
        """Take items, the third at its second try; messages arrive just before the answer."""
        if len(self.taken) == 2:
            self.taken.append("hiccup")
            raise ApplicationError("a hiccup", type="Hiccup")
        self.taken.extend(items.items)
        for number in range(2):
            await self.tell(f"take {items.items[0]}-{number}")
        return items

    async def tell(self, message: str) -> None:
        assert self.client is not None
        handle = self.client.get_workflow_handle(activity.info().workflow_id or "")
        with suppress(RPCError):  # the last page's may find it closed
            await handle.signal("hear", message)
            self.told.append(message)

    async def look(self, job: Job) -> Job:
        self.looks[job.name] += 1
        looks = self.looks[job.name]
        self.seen_at.append(asyncio.get_running_loop().time())
        if job.name == "hung":
            await self.held.wait()
        if job.name == "dead":
            raise ApplicationError("no such job", type="NoJob", non_retryable=True)
        done = looks >= self.done_at
        if job.looks:
            return Job(name=job.name, looks=looks, done=done)
        if not done:
            raise NotYet(f"look {looks}")
        return Job(name=job.name, looks=looks, done=True)


def served(address: str, outside: Outside, **more: Any) -> Any:
    return flowing(address, WORKFLOWS, outside.answers(), **more)


async def events(handle: Handle) -> int:
    return lasting(await handle.fetch_history())


# ---- refine --------------------------------------------------------------------------------


async def test_writers_refine_at_once_one_failing_until_it_is_good(address: str) -> None:
    outside = Outside()
    letter = Letter(writers=("a", "broken", "b"), quality=0.3)
    async with served(address, outside) as here:
        ended = Ended.model_validate(await here.run(Refiner, letter))
    assert (ended.view.stopped, ended.via) == ("quality", "3/a")
    assert ended.value == "a3(a2(a1()))"
    assert [r.given for r in ended.view.rounds] == ["", "1/a", "2/a"]
    states = [a.state for a in ended.view.rounds[0].attempts]
    assert states == ["scored", "failed", "scored"]
    assert Counter(q.writer for q in outside.asked)["broken"] == 3
    assert ended.view.unclear == Decimal("0.30")


async def test_one_budget_bounds_all_and_what_is_merged_goes_on(address: str) -> None:
    """Two writers and a merger take 0.30 a round: 0.65 bears two."""
    letter = Letter(writers=("a", "b"), merge=True, budget=Decimal("0.65"))
    async with served(address, outside := Outside()) as here:
        ended = Ended.model_validate(await here.run(Refiner, letter))
    assert (ended.view.stopped, ended.view.spent) == ("budget", Decimal("0.60"))
    second = [q.on for q in outside.asked if q.round == 2 and q.writer != "merger"]
    assert second == ["merger1(a1()+b1())"] * 2
    assert [r.given for r in ended.view.rounds] == ["", "1/merged"]


async def test_a_loop_can_be_looked_at_and_cancelled(address: str) -> None:
    outside = Outside()
    async with served(address, outside) as here:
        handle = await here.start(Refiner, Letter(writers=("slow", "b")))
        answered = False
        async for event in handle.fetch_history_events(wait_new_event=True):
            answered |= event.HasField("activity_task_completed_event_attributes")
            # The answer has been looked at: a cancellation in the same task would come before it.
            if answered and event.HasField("workflow_task_completed_event_attributes"):
                break
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        assert isinstance(caught.value.cause, CancelledError)
        outside.held.set()
        view: RefineView = await handle.query(Refiner.rounds)
        await here.replayed(handle)
    assert view.stopped == "cancelled"
    (round_,) = view.rounds
    assert [(a.writer, a.state) for a in round_.attempts] == [
        ("slow", "cancelled"),
        ("b", "cancelled"),
    ]
    assert (view.spent, view.unclear) == (Decimal("0.10"), Decimal("0.10"))


# ---- batches -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order",
    [Order(per_run=2), Order(most_events=40), Order(most_events=1)],
    ids=["by batches", "by events", "every batch"],
)
async def test_hops_lose_nothing_and_repeat_nothing_while_messages_arrive(
    address: str, order: Order
) -> None:
    outside = Outside(count=11, size=2)
    async with served(address, outside) as here:
        outside.client = here.client
        handle = await here.start(Batcher, order)
        first = handle.result_run_id
        done = Order.model_validate(await handle.result())
        await asyncio.gather(*outside.sent)
        lengths = await replay_all_runs(here, handle.id, first)
    items = [f"item-{n}" for n in range(11)]
    assert list(done.progress.state) == items
    assert (done.progress.items, done.progress.stopped) == (11, "complete")
    assert done.progress.runs == len(lengths) - 1 >= 2
    assert outside.pages == ["", *(str(n) for n in range(2, 11, 2))]
    assert Counter(outside.taken) == Counter([*items, "hiccup"])
    assert len(done.heard) == len(set(done.heard))
    assert len(outside.told) >= 5 * 6 - 3
    late = [f"page {outside.pages[-1]}-{n}" for n in range(3)]
    assert set(outside.told) - set(done.heard) <= set(late), "only what came with the very end"
    assert set(done.heard) <= set(outside.told)
    assert max(lengths) < 120


async def replay_all_runs(here: Flows, workflow_id: str, first: str | None) -> list[int]:
    """Replay every run of a chain; give their lengths."""
    lengths, run_id = [], first
    while run_id:
        handle = here.client.get_workflow_handle(workflow_id, run_id=run_id)
        history = await handle.fetch_history()
        await here.replayed(handle)
        lengths.append(len(history.events))
        hopped = history.events[-1].workflow_execution_continued_as_new_event_attributes
        run_id = hopped.new_execution_run_id
    return lengths


# ---- ladder --------------------------------------------------------------------------------


async def test_a_ladder_goes_past_failing_slow_and_poor_rungs(address: str) -> None:
    outside = Outside()
    async with served(address, outside) as here:
        writers = ("broken", "slow", "poor", "good", "never")
        climb = Climb.model_validate(await here.run(Climber, writers))
        outside.held.set()
    assert (climb.value, climb.via) == ("good1()", "good")
    assert [s.state for s in climb.said] == ["failed", "timed_out", "rejected", "accepted"]
    assert "never" not in {q.writer for q in outside.asked}


# ---- poll ----------------------------------------------------------------------------------


def by_timers(job: str) -> Wait:
    return Wait(job=job, every_ms=50, deadline_ms=19_900, patient=False)


async def test_a_patient_poll_leaves_one_activity_however_often_it_looks(address: str) -> None:
    outside = Outside(done_at=200)
    async with served(address, outside) as here:
        handle = await here.start(Poller, Wait(job="print"))
        job = Job.model_validate(await handle.result())
        long = await events(handle)
        await here.replayed(handle)
        outside.done_at = 1
        short = await here.start(Poller, Wait(job="once"))
        await short.result()
        assert long == await events(short)
    assert (job.looks, outside.looks["print"]) == (200, 200)
    assert long <= WHOLE


@pytest.mark.parametrize("looks", [1, 7])
async def test_a_poll_by_timers_leaves_the_events_it_promises(address: str, looks: int) -> None:
    outside = Outside(done_at=looks)
    async with served(address, outside) as here:
        handle = await here.start(Poller, by_timers("print"))
        await handle.result()
        assert await events(handle) <= EVENTS_PER_LOOK * looks + 4
        await here.replayed(handle)
    assert outside.looks["print"] == looks


@pytest.mark.parametrize("patient", [True, False])
@pytest.mark.parametrize("job", ["print", "hung"])
async def test_a_poll_ends_with_its_deadline(address: str, job: str, patient: bool) -> None:
    wait = Wait(job=job, every_ms=50, deadline_ms=1500, patient=patient)
    async with served(address, outside := Outside(done_at=10**6)) as here:
        handle = await here.start(Poller, wait)
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        outside.held.set()
        await here.replayed(handle)
    cause = caught.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "DeadlinePassed"
    assert "was not done within 0:00:01.500000" in cause.message
    assert outside.looks[job] <= 30, "no look comes before its interval has passed"


@pytest.mark.parametrize("patient", [True, False])
async def test_a_final_error_ends_a_poll_at_once(address: str, patient: bool) -> None:
    async with served(address, outside := Outside()) as here:
        handle = await here.start(
            Poller, Wait(job="dead", every_ms=50, deadline_ms=19_900, patient=patient)
        )
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
    assert outside.looks["dead"] == 1
    assert "no such job" in str(caught.value.cause.__cause__)


# ---- fused ---------------------------------------------------------------------------------


async def test_both_grades_give_the_same(address: str, tmp_path: Path) -> None:
    """Loop and polls inside a fused step: its calls are asked anew, not read back.

    No writer is as good as another: of two such, the first to answer would be taken.
    """
    given = All(
        letter=Letter(writers=("a", "broken", "poor"), quality=0.3),
        jobs=(Wait(job="print"), by_timers("scan")),
    )
    done: dict[Grade, AllDone] = {}
    looks: dict[Grade, Counter[str]] = {}
    for grade in Grade:
        outside = Outside(done_at=5)
        async with served(address, outside, steps=[refine_and_poll], data=tmp_path) as here:
            done[grade] = AllDone.model_validate(
                await here.run(Stepped, given, memo={GRADE: grade})
            )
        looks[grade] = outside.looks
    assert done[Grade.FUSED] == done[Grade.VISIBLE]
    assert done[Grade.FUSED].value == "a3(a2(a1()))"
    assert looks[Grade.FUSED] == looks[Grade.VISIBLE] == {"print": 5, "scan": 5}


async def test_a_fused_step_waits_the_interval_between_two_looks(
    address: str, tmp_path: Path
) -> None:
    """The door does not try a NotYet again by itself, as it would a failure."""
    wait = Wait(job="print", every_ms=300)
    given = All(letter=Letter(writers=("good",)), jobs=(wait,))
    outside = Outside(done_at=2)
    async with served(address, outside, steps=[refine_and_poll], data=tmp_path) as here:
        await here.run(Stepped, given, memo={GRADE: Grade.FUSED})
    first, second = outside.seen_at
    assert second - first >= 0.3
