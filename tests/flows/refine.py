"""Test workflows of loops, ladders and polls."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial

from temporalio import workflow

from workflows.calls import Call, ask
from workflows.data.common import Record
from workflows.data.ladder import RungView
from workflows.data.refine import Page, Progress, RefineView
from workflows.grades import step
from workflows.patterns.batches import Batches, hop
from workflows.patterns.bounds import Bounds, Budget
from workflows.patterns.ladder import Rung, ladder
from workflows.patterns.otherwise import give_up, take_best
from workflows.patterns.poll import Interval, patient, poll
from workflows.patterns.refine import Refinement
from workflows.patterns.rounds import Draft, Score, Scored, Turn, Writer


class Question(Record):
    """A draft to write: who writes, in which round, on what."""

    writer: str
    round: int
    on: str = ""


class Answer(Record):
    """What was written, its worth from 0 to 10, and its price."""

    text: str
    worth: int
    usd: Decimal = Decimal("0.10")


class Cursor(Record):
    """Which items are wanted."""

    cursor: str


class Items(Record):
    """A page of a source."""

    items: tuple[str, ...]
    following: str | None = None


class Job(Record):
    """An outside job, and how often it was looked at."""

    name: str
    looks: int = 0
    done: bool = False


WRITE = Call("test_write", Question, Answer, timeout=timedelta(seconds=30), attempts=2)
PAGE = Call("test_page", Cursor, Items, timeout=timedelta(seconds=10), attempts=3)
TAKE = Call("test_take", Items, Items, timeout=timedelta(seconds=10), attempts=3)
LOOK = Call("test_look", Job, Job, timeout=timedelta(seconds=10), attempts=2)


# ---- refine --------------------------------------------------------------------------------


class Letter(Record):
    """A loop: its writers, and its bounds."""

    writers: tuple[str, ...]
    rounds: int = 4
    quality: float = 0.8
    budget: Decimal = Decimal(10)
    merge: bool = False


class Ended(Record):
    """How a loop ended."""

    value: str
    via: str
    view: RefineView


async def write(writer: str, turn: Turn[Answer]) -> Draft[Answer]:
    """Have a draft written."""
    on = turn.previous.value.text if turn.previous else ""
    answer = await ask(WRITE, Question(writer=writer, round=turn.round, on=on))
    return Draft(answer, answer.usd)


async def merged(drafts: Sequence[Scored[Answer]]) -> Draft[Answer]:
    """Have one draft made of several."""
    on = "+".join(d.value.text for d in drafts)
    answer = await ask(WRITE, Question(writer="merger", round=drafts[0].round, on=on))
    return Draft(answer, answer.usd)


def loop_of(letter: Letter) -> Refinement[Answer]:
    return Refinement(
        "letter",
        [Writer(name, partial(write, name)) for name in letter.writers],
        lambda answer: Score(answer.worth / 10, f"worth {answer.worth}"),
        Bounds(
            rounds=letter.rounds,
            quality=letter.quality,
            deadline=timedelta(minutes=5),
            budget=Budget(letter.budget, Decimal("0.10")),
        ),
        otherwise=take_best(),
        merge=merged if letter.merge else None,
    )


@workflow.defn(name="test-refine")
class Refiner:
    """Refines a letter; the query `rounds` shows how far it is."""

    @workflow.init
    def __init__(self, letter: Letter) -> None:
        self.loop = loop_of(letter)

    @workflow.run
    async def run(self, letter: Letter) -> Ended:
        found = await self.loop.run()
        return Ended(value=found.value.text, via=found.via, view=self.loop.view())

    @workflow.query
    def rounds(self) -> RefineView:
        return self.loop.view()


# ---- batches -------------------------------------------------------------------------------


class Order(Record):
    """A batch order: what travels from run to run. `heard` are the messages so far."""

    progress: Progress[tuple[str, ...]] = Progress(state=())
    per_run: int | None = None
    most_events: int = 10_000
    heard: tuple[str, ...] = ()


@workflow.defn(name="test-batches")
class Batcher:
    """Takes all items of a source, and hears messages all the while."""

    @workflow.init
    def __init__(self, order: Order) -> None:
        self.heard = list(order.heard)
        self.order = order

    @workflow.run
    async def run(self, order: Order) -> Order:
        loop = Batches(
            "items",
            order.progress,
            self.page,
            self.take,
            Bounds(rounds=50),
            per_run=order.per_run,
            most_events=order.most_events,
        )
        self.order = order.model_copy(update={"progress": await loop.run()})
        if self.order.progress.stopped is None:
            await hop(self.following)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.following()

    @workflow.signal
    async def hear(self, message: str) -> None:
        # An asynchronous handler: a hop in the middle of it would lose the message.
        await workflow.sleep(0.02)
        self.heard.append(message)

    def following(self) -> Order:
        return self.order.model_copy(update={"heard": tuple(self.heard)})

    async def page(self, cursor: str) -> Page[str]:
        found = await ask(PAGE, Cursor(cursor=cursor))
        return Page(items=found.items, following=found.following)

    async def take(self, state: tuple[str, ...], items: Sequence[str]) -> Draft[tuple[str, ...]]:
        taken = await ask(TAKE, Items(items=tuple(items)))
        return Draft((*state, *taken.items))


# ---- ladder --------------------------------------------------------------------------------


class Climb(Record):
    """What a ladder gave."""

    value: str
    via: str
    said: tuple[RungView, ...]


@workflow.defn(name="test-ladder")
class Climber:
    """Asks ever stronger writers; the slow one has half a second, which it never keeps."""

    @workflow.run
    async def run(self, writers: tuple[str, ...]) -> Climb:
        rungs = [
            Rung(
                name,
                partial(self.ask, name),
                lambda a: a.worth >= 5,
                timedelta(seconds=0.5 if name == "slow" else 60),
            )
            for name in writers
        ]
        found = await ladder("letter", rungs, otherwise=give_up())
        return Climb(value=found.value.text, via=found.via, said=found.said)

    async def ask(self, writer: str) -> Answer:
        return await ask(WRITE, Question(writer=writer, round=1))


# ---- poll ----------------------------------------------------------------------------------


class Wait(Record):
    """How to wait for a job."""

    job: str
    every_ms: int = 5
    deadline_ms: int = 60_000
    patient: bool = True
    tolerate: int = 0


@workflow.defn(name="test-poll")
class Poller:
    """Waits for a job."""

    @workflow.run
    async def run(self, wait: Wait) -> Job:
        return await wait_for_job(wait)


async def wait_for_job(wait: Wait) -> Job:
    every = Interval(timedelta(milliseconds=wait.every_ms), factor=1)
    deadline = timedelta(milliseconds=wait.deadline_ms)
    if wait.patient:
        return await patient(LOOK, Job(name=wait.job), every=every, deadline=deadline)

    async def look(number: int) -> Job:
        return await ask(LOOK, Job(name=wait.job, looks=number))

    return await poll(
        wait.job, look, lambda j: j.done, every=every, deadline=deadline, tolerate=wait.tolerate
    )


# ---- the same, fused -----------------------------------------------------------------------


class All(Record):
    """A loop and two polls, in one step."""

    letter: Letter
    jobs: tuple[Wait, ...]


class AllDone(Record):
    """What the step gave."""

    value: str
    via: str
    jobs: tuple[Job, ...]


@step("test_refine_and_poll", All, AllDone)
async def refine_and_poll(given: All) -> AllDone:
    """Refine, then wait for jobs in a row."""
    found = await loop_of(given.letter).run()
    jobs = [await wait_for_job(wait) for wait in given.jobs]
    return AllDone(value=found.value.text, via=found.via, jobs=tuple(jobs))


@workflow.defn(name="test-refine-step")
class Stepped:
    """Runs the step in the grade of the case."""

    @workflow.run
    async def run(self, given: All) -> AllDone:
        return await refine_and_poll(given)
