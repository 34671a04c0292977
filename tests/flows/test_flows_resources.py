"""Shared state on the server: turns, dead holders, keepers that start anew, rivals for a record."""

import asyncio
import random
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from runtime.server import Ports
from tests.flows.resources import (
    LINGER,
    POOL,
    READ,
    WORKFLOWS,
    WRITE,
    Balance,
    Depositor,
    Holder,
    Job,
    Turn,
    Turns,
    Word,
)
from tests.flows.watching import runs, served, service, until
from tests.support.flows import Answers, Flows, Handle
from workflows.data.events import Event
from workflows.data.resources import KeeperState, Notice, NoticeKind
from workflows.errors import Conflict

pytestmark = pytest.mark.server
ONE = {"licence": 1}


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def address(temporal: Ports) -> str:
    return f"127.0.0.1:{temporal.grpc}"


async def turns(here: Flows, handle: Handle) -> tuple[Turn, ...]:
    result = Turns.model_validate(await handle.result())
    assert result.remembered == 0, "nothing of a lock stays in the inbox"
    await here.replayed(handle)
    return result.turns


async def phase(handle: Handle, name: str) -> None:
    await until(handle, "status", lambda s: s["phase"] == name)


async def keeper_state(
    keeper: Handle, ready: Callable[[KeeperState], bool] = lambda _: True
) -> KeeperState:
    answer = await until(keeper, "state", lambda s: ready(KeeperState.model_validate(s)))
    return KeeperState.model_validate(answer)


def holders(state: KeeperState) -> list[str]:
    return [h.request.holder for h in state.held]


def waiting(state: KeeperState) -> list[str]:
    return [r.holder for r in state.waiting]


async def all_replay(here: Flows, handle: Handle) -> int:
    found = await runs(here, handle)
    for run in found:
        await here.replayed(run)
    return len(found)


def never_together(had: Sequence[Turn]) -> bool:
    """Whether no turn began before the one with the token before its own had ended."""
    in_order = sorted(had, key=lambda t: t.token)
    return all(a.end <= b.start for a, b in pairwise(in_order))


async def linger(_word: Word) -> Word:
    await asyncio.Event().wait()
    raise AssertionError("never")


async def test_holders_take_turns_and_the_keeper_starts_anew_under_load(temporal: Ports) -> None:
    """Licence, and shares of the database besides; several keeper runs; nothing is lost."""
    seed = secrets.randbelow(10_000)
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311 - amounts, no secret
    jobs = [Job(wants={"licence": 1, "db": chance.randint(1, 3)}, times=2) for _ in range(8)]
    async with served(address(temporal), WORKFLOWS) as here:
        keeper = service(here, "keeper", POOL.name)
        await here.start("keeper", KeeperState(pool=POOL, continue_after=70), id=keeper.id)
        started = [await here.start(Holder, job) for job in jobs]
        had = [turn for one in started for turn in await turns(here, one)]
        assert len({t.token for t in had}) == 16
        assert never_together(had)
        state = await keeper_state(keeper, lambda s: s.counts.released == 16)
        assert (state.counts.granted, state.counts.expired, state.counts.gone) == (16, 0, 0)
        assert (state.held, state.waiting, state.untold) == ((), (), ())
        assert await all_replay(here, keeper) > 2


async def known_anew(here: Flows, state: KeeperState) -> None:
    """Start the keeper anew, with what it shall know."""
    keeper = service(here, "keeper", POOL.name)
    await keeper.terminate()
    await here.start("keeper", state, id=keeper.id)


async def test_the_lease_of_a_terminated_holder_ends_and_the_next_has_its_turn(
    temporal: Ports,
) -> None:
    """It is about to end when all is in place, however long that took."""
    async with served(address(temporal), WORKFLOWS) as here:
        keeper = service(here, "keeper", POOL.name)
        dead = await here.start(Holder, Job(wants=ONE, lease=seconds(60), ending="event"))
        await phase(dead, "holding")
        follower = await here.start(Holder, Job(wants=ONE))
        state = await keeper_state(keeper, lambda s: waiting(s) == [follower.id])
        await dead.terminate()
        lent = state.held[0].model_copy(update={"until": datetime.now(UTC) + seconds(0.5)})
        await known_anew(here, state.model_copy(update={"held": (lent,)}))
        (turn,) = await turns(here, follower)
        assert turn.token > lent.token
        assert lent.until <= turn.start
        state = await keeper_state(keeper, lambda s: s.counts.released == 1)
        assert state.counts.expired == 1
        await all_replay(here, keeper)


async def test_a_holder_that_is_cancelled_releases_and_one_that_is_gone_is_passed_over(
    temporal: Ports,
) -> None:
    """Long leases: nobody waits for their end."""
    long = Job(wants=ONE, lease=seconds(60), ending="linger")
    async with served(address(temporal), WORKFLOWS, {LINGER: linger}) as here:
        keeper = service(here, "keeper", POOL.name)
        first = await here.start(Holder, long)
        await phase(first, "holding")
        ended = await here.start(Holder, long)
        await keeper_state(keeper, lambda s: waiting(s) == [ended.id])
        cancelled = await here.start(Holder, long)
        await keeper_state(keeper, lambda s: waiting(s)[1:] == [cancelled.id])
        last = await here.start(Holder, Job(wants=ONE))
        await keeper_state(keeper, lambda s: waiting(s)[2:] == [last.id])
        await ended.terminate()
        await cancelled.cancel()
        await keeper_state(keeper, lambda s: waiting(s) == [ended.id, last.id])
        await first.cancel()
        (turn,) = await turns(here, last)
        state = await keeper_state(keeper, lambda s: s.counts.released == 2)
        assert (state.counts.gone, state.counts.expired) == (1, 0)
        assert (state.held, state.waiting) == ((), ())
        for one in (first, cancelled):
            described = await one.describe()
            assert described.status is WorkflowExecutionStatus.CANCELED
            await here.replayed(one)
        assert turn.end >= turn.start
        await all_replay(here, keeper)


