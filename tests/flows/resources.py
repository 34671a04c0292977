"""Test workflows of shared state: holders of a pool, and rivals for one record."""

from datetime import datetime, timedelta

from pydantic import AwareDatetime
from temporalio import workflow

from workflows.calls import Call, ask
from workflows.data.common import Record
from workflows.data.resources import Pool
from workflows.patterns.locks import holding
from workflows.patterns.process import Process
from workflows.patterns.versions import Versioned, update_record

POOL = Pool(
    name="bureau", amounts={"licence": 1, "db": 3}, longest=timedelta(minutes=1), most_waiting=50
)
SOON = timedelta(seconds=40)


class Word(Record):
    """A word, to and fro."""

    text: str


class Balance(Record):
    """A record elsewhere at a version."""

    amount: int
    version: int


LINGER = Call("test_linger", Word, Word, timeout=timedelta(minutes=1), attempts=5)
READ = Call("test_read_balance", Word, Balance, timeout=timedelta(seconds=5), attempts=5)
WRITE = Call("test_write_balance", Balance, Word, timeout=timedelta(seconds=5), attempts=5)


class Job(Record):
    """What a holder does: how often, how much it takes, how its turn ends.

    `ending`: "at once", "event" (waits for the event "go"), "linger" (in a Call that never ends).
    """

    wants: dict[str, int]
    times: int = 1
    lease: timedelta = timedelta(seconds=20)
    at_most: timedelta | None = None
    ending: str = "at once"


class Turn(Record):
    """One turn of a holder."""

    start: AwareDatetime
    end: AwareDatetime
    token: int


class Turns(Record):
    """The turns a holder had."""

    turns: tuple[Turn, ...] = ()
    remembered: int = 0


@workflow.defn(name="flow-holder")
class Holder(Process):
    """Takes its turns; the phase says whether it waits or holds."""

    @workflow.init
    def __init__(self, job: Job) -> None:
        super().__init__("holder", "holder")

    @workflow.run
    async def run(self, job: Job) -> Turns:
        turns = [await self.turn(job) for _ in range(job.times)]
        left = [a for a in self.inbox.arrivals if a.event.name != "go"]
        return Turns(turns=tuple(turns), remembered=len(left))

    async def turn(self, job: Job) -> Turn:
        self.enter("waiting")
        lock = holding(
            self.inbox, POOL, job.wants, lease=job.lease, at_most=job.at_most, within=SOON
        )
        async with lock as lease:
            start: datetime = workflow.now()
            self.enter("holding")
            if job.ending == "event":
                await self.inbox.wait("go", deadline=SOON)
            if job.ending == "linger":
                await ask(LINGER, Word(text="for ever"))
            return Turn(start=start, end=workflow.now(), token=lease.token)


@workflow.defn(name="flow-depositor")
class Depositor(Process):
    """Adds one to a balance others change too."""

    @workflow.init
    def __init__(self, attempts: int) -> None:
        super().__init__("depositor", "depositor")

    @workflow.run
    async def run(self, attempts: int) -> int:
        async def read() -> Versioned[int]:
            found = await ask(READ, Word(text="balance"))
            return Versioned(found.amount, found.version)

        async def decide(amount: int) -> int | None:
            return amount + 1

        async def write(wanted: Versioned[int]) -> str:
            sent = Balance(amount=wanted.value, version=int(wanted.version))
            return (await ask(WRITE, sent)).text

        done = await update_record(read, decide, write, what="balance", attempts=attempts)
        return done.attempts


WORKFLOWS = [Holder, Depositor]