async def test_work_that_outlives_its_lease_fails_with_lease_lost(temporal: Ports) -> None:
    """Stopped in a wait or in an activity; renewed up to the bound before."""
    async with served(address(temporal), WORKFLOWS, {LINGER: linger}) as here:
        keeper = service(here, "keeper", POOL.name)
        bounds = {"lease": seconds(4), "at_most": seconds(5)}
        jobs = (
            Job(wants=ONE, ending="event", **bounds),
            Job(wants={"db": 1}, ending="linger", **bounds),
        )
        for handle in [await here.start(Holder, job) for job in jobs]:
            with pytest.raises(WorkflowFailureError) as failed:
                await handle.result()
            cause = failed.value.cause
            assert isinstance(cause, ApplicationError)
            assert cause.type == "LeaseLost"
            described = await handle.describe()
            assert described.close_time is not None
            assert described.close_time - described.start_time >= seconds(4), "renewed before"
            await here.replayed(handle)
        state = await keeper_state(keeper, lambda s: not s.held)
        assert state.counts.granted == 2
        await all_replay(here, keeper)


async def test_a_keeper_that_was_terminated_is_started_by_the_next_message(
    temporal: Ports,
) -> None:
    """Its queue is lost with it, the holder's release finds an empty one; tokens grow on."""
    async with served(address(temporal), WORKFLOWS) as here:
        keeper = service(here, "keeper", POOL.name)
        first = await here.start(Holder, Job(wants=ONE, ending="event"))
        await phase(first, "holding")
        await keeper.terminate()
        await first.signal("event", Event(name="go", id="1"))
        (before,) = await turns(here, first)
        (after,) = await turns(here, await here.start(Holder, Job(wants=ONE)))
        assert after.token > before.token


async def test_what_a_keeper_has_not_told_when_it_starts_anew_it_tells_then(
    temporal: Ports,
) -> None:
    """Ten notices to one process, one after the other, over several short runs."""
    async with served(address(temporal), WORKFLOWS) as here:
        keeper = service(here, "keeper", POOL.name)
        told = await here.start(Holder, Job(wants=ONE, ending="event"))
        await phase(told, "holding")
        untold = tuple(
            Notice(to=told.id, request=f"r{n}", kind=NoticeKind.REFUSED) for n in range(10)
        )
        await known_anew(here, KeeperState(pool=POOL, untold=untold, continue_after=20))
        seen = await until(told, "events", lambda e: len(e["arrivals"]) >= 11)
        names = [a["event"]["name"] for a in seen["arrivals"]]
        assert names[1:] == [f"refused.r{n}" for n in range(10)]
        assert await all_replay(here, keeper) > 1


async def test_a_keeper_nobody_needs_ends(temporal: Ports) -> None:
    """It is not idle before the last holder has gone."""
    async with served(address(temporal), WORKFLOWS) as here:
        keeper = service(here, "keeper", POOL.name)
        last = await here.start(Holder, Job(wants={"db": 3}, ending="event"))
        await phase(last, "holding")
        state = await keeper_state(keeper)
        await known_anew(here, state.model_copy(update={"idle": seconds(0.7)}))
        await keeper.signal("message", {"what": "nonsense"})
        await last.signal("event", Event(name="go", id="1"))
        await turns(here, last)
        left = KeeperState.model_validate(await keeper.result())
        assert (left.held, left.counts.released) == ((), 1)
        await here.replayed(keeper)


class Account:
    """A versioned record behind two Calls; nobody reads it alone the first time."""

    def __init__(self, rivals: int) -> None:
        self.amount, self.version = 0, 1
        self.rivals, self.all_read = rivals, asyncio.Event()

    async def read(self, _word: Word) -> Balance:
        seen = Balance(amount=self.amount, version=self.version)
        self.rivals -= 1
        if self.rivals <= 0:
            self.all_read.set()
        await self.all_read.wait()
        return seen

    async def write(self, sent: Balance) -> Word:
        if sent.version != self.version:
            raise Conflict(f"version is {self.version}, not {sent.version}")
        self.amount, self.version = sent.amount, self.version + 1
        return Word(text=f"version {self.version}")


async def test_rivals_for_one_record_lose_no_change(temporal: Ports) -> None:
    """All read the same version first; a conflict is known by the error of the write's activity."""
    rivals = 4
    account = Account(rivals)
    answers: Answers = {READ: account.read, WRITE: account.write}
    async with served(address(temporal), WORKFLOWS, answers) as here:
        started = [await here.start(Depositor, rivals) for _ in range(rivals)]
        attempts = [await one.result() for one in started]
        assert account.amount == rivals
        assert sorted(attempts)[0] == 1
        assert max(attempts) > 1
        for one in started:
            await here.replayed(one)
